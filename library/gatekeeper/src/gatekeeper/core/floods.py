"""What was met with silence, summed up: one record a source and interval, and never more than a hundred."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

MOST_SOURCES = 100
"""Sources with a record of their own in an interval."""
OTHERS = "others"
"""Stands for all further ones."""

REFUSED, MALFORMED, LIMITED = "refused", "malformed", "rate_limited"


class Floods:
    """Counts datagrams that weren't answered, by source IP address and why."""

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._ends: float | None = None
        self._silent: dict[str, Counter[str]] = {}

    def note(self, host: str, why: str) -> None:
        """One more from this host was not answered."""
        source = host if host in self._silent or len(self._silent) < MOST_SOURCES else OTHERS
        self._silent.setdefault(source, Counter())[why] += 1

    def next_interval(self, monotonic: float) -> list[Mapping[str, object]]:
        """At the end of an interval (seconds): the fields of its records. Otherwise nothing."""
        if self._ends is not None and monotonic < self._ends:
            return []
        self._ends = monotonic + self._interval
        silent, self._silent = self._silent, {}
        return [_fields(host, counts) for host, counts in silent.items()]


def _fields(host: str, counts: Counter[str]) -> Mapping[str, object]:
    total = sum(counts.values())
    return {"msg_type": "FLOOD", "source": host, "requests": total, **counts, "detail": "unproven, not answered"}
