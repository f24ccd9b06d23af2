"""The last records of a stream, and where to go on reading behind them."""

from __future__ import annotations

import gzip
import os
import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from witness.day_files.listing import DayFile, list_day_files
from witness.day_files.reader import WINDOW, FolderError, index_of
from witness.day_files.streams import Stream

_BLOCK = 1 << 18
_MOST_OCTETS = 1 << 28
"""What is read of a file in search of its last lines."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a stream."""

    lines: list[bytes]
    """The last records."""
    ends: dict[str, int]
    """By day: behind the last complete line of the file."""


def last_records(folder: Path, stream: Stream, count: int) -> Ending:
    """The last `count` records in order, out of at most as much as it takes of the files' ends.

    Raises:
        FolderError: something can't be read.
    """
    try:
        days = list_day_files(folder, stream)
        ends: dict[str, int] = {}
        lines: list[bytes] = []
        for number, file in enumerate(reversed(days)):
            # Neighbours' records are mixed around midnight.
            if number >= WINDOW and len(lines) >= count:
                break
            tail, ends[file.day] = _tail(file, count)
            lines += tail
    except (OSError, EOFError, zlib.error) as error:
        raise FolderError(f"{folder} cannot be read: {error}") from error
    return Ending(_last_by_index(lines, count), ends)


def last_index(file: DayFile) -> int | None:
    """The index of a file's last line; None if it has none, or that is no record.

    Raises:
        OSError, EOFError, zlib.error: it can't be read.
    """
    lines, _ = _tail(file, 1)
    return index_of(lines[-1]) if lines else None


def _last_by_index(lines: Iterable[bytes], count: int) -> list[bytes]:
    numbered = [(index, line) for line in lines if (index := index_of(line)) is not None]
    return [line for _, line in sorted(numbered)[-count:]] if count else []


def _tail(file: DayFile, count: int) -> tuple[list[bytes], int]:
    """The last lines of a file, and where they end."""
    if file.packed:
        with gzip.open(file.path, "rb") as packed:
            last: deque[bytes] = deque(maxlen=count)
            end = 0
            while line := packed.readline(_BLOCK):
                end += len(line)
                last.append(line.rstrip(b"\n"))
            return list(last), end
    with file.path.open("rb") as plain:
        size = plain.seek(0, os.SEEK_END)
        begin, octets = size, b""
        while begin and octets.count(b"\n") <= count and len(octets) < _MOST_OCTETS:
            begin = max(0, begin - _BLOCK)
            plain.seek(begin)
            octets = plain.read(size - begin)
        whole = octets[: octets.rfind(b"\n") + 1]
        return whole.split(b"\n")[:-1][-count:] if count else [], begin + len(whole)
