"""A bar on a terminal's stderr, for whoever waits."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_WIDTH = 40
_EVERY = 0.1
"""Seconds between two drawings."""


class Progress:
    """Draws nothing where stderr is no terminal."""

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        """`total` is what will have been done in the end."""
        self._stream = stream if stream is not None else sys.stderr
        self._draws = self._stream.isatty() and total > 0
        self._label, self._total = label, total
        self._next = 0.0

    def __call__(self, done: int) -> None:
        """Show how much was done."""
        now = time.monotonic()
        if self._draws and now >= self._next:
            self._next = now + _EVERY
            part = min(1.0, done / self._total)
            bar = "#" * int(part * _WIDTH)
            self._stream.write(f"\r{self._label:10} [{bar:{_WIDTH}}] {part:4.0%}")
            self._stream.flush()

    def end(self) -> None:
        """Leave the line as it was found."""
        if self._draws:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
