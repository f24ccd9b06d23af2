"""Latencies of a run of any length, in memory that doesn't grow with it."""

from __future__ import annotations

from collections import Counter

_STEPS_PER_SECOND = 10_000
"""A tenth of a millisecond."""


class Latencies:
    """Counted by tenths of a millisecond, rounded to the nearest."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._longest = 0.0

    def note(self, seconds: float) -> None:
        """One more."""
        self._counts[round(seconds * _STEPS_PER_SECOND)] += 1
        self._longest = max(self._longest, seconds)

    def percentile_ms(self, percent: int) -> float:
        """The smallest of the latencies that at least `percent` per cent of them don't exceed; 0 where there's none."""
        rank = max(-(-self._counts.total() * percent // 100) if self._counts else 0, 1)
        for step in sorted(self._counts):
            rank -= self._counts[step]
            if rank <= 0:
                return step * 1000 / _STEPS_PER_SECOND
        return 0.0

    @property
    def longest_ms(self) -> float:
        """The longest of them; 0 where there's none."""
        return round(self._longest * 1000, 1)
