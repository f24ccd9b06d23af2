"""When to send: a fixed grid, so that one late sending doesn't delay those after it."""

from __future__ import annotations


class Pace:
    """Times are monotonic seconds. Sendings that were missed are not made up for: a burst would measure itself."""

    def __init__(self, start: float, interval: float) -> None:
        self.due = start
        """When to send next."""
        self._interval = interval

    def advance(self, now: float) -> int:
        """One was sent at `now`, when it was due or later; how many sendings were missed before the next one."""
        missed = max(0, int((now - self.due) / self._interval))
        self.due += (missed + 1) * self._interval
        return missed
