"""A stream's records in the order of their indexes, out of its day files.

Around midnight two nodes' clocks can put neighbours into different days, so the order of the files is not that of the
records: the next record is looked for in a few neighbouring files. What is wrong is told, and reading goes on.

The index stands first in a line as the journal writes it. So a line that begins as it must is taken as it is, a million
of them in a second; only others are parsed.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from witness.day_files.flaw import Flaw, FlawKind
from witness.day_files.listing import DayFile, list_day_files
from witness.day_files.streams import Stream
from witness.errors import WitnessError
from witness.tiles import MAX_ENTRY_OCTETS

WINDOW = 3
"""Files that may have the next record."""
_CHUNK = 1 << 20
_MAX_INDEX = 2**63 - 1
_INDEX = re.compile(rb'\{"index": (0|[1-9][0-9]{0,18}), ')
_TOO_LONG = b"too long"
"""Stands for a line that is longer than any record, whose octets are not kept."""
_UNREADABLE = (OSError, EOFError, zlib.error)


class _Octets(Protocol):
    """A plain or a packed file."""

    def seek(self, offset: int, /) -> int:
        """Go to this octet of the (unpacked) file."""

    def read(self, size: int, /) -> bytes:
        """At most so many octets; none at the end."""


class FolderError(WitnessError):
    """A folder that can't be read."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive records, which are consecutive lines of one file too."""

    first: int
    """The first one's index."""
    lines: list[bytes]
    """The records' octets, without their newlines."""
    path: Path
    line: int
    """Where the first one stands, counted from 1."""


def index_of(line: bytes) -> int | None:
    """What a line says its index is; None if it is no record."""
    matched = _INDEX.match(line)
    if matched is not None:
        index: object = int(matched[1])
    else:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return None
        index = record.get("index") if isinstance(record, dict) else None
    return index if isinstance(index, int) and type(index) is int and 0 <= index <= _MAX_INDEX else None


class DayFileReader:
    """Reads what is there; asked again, it reads on."""

    def __init__(self, folder: Path, stream: Stream, begin: Mapping[str, int] | None = None, since: str = "") -> None:
        """Begin with the first record there is.

        `since` leaves out the days before that one, and `begin` gives the offsets of lines to begin with, by day.
        """
        self._folder, self._stream = folder, stream
        self._begin = dict(begin or {})
        self._since = since
        self._open: list[_Cursor] = []
        self._later: list[DayFile] = []
        self._flaws: list[Flaw] = []
        self._octets = 0
        self.first: int | None = None
        """Index of the first record that there is, once it was read."""
        self.index = 0
        """Of the next record."""

    @property
    def octets(self) -> int:
        """How much of the files was read, in octets on disk."""
        return self._octets + sum(cursor.octets for cursor in self._open)

    def close(self) -> None:
        """Close the files."""
        for cursor in self._open:
            cursor.close()
        self._open.clear()

    def read(self) -> Iterator[Run | Flaw]:
        """What there is up to now.

        Raises:
            FolderError: the folder can't be read.
        """
        self._look()
        while self._fill():
            if self.first is None:
                self._begin_at_first()
            run = self._take_run()
            if run is not None:
                yield run
            elif not self._advance() and not self._refill():
                yield from self._odd_one()
            yield from self._told()
        yield from self._told()

    def finish(self) -> list[Flaw]:
        """Lines that have no end, to be asked where nobody writes on."""
        return [flaw for cursor in self._open for flaw in cursor.torn(self.index)]

    # Files

    def _look(self) -> None:
        try:
            found = list_day_files(self._folder, self._stream)
        except OSError as error:
            raise FolderError(f"{self._folder} cannot be read: {error.strerror}") from error
        opened = {cursor.file.day for cursor in self._open}
        self._later = [file for file in found if file.day >= self._since and file.day not in opened]
        self._open_more()

    def _open_more(self) -> None:
        # A day that came late may be between those that are open.
        while self._later and (len(self._open) < WINDOW or self._later[0].day < self._open[-1].file.day):
            file = self._later.pop(0)
            self._open.append(_Cursor(file, self._begin.get(file.day, 0)))
            self._open.sort(key=lambda cursor: cursor.file.day)

    def _fill(self) -> bool:
        """Whether any line is waiting."""
        while True:
            for cursor in self._open:
                cursor.fill()
            if any(cursor.waiting for cursor in self._open):
                return True
            if not self._advance():
                return False

    def _refill(self) -> bool:
        """Whether a file whose end was reached has grown: it may have, before the one whose next line was read."""
        grown = False
        for cursor in self._open:
            if not cursor.waiting:
                cursor.fill()
                grown = grown or cursor.waiting
        return grown

    def _advance(self) -> bool:
        """Leave the oldest file if it is read and there are later ones; whether it was so."""
        if len(self._open) < WINDOW or self._open[0].waiting or not self._later:
            return False
        oldest = self._open.pop(0)
        self._flaws += oldest.torn(self.index) + oldest.broken(self.index)
        self._octets += oldest.octets
        oldest.close()
        self._since = self._open[0].file.day
        self._open_more()
        return True

    def _told(self) -> Iterator[Flaw]:
        yield from self._flaws
        self._flaws.clear()
        for cursor in self._open:
            yield from cursor.broken(self.index)

    # Lines

    def _begin_at_first(self) -> None:
        heads = [index for cursor in self._open if cursor.waiting and (index := cursor.head()) is not None]
        self.first = self.index = min(heads, default=0)

    def _take_run(self) -> Run | None:
        for cursor in self._open:
            run = cursor.take_run(self.index)
            if run is not None:
                self.index += len(run.lines)
                return run
        return None

    def _odd_one(self) -> Iterator[Run | Flaw]:
        """The next record is nowhere where it belongs: say so, and go on behind it."""
        heads = [(cursor.head(), cursor) for cursor in self._open if cursor.waiting]
        # What is no record at all comes first.
        found, cursor = min(heads, key=lambda head: -1 if head[0] is None else head[0])
        following = cursor.second()
        wanted = self.index
        if following != wanted and (found is None or following == wanted + 1):
            yield cursor.flaw(found, wanted)
            yield cursor.take_one(wanted)
            self.index += 1
        elif following == wanted or found is None or found < wanted:
            yield cursor.flaw(found, wanted, extra=True)
            cursor.take_one(wanted)
        else:
            yield Flaw(
                FlawKind.MISSING,
                f"record {wanted} is missing"
                if found == wanted + 1
                else f"records {wanted} to {found - 1} are missing ({found - wanted})",
                wanted,
                cursor.file.path,
                cursor.line,
                found - wanted,
            )
            self.index = found


class _Cursor:
    """One file, and its lines that nobody has taken yet."""

    def __init__(self, file: DayFile, offset: int) -> None:
        self.file = file
        self._lines: list[bytes] = []
        self._at = 0
        self._rest = b""
        self._skipping = False
        """Within a line that is too long."""
        self.line = 1
        """Where the first of the waiting lines stands."""
        self._error: str | None = None
        self._told = False
        self._raw: BinaryIO | None = None
        self._octets: _Octets | None = None
        try:
            self._raw = file.path.open("rb")
            self._octets = gzip.GzipFile(fileobj=self._raw, mode="rb") if file.packed else self._raw
            self._octets.seek(offset)
        except _UNREADABLE as error:
            self._fail(error)

    @property
    def waiting(self) -> bool:
        """Whether there are complete lines."""
        return self._at < len(self._lines)

    @property
    def octets(self) -> int:
        """How much of it was read, on disk."""
        return self._raw.tell() if self._raw is not None else 0

    def close(self) -> None:
        """Read no more."""
        if self._raw is not None:
            self._raw.close()

    def fill(self, lines: int = 1) -> None:
        """Have so many lines waiting if there are as many."""
        while self._octets is not None and len(self._lines) - self._at < lines:
            try:
                chunk = self._octets.read(_CHUNK)
            except _UNREADABLE as error:
                self._fail(error)
                return
            if not chunk:
                return
            self._take_in(chunk)

    def _take_in(self, chunk: bytes) -> None:
        if self._skipping:
            begin = chunk.find(b"\n")
            if begin < 0:
                return
            chunk, self._rest, self._skipping = chunk[begin:], _TOO_LONG, False
        pieces = (self._rest + chunk).split(b"\n")
        self._rest = pieces.pop()
        if pieces and max(map(len, pieces)) > MAX_ENTRY_OCTETS:
            pieces = [_TOO_LONG if len(piece) > MAX_ENTRY_OCTETS else piece for piece in pieces]
        if len(self._rest) > MAX_ENTRY_OCTETS:
            self._rest, self._skipping = b"", True
        del self._lines[: self._at]
        self._at = 0
        self._lines += pieces

    def head(self) -> int | None:
        """The index that the first waiting line has; None if it is no record."""
        return index_of(self._lines[self._at])

    def second(self) -> int | None:
        """The index that the line behind it has, if there is one and it is a record."""
        self.fill(2)
        return index_of(self._lines[self._at + 1]) if self._at + 1 < len(self._lines) else None

    def take_run(self, index: int) -> Run | None:
        """As many records from this index on as are waiting."""
        lines, at = self._lines, self._at
        end = len(lines)
        while at < end and lines[at].startswith(b'{"index": %d, ' % index):
            at += 1
            index += 1
        if at == self._at:
            if at == end or self.head() != index:
                return None
            at, index = at + 1, index + 1
        return self._take(at - self._at, index)

    def take_one(self, index: int) -> Run:
        """The first waiting line, whatever it says."""
        return self._take(1, index + 1)

    def _take(self, count: int, end: int) -> Run:
        taken = self._lines[self._at : self._at + count]
        run = Run(end - count, taken, self.file.path, self.line)
        self._at += count
        self.line += count
        return run

    # What is wrong

    def flaw(self, found: int | None, wanted: int, *, extra: bool = False) -> Flaw:
        """What is wrong with the first waiting line, which has one index and should have another."""
        if self._lines[self._at] == _TOO_LONG:
            kind, text = FlawKind.NO_RECORD, f"a line of more than {MAX_ENTRY_OCTETS} octets is no record"
        elif found is None:
            kind, text = FlawKind.NO_RECORD, "a line that is no record (a JSON object with an index)"
        elif extra:
            kind, text = FlawKind.MISPLACED, f"record {found} stands where record {wanted} belongs"
        else:
            kind, text = FlawKind.MISNUMBERED, f"the line in the place of record {wanted} says that it is {found}"
        return Flaw(kind, text, wanted, self.file.path, self.line)

    def torn(self, wanted: int) -> list[Flaw]:
        """A line without its end, if there is one."""
        if not self._rest and not self._skipping:
            return []
        line = self.line + len(self._lines) - self._at
        text = "the last line has no newline: its writing was cut short"
        return [Flaw(FlawKind.TORN, text, wanted, self.file.path, line)]

    def broken(self, wanted: int) -> list[Flaw]:
        """That the file can't be read, said once."""
        if self._error is None or self._told:
            return []
        self._told = True
        return [Flaw(FlawKind.UNREADABLE, self._error, wanted, self.file.path, self.line)]

    def _fail(self, error: BaseException) -> None:
        self._error = f"it cannot be read: {getattr(error, 'strerror', None) or error}"
        self._octets = None
