"""What time it is."""

from __future__ import annotations

import time

from gatekeeper.core import Instant

_SAME_MOMENT = 0.1
"""Seconds between two readings that are taken for one."""


def instant() -> Instant:
    """Now, by both clocks at the same moment: who is stopped in between must not take that for a step of one."""
    while True:
        before, unix, after = time.monotonic(), time.time(), time.monotonic()
        if after - before <= _SAME_MOMENT:
            return Instant(after, unix)
