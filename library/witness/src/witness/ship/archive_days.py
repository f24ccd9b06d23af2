"""The archive's day files. Each is written as a whole: what it has and the checkpoint covers, and what came."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO

from witness.day_files.filing import Filing
from witness.day_files.listing import day_files_of
from witness.day_files.reader import index_of
from witness.day_files.streams import Stream
from witness.ship.archive import Archive, ArchiveError
from witness.ship.growth import RESTORE
from witness.ship.source import SourceError
from witness.tiles import MAX_ENTRY_OCTETS, TileError, TileReader
from witness.tree import leaf_hash

_WINDOW = 3
"""Days that grow at the same time: around midnight neighbours can be in different ones."""
_IN_MEMORY = 16 << 20
_CHUNK = 1 << 20
_DAY_DIGITS = 8
_UNREADABLE = (OSError, EOFError, zlib.error)


class _NewLines:
    """What one day gets."""

    def __init__(self, first: int) -> None:
        self.first = first
        """Index of the first of them."""
        self._octets: IO[bytes] = _spool()

    def add(self, line: bytes) -> None:
        self._octets.write(line + b"\n")

    def chunks(self) -> Iterator[bytes]:
        self._octets.seek(0)
        while chunk := self._octets.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        self._octets.close()


class ArchiveDays:
    """One stream's day files, which get the records from `size` on."""

    def __init__(self, archive: Archive, stream: Stream, size: int, tiles: TileReader) -> None:
        """`tiles` has the leaf hashes of the records before, checked."""
        self._archive, self._stream, self._tiles = archive, stream, tiles
        self._size = self._next = size
        self._filing: Filing | None = None
        self._waiting: dict[str, _NewLines] = {}
        self._written: set[str] = set()

    def append(self, records: list[bytes]) -> None:
        """Take the next records, which were checked.

        Raises:
            ArchiveError, SourceError: they can't be written, or have no day.
        """
        if self._filing is None:
            self._filing = Filing(self._newest())
        for record in records:
            day = self._filing.day(day_of(record, self._next))
            self._filing.has(day)
            if day not in self._waiting:
                if len(self._waiting) == _WINDOW:
                    self._write(min(self._waiting))
                self._waiting[day] = _NewLines(self._next)
            self._waiting[day].add(record)
            self._next += 1

    def _newest(self) -> str:
        """The newest day that has a record which the checkpoint covers, or nothing."""
        folder = self._stream.folder
        for file in reversed(day_files_of(self._archive.names(folder), Path(folder), self._stream)):
            first = next(self._old_lines(f"{folder}/{self._stream.prefix}_{file.day}.jsonl"), b"")
            index = index_of(first.rstrip(b"\n"))
            # Later ones are what an interrupted run has left.
            if index is not None and index < self._size:
                return file.day
        return ""

    def finish(self) -> None:
        """Write what waits. Raises ArchiveError."""
        for day in sorted(self._waiting):
            self._write(day)

    def close(self) -> None:
        """Forget what waits."""
        for lines in self._waiting.values():
            lines.close()
        self._waiting.clear()

    def _write(self, day: str) -> None:
        lines = self._waiting[day]
        path = f"{self._stream.folder}/{self._stream.prefix}_{day}.jsonl"
        sent = sha256()

        def chunks() -> Iterator[bytes]:
            for chunk in self._kept(path, lines.first, whole=day in self._written):
                sent.update(chunk)
                yield chunk
            for chunk in lines.chunks():
                sent.update(chunk)
                yield chunk

        self._archive.put(path, chunks())
        self._check_arrived(path, sent.digest())
        self._written.add(day)
        self._waiting.pop(day).close()

    def _kept(self, path: str, first: int, *, whole: bool) -> Iterator[bytes]:
        """The lines of a file that stay; `whole` if it has been written just now, with lines beyond the checkpoint.

        What an interrupted run has left beyond the checkpoint does not stay: it is fetched anew.
        """
        end = first if whole else self._size
        for line in self._old_lines(path):
            index = index_of(line.rstrip(b"\n"))
            if index is None or not line.endswith(b"\n"):
                # Nothing that was shipped: each file was put as a whole.
                raise ArchiveError(f"{path} of the archive has a line that is no record; {RESTORE}")
            if index >= end:
                return
            if index < self._size:
                self._check_kept(path, index, line)
            yield line

    def _check_kept(self, path: str, index: int, line: bytes) -> None:
        try:
            wanted = self._tiles.hash_at(0, index)
        except TileError as error:
            raise ArchiveError(f"the archive's tiles: {error}; {RESTORE}") from error
        if leaf_hash(line[:-1]) != wanted:
            raise ArchiveError(f"record {index} in {path} of the archive is not the one that was shipped; {RESTORE}")

    def _old_lines(self, path: str) -> Iterator[bytes]:
        file, packed = self._archive.open(path), False
        if file is None:
            # Rotation may have packed it; the plain one then takes its place.
            file, packed = self._archive.open(f"{path}.gz"), True
        if file is None:
            return
        with file:
            try:
                yield from _lines(gzip.GzipFile(fileobj=file, mode="rb") if packed else file)
            except _UNREADABLE as error:
                raise ArchiveError(f"{path} of the archive cannot be read: {error}; {RESTORE}") from error

    def _check_arrived(self, path: str, sent: bytes) -> None:
        """Read it again: what a mount says it has written and what it has are two things."""
        file = self._archive.open(path)
        arrived = sha256()
        if file is not None:
            with file:
                try:
                    while chunk := file.read(_CHUNK):
                        arrived.update(chunk)
                except OSError as error:
                    raise ArchiveError(f"{path} of the archive cannot be read again: {error.strerror}") from error
        if arrived.digest() != sent:
            raise ArchiveError(f"{path} of the archive is not what was written to it; see to its disk or its mount")


def _spool() -> IO[bytes]:
    """A file without a name, which is in memory as long as it is small."""
    return SpooledTemporaryFile(max_size=_IN_MEMORY)


def _lines(file: gzip.GzipFile | BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MAX_ENTRY_OCTETS + 1):
        yield line


def day_of(record: bytes, index: int) -> str:
    """YYYYMMDD of a record, by its own time.

    Raises:
        SourceError: it has none, or another index.
    """
    try:
        values = json.loads(record)
        found, day = values["index"], str(values["time"])[:10].replace("-", "")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SourceError(f"record {index} of the source has no index and time; it can't be archived") from error
    if found != index or len(day) != _DAY_DIGITS or not (day.isascii() and day.isdigit()) or b"\n" in record:
        raise SourceError(f"record {index} of the source says that it is {found!r} of {day!r}; it can't be archived")
    return day
