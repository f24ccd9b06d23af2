"""Which day files a stream's folder has: plain ones, and packed ones of days that were rotated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from witness.day_files.streams import STREAMS, Stream

PACKED = ".gz"
_NAME = re.compile(r"(?P<prefix>[a-z0-9_]+)_(?P<day>[0-9]{8})\.jsonl(?P<packed>\.gz)?\Z")


@dataclass(frozen=True, slots=True)
class DayFile:
    """One day of a stream."""

    day: str
    """YYYYMMDD, in UTC."""
    path: Path
    packed: bool


def list_day_files(folder: Path, stream: Stream) -> list[DayFile]:
    """The days in order. Of a day that is there twice, as after a rotation that was cut short, the plain file counts.

    Raises:
        OSError: the folder can't be read; one that isn't there has no files.
    """
    try:
        return day_files_of([path.name for path in folder.iterdir()], folder, stream)
    except FileNotFoundError:
        return []


def day_files_of(names: Iterable[str], folder: Path, stream: Stream) -> list[DayFile]:
    """The days in order, as the names of a folder's files tell."""
    found: dict[str, DayFile] = {}
    for name in names:
        matched = _NAME.match(name)
        if matched is not None and matched["prefix"] == stream.prefix:
            file = DayFile(matched["day"], folder / name, matched["packed"] is not None)
            if not file.packed or file.day not in found:
                found[file.day] = file
    return [found[day] for day in sorted(found)]


def stream_in(folder: Path) -> Stream | None:
    """Whose folder this is, by the day files in it, or by its name where it has none.

    Raises:
        OSError: the folder can't be read.
    """
    for stream in STREAMS.values():
        if list_day_files(folder, stream):
            return stream
    return next((stream for stream in STREAMS.values() if stream.folder == folder.resolve().name), None)
