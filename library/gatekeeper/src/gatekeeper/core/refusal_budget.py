"""How many unproven requests may be refused in full.

A refusal costs a datagram and records on three disks. Beyond the budget the gatekeeper keeps silent and counts (see
`floods.py`), so that a flood can neither fill disks nor be reflected, whatever addresses it comes from.
"""

from __future__ import annotations

_MOST_SOURCES = 1_000
_OTHERS = "others"
"""Stands for all sources beyond the first thousand in an interval."""


class RefusalBudget:
    """Counts refusals, by source IP address and in all."""

    def __init__(self, per_source: int, in_all: int, interval: int) -> None:
        self._per_source = per_source
        self._in_all = in_all
        self._interval = interval
        self._ends = 0.0
        self._spent: dict[str, int] = {}
        self._spent_in_all = 0

    def spend(self, host: str, monotonic: float) -> bool:
        """Whether one more refusal to this host may be answered and logged at this time (seconds)."""
        if monotonic >= self._ends:
            self._ends = monotonic + self._interval
            self._spent.clear()
            self._spent_in_all = 0
        source = host if host in self._spent or len(self._spent) < _MOST_SOURCES else _OTHERS
        spent = self._spent.get(source, 0)
        if spent >= self._per_source or self._spent_in_all >= self._in_all:
            return False
        self._spent[source] = spent + 1
        self._spent_in_all += 1
        return True
