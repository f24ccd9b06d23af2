"""Which day's file a record goes into: that of its own time, unless a clock was wrong by more than a day.

Readers look for the next record in a few neighbouring files. So one that says it is of long ago, by a host that began
at 1970, goes where the newest records are; and so do all that come after one that says it is of next year, until then.
What comes out depends on the records alone: every host has the same files.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_TIME = re.compile(rb'"time": "([0-9]{4})-([0-9]{2})-([0-9]{2})T')
_TIME_WITHIN = 64
"""Octets of a line within which the journal writes the time."""


def own_day(line: bytes) -> str | None:
    """YYYYMMDD of a record, as its own time has it; None if it doesn't say."""
    matched = _TIME.search(line, 0, _TIME_WITHIN)
    return b"".join(matched.groups()).decode() if matched is not None else None


class Filing:
    """Knows the newest day that has a file with records."""

    def __init__(self, newest: str = "") -> None:
        """YYYYMMDD, or nothing where there are no records."""
        self._newest = self._oldest = ""
        self.has(newest)

    def day(self, own: str) -> str:
        """The day of the file for the next record, which says that it is of its own day."""
        # Around midnight two nodes' clocks can put neighbours into different days.
        return own if own >= self._oldest else self._newest

    def has(self, day: str) -> None:
        """This day's file has a record."""
        if day > self._newest:
            self._newest, self._oldest = day, _day_before(day)


def _day_before(day: str) -> str:
    try:
        before = date(int(day[:4]), int(day[4:6]), int(day[6:])) - timedelta(days=1)
    except (ValueError, OverflowError):
        return day
    return before.isoformat().replace("-", "")
