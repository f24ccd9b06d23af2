"""How many unauthenticated requests a source may have refused in full.

A refusal costs a signature, a datagram and a record on three disks. Beyond the budget the gatekeeper keeps silent and
counts, and the log gets one line a source and interval, so that a flood can neither fill disks nor be reflected.
"""

from __future__ import annotations

_MOST_SOURCES = 1_000
OTHERS = "others"
"""Stands for all sources beyond the first thousand in an interval."""


class RefusalBudget:
    """Counts refusals by source IP address."""

    def __init__(self, per_source: int, interval: int) -> None:
        self._per_source = per_source
        self._interval = interval
        self._ends = 0.0
        self._spent: dict[str, int] = {}
        self._silent: dict[str, int] = {}

    def spend(self, host: str) -> bool:
        """Whether one more refusal to this host may be answered and logged."""
        source = host if host in self._spent or len(self._spent) < _MOST_SOURCES else OTHERS
        spent = self._spent.get(source, 0)
        if spent < self._per_source:
            self._spent[source] = spent + 1
            return True
        self._silent[source] = self._silent.get(source, 0) + 1
        return False

    def next_interval(self, monotonic: float) -> dict[str, int]:
        """At the end of an interval: how many were met with silence, by source. Otherwise nothing."""
        if monotonic < self._ends:
            return {}
        self._ends = monotonic + self._interval
        silent, self._spent, self._silent = self._silent, {}, {}
        return silent
