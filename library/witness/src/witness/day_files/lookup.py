"""Single records, without reading all of the log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from witness.day_files.flaw import Flaw
from witness.day_files.listing import DayFile, list_day_files
from witness.day_files.reader import WINDOW, DayFileReader, FolderError, Run
from witness.day_files.streams import Stream


def find_record(folder: Path, stream: Stream, index: int) -> bytes | None:
    """The record of this index, if it is in the files; where two lines say so, the one in its place.

    Raises:
        FolderError: the folder can't be read.
    """
    try:
        days = list_day_files(folder, stream)
    except OSError as error:
        raise FolderError(f"{folder} cannot be read: {error.strerror}") from error
    if not days:
        return None
    reader = DayFileReader(folder, stream, since=_begin(folder, stream, days, index))
    try:
        for item in reader.read():
            if isinstance(item, Flaw):
                continue
            if item.first <= index < item.first + len(item.lines):
                return item.lines[index - item.first]
            if item.first > index:
                return None
    finally:
        reader.close()
    return None


def _begin(folder: Path, stream: Stream, days: Sequence[DayFile], index: int) -> str:
    """The day to begin with: its neighbours may have earlier records than its own first one."""
    low, high = 0, len(days)
    while high - low > 1:
        middle = (low + high) // 2
        first = _first_from(folder, stream, days[middle].day)
        if first is not None and first <= index:
            low = middle
        else:
            high = middle
    return days[max(0, low - WINDOW)].day


def _first_from(folder: Path, stream: Stream, day: str) -> int | None:
    """The first record of what is left from this day on."""
    reader = DayFileReader(folder, stream, since=day)
    try:
        run = next((item for item in reader.read() if isinstance(item, Run)), None)
    finally:
        reader.close()
    return run.first if run is not None else None
