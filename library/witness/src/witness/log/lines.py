"""A stream's lines in the order of their indexes, out of its day files while those grow.

Around midnight two nodes' clocks can put neighbours into different days, so the order of the files is not that of the
records: the next record is looked for in a few neighbouring files.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from witness.day_files.streams import Stream
from witness.errors import WitnessError
from witness.tiles import MAX_ENTRY_OCTETS

_WINDOW = 3
"""Files that may have the next record."""
_CHUNK = 1 << 18
_PACKED = ".gz"
_GRAIN = 1_000_000_000
"""Nanoseconds for which a folder that has just changed is not believed to be as it was listed."""

Position = Mapping[str, int]
"""By day (YYYYMMDD): the offset from which on a file is not read yet. Days before them are, those after them aren't."""


class LinesError(WitnessError):
    """The day files are not a stream: a record is missing, is there twice, or is none."""


class ShrunkError(WitnessError):
    """A file has less than was read of it: it was repaired or replaced, and has to be read anew."""


class _Readable(Protocol):
    """A plain or a packed file."""

    def fileno(self) -> int:
        """The kernel's number of it."""

    def seek(self, offset: int, /) -> int:
        """Go to this octet of the (unpacked) file."""

    def read(self, size: int, /) -> bytes | None:
        """At most so many octets."""

    def close(self) -> None:
        """Close it."""


class _DayFile:
    """One day's lines, each once it is complete."""

    def __init__(self, path: Path, offset: int) -> None:
        self.path = path
        packed = path.suffix == _PACKED
        self._file: _Readable = gzip.GzipFile(path, "rb") if packed else path.open("rb", buffering=0)
        self._grows = not packed
        self._read = offset
        self.offset = offset
        """Where the first of the waiting lines begins."""
        self.waiting: deque[bytes] = deque()

    def fill(self) -> None:
        """Have a line waiting if there is a complete one.

        Raises:
            LinesError: a line is longer than any record.
            ShrunkError: what was read is there no more.
            OSError, EOFError, zlib.error: the disk refuses, or a packed file is none.
        """
        if self.waiting:
            return
        if self._grows and os.fstat(self._file.fileno()).st_size < self._read:
            raise ShrunkError(f"{self.path} has become shorter")
        self._file.seek(self._read)
        octets = self._file.read(_CHUNK) or b""
        whole = octets.rfind(b"\n") + 1
        if self._grows and not octets:
            self._require_same_file()
        if not whole and len(octets) > MAX_ENTRY_OCTETS:
            raise LinesError(f"{self.path} has a line of more than {MAX_ENTRY_OCTETS} octets at {self._read}")
        if whole:
            self.waiting.extend(octets[: whole - 1].split(b"\n"))
            self._read += whole

    def _require_same_file(self) -> None:
        """A file that was packed has no plain name any more; but one that was replaced grows elsewhere."""
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_ino != os.fstat(self._file.fileno()).st_ino:
                raise ShrunkError(f"{self.path} was replaced")

    def take(self) -> bytes:
        """The first of the waiting lines."""
        line = self.waiting.popleft()
        self.offset += len(line) + 1
        return line

    def close(self) -> None:
        """Read no more."""
        self._file.close()


class Lines:
    """Reads on from where it is, each time it is asked."""

    def __init__(self, directory: Path, stream: Stream, index: int = 0, position: Position | None = None) -> None:
        """Begin with the record of this index, which is the next one at that position."""
        self._folder = directory / stream.folder
        self._prefix = f"{stream.prefix}_"
        self.index = index
        """Of the next record."""
        self._begin = dict(position or {})
        self._done = min(self._begin, default="")
        """Days before this one have been read."""
        self._open: dict[str, _DayFile] = {}
        self._listed: dict[str, Path] = {}
        self._listed_at = 0
        """The folder's time of change when it was listed, in nanoseconds; 0 where it may have changed since."""

    def position(self) -> Position:
        """Where the next record will be found."""
        return {day: file.offset for day, file in self._open.items()} or self._begin

    def close(self) -> None:
        """Close the files."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def read(self, most: int) -> list[bytes]:
        """The next lines, at most so many; none if there are no more yet.

        Raises:
            LinesError: the files are not a stream. What was read before that is lost.
            ShrunkError: a file has to be read anew.
        """
        lines: list[bytes] = []
        try:
            while len(lines) < most and self._read_next(lines, most):
                pass
        except (OSError, EOFError, zlib.error) as error:
            raise LinesError(f"{self._folder} cannot be read: {error}") from error
        return lines

    def first(self) -> int:
        """The least index in the oldest files. Raises as `read`, and OSError."""
        heads: list[int] = []
        for file in self._window():
            file.fill()
            if file.waiting:
                heads.append(_index(file.waiting[0], file.path))
        return min(heads, default=0)

    def _read_next(self, lines: list[bytes], most: int) -> bool:
        """Take what is next in one of the files; whether there was anything."""
        for file in self._window():
            file.fill()
            taken = len(lines)
            while file.waiting and len(lines) < most and _has_index(file.waiting[0], self.index, file.path):
                lines.append(file.take())
                self.index += 1
            if len(lines) > taken:
                return True
        return self._advance()

    def _window(self) -> Iterator[_DayFile]:
        """The files that may have the next record, by day."""
        if len(self._open) < _WINDOW:
            self._open_more()
        return iter([self._open[day] for day in sorted(self._open)])

    def _open_more(self) -> None:
        for day in sorted(self._days()):
            if len(self._open) == _WINDOW:
                return
            if day >= self._done:
                self._open_day(day)

    def _open_between(self) -> bool:
        """Open days that had no file when later ones were opened; whether there are any."""
        last = max(self._open, default="")
        late = [day for day in self._days() if self._done <= day < last and day not in self._open]
        for day in late:
            self._open_day(day)
        return not self._open.keys().isdisjoint(late)

    def _open_day(self, day: str) -> None:
        if day not in self._open:
            # Between looking and opening it may have been packed: then it is found under its other name.
            with contextlib.suppress(FileNotFoundError):
                self._open[day] = _DayFile(self._days()[day], self._begin.get(day, 0))

    def _days(self) -> dict[str, Path]:
        """Each day's file: a plain one if it is there, otherwise a packed one. Looked for where the folder changed."""
        try:
            changed = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed != self._listed_at:
            self._listed = self._list_days()
            # Within the clock's grain, another change would not show.
            self._listed_at = changed if time.time_ns() - changed > _GRAIN else 0
        return self._listed

    def _list_days(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                day, _, suffix = entry.name.removeprefix(self._prefix).partition(".")
                plain = suffix == "jsonl"
                if entry.name.startswith(self._prefix) and day.isdigit() and (plain or suffix == "jsonl" + _PACKED):
                    path = Path(entry.path)
                    found[day] = path if plain else found.get(day, path)
        return found

    def _advance(self) -> bool:
        """Leave the oldest file if the next record must be in a later one; whether there is one.

        Raises:
            LinesError: the next record is in none of the files, and later ones are there.
        """
        if self._open_between():
            return True
        waiting = [file for file in self._open.values() if file.waiting]
        days = sorted(self._open)
        if len(days) >= _WINDOW and not self._open[days[0]].waiting and any(day > days[-1] for day in self._days()):
            self._open.pop(days[0]).close()
            self._done = days[1]
            return True
        if not waiting:
            return False
        # The others may have been read just before it came.
        for file in self._open.values():
            file.fill()
        heads = [file for file in self._open.values() if file.waiting]
        if any(_has_index(file.waiting[0], self.index, file.path) for file in heads):
            return True
        raise LinesError(f"{heads[0].path} goes on at octet {heads[0].offset} with another record than {self.index}")


def first_index(directory: Path, stream: Stream) -> int:
    """Index of the first record that is there: older days may have been removed. 0 where there is none.

    Raises:
        LinesError: what should be it is no record.
    """
    lines = Lines(directory, stream)
    try:
        return lines.first()
    except (OSError, EOFError, zlib.error) as error:
        raise LinesError(f"{directory / stream.folder} cannot be read: {error}") from error
    finally:
        lines.close()


def _index(line: bytes, path: Path) -> int:
    """Of a record. Raises LinesError where the line is none."""
    try:
        found = json.loads(line)["index"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LinesError(f"{path} has a line that is no record: {line[:60]!r}") from error
    if type(found) is not int or found < 0:
        raise LinesError(f"{path} has a record without a number: {line[:60]!r}")
    return found


def _has_index(line: bytes, index: int, path: Path) -> bool:
    """Whether a line is the record of this index.

    Raises:
        LinesError: it is no record, or one that was there before.
    """
    # As every record begins; the whole line is read only where it doesn't.
    if line.startswith(b'{"index": %d, ' % index):
        if len(line) > MAX_ENTRY_OCTETS:
            raise LinesError(f"{path}: record {index} has more than {MAX_ENTRY_OCTETS} octets")
        return True
    found = _index(line, path)
    if found <= index:
        raise LinesError(f"{path}: record {found} stands where {index} or a later one should")
    return False
