"""Which release this process runs: the folder that the role gatekeeper installed it in, where it did."""

from __future__ import annotations

import sys
from pathlib import Path

_RELEASES = "releases"


def release_of(prefix: Path) -> str | None:
    """The release's name, if this Python environment is one of several in a folder of releases."""
    environment = prefix.resolve()
    return environment.name if environment.parent.name == _RELEASES else None


RELEASE = release_of(Path(sys.prefix))
