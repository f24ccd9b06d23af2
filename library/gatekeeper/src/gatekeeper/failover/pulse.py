"""The event loop promises every 20 ms to be back before a deadline, so that others see at once that it is stuck.

The promise stands in a small file in memory, and `h323-gatekeeper-watch` (pulse_watch.py), a process of its own, reads
it: whoever is stopped or stuck can't say so. docs/decisions/0011-fitness.md has the measurements behind the numbers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gatekeeper.failover.pulse_file import PulseFile

EVERY = 0.02
"""Seconds between two promises."""
_WATCHED_WITHIN = 1.0


class Pulse:
    """The service's side."""

    def __init__(self, path: Path | None, promise: float, broken: Callable[[float], None]) -> None:
        """Promise to be back within `promise` seconds; `broken` is told after how many seconds it was instead."""
        self._path = path
        self._promise = promise
        self._broken = broken
        self._file: PulseFile | None = None
        self._deadline = float("inf")
        self._beaten = float("inf")
        self._busy_until = 0.0
        self.longest = 0.0
        """The longest time between two promises since the start, in seconds."""

    def open(self) -> None:
        """Begin to promise.

        Raises:
            OSError: the file can't be used.
        """
        if self._path is not None:
            self._file = PulseFile(self._path, create=True)
            self._file.deadline = 0.0
            self._file.process = os.getpid()
        self._beat()

    def close(self) -> None:
        """Promise nothing any more."""
        self._deadline = float("inf")
        file, self._file = self._file, None
        if file is not None:
            file.deadline = 0.0
            file.close()

    @property
    def stalls(self) -> int:
        """How often the watcher has taken the virtual address from this node for a broken promise."""
        return self._file.stalls if self._file is not None else 0

    @property
    def watched(self) -> bool | None:
        """Whether somebody looks at the promises; None where they are made to nobody."""
        if self._file is None:
            return None
        return time.monotonic() - self._file.looked <= _WATCHED_WITHIN

    def check(self, monotonic: float) -> None:
        """Tell at once if a promise was broken by now: after a stop, datagrams are read before the next is made."""
        if monotonic > self._deadline:
            self._beat()

    @contextlib.contextmanager
    def busy(self, seconds: float) -> Iterator[None]:
        """Promise to be back later: for known long work that doesn't await anything."""
        self._beat()
        self._busy_until = time.monotonic() + seconds
        self._renew()
        try:
            yield
        finally:
            self._busy_until = 0.0
            if time.monotonic() <= self._deadline:
                # It was announced, and is no stall.
                self._beaten = time.monotonic()
            self._beat()

    async def run(self) -> None:
        """Promise until cancelled."""
        while True:
            self._beat()
            await asyncio.sleep(EVERY)

    def _beat(self) -> None:
        now = time.monotonic()
        gap = max(0.0, now - self._beaten)
        self.longest = max(self.longest, gap)
        overdue = now > self._deadline
        self._beaten = now
        self._renew()
        if overdue:
            self._broken(gap)

    def _renew(self) -> None:
        self._deadline = max(time.monotonic() + self._promise, self._busy_until)
        if self._file is not None:
            self._file.deadline = self._deadline
