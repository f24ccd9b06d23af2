"""What the tests of power cuts have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from tests.witness_soak.disk import Disk


@contextmanager
def hasty() -> Iterator[None]:
    """Without waiting for the disk: what a power cut leaves of it is made up anyway."""
    with patch.multiple(os, fsync=lambda _: None, fdatasync=lambda _: None):
        yield


def listed(disk: Disk) -> str:
    """What is on a disk, in short."""
    return "\n".join(f"{path} {'/' if octets is None else len(octets)}" for path, octets in disk.paths())
