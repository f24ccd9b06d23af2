"""Where each record stands, for those few that somebody asks for."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

from witness.day_files.reader import Run


class Locations:
    """One entry for each run of records."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._places: list[tuple[Path, int, int]] = []

    def add(self, run: Run) -> None:
        """Note a run, which is later than those before."""
        self._firsts.append(run.first)
        self._places.append((run.path, run.line, len(run.lines)))

    def find(self, index: int) -> tuple[Path | None, int | None]:
        """File and line of a record, if it was in one."""
        at = bisect_right(self._firsts, index) - 1
        if at < 0:
            return None, None
        path, line, count = self._places[at]
        within = index - self._firsts[at]
        return (path, line + within) if within < count else (None, None)
