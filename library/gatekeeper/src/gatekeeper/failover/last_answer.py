"""When this node last answered a terminal: a node that was cut off tells it to its successor later."""

from __future__ import annotations

import math


class LastAnswer:
    """Kept by the process over its terms of office; times are its monotonic seconds."""

    def __init__(self) -> None:
        self.epoch = 0
        """Of the term in which it was given; 0 before the first."""
        self._at = -math.inf

    def note(self, epoch: int, now: float) -> None:
        """A terminal's request was answered in this term."""
        self.epoch, self._at = epoch, now

    def ms_ago(self, now: float) -> int:
        """Whole milliseconds since then. Only where there was one: `epoch` tells."""
        return max(0, round((now - self._at) * 1_000))
