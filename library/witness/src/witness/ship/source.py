"""Where the log is shipped from. What a source says is believed as far as a cosigned checkpoint proves it."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from witness.day_files.listing import DayFile, list_day_files
from witness.day_files.markers import SHIPPED, write_marker
from witness.day_files.reader import index_of
from witness.day_files.streams import STREAMS, Stream
from witness.log.lines import Lines
from witness.ship.errors import ShipError
from witness.tiles import MAX_ENTRY_OCTETS, WIDTH, Tile, folder_source

CHECKPOINT = "checkpoint"
LARGEST_CHECKPOINT = 65_536
_WINDOW = 3
"""Files that may have the same record: around midnight neighbours can be in different days."""
_UNREADABLE = (OSError, EOFError, zlib.error)


class SourceError(ShipError):
    """The source doesn't answer, or not with what it has signed."""


class Source(Protocol):
    """What is asked of a source, by a stream's name. Everything raises WitnessError."""

    def checkpoint(self, stream: str) -> bytes | None:
        """The last one, unchecked; None if there is none."""

    def tile(self, stream: str, tile: Tile) -> bytes | None:
        """A tile's octets, unchecked; None if it isn't there."""

    def records(self, stream: str, start: int, end: int) -> Iterator[list[bytes]]:
        """The records from `start` to `end`, unchecked, in parts that end where a full bundle of entries does."""

    def mark_shipped(self, stream: str, size: int) -> None:
        """Be told how many records an archive has for good."""


def parts(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The bundles, full or not, that hold the records from `start` to `end`, as the range of each."""
    while start < end:
        stop = min(end, (start // WIDTH + 1) * WIDTH)
        yield start, stop
        start = stop


class FolderSource:
    """A replica's folder, the one above the streams' folders."""

    def __init__(self, directory: Path, *, mark: bool = False) -> None:
        """`mark`: leave the marker there that lets `h323-witness rotate` remove what is archived."""
        self._directory = directory
        self._mark = mark
        if not directory.is_dir():
            raise SourceError(
                f"{directory} is no folder; name the one that has the streams' folders, or an https address"
            )

    def __str__(self) -> str:
        return str(self._directory)

    def checkpoint(self, stream: str) -> bytes | None:
        """The last one, unchecked; None if there is none."""
        path = self._folder(stream) / CHECKPOINT
        try:
            with path.open("rb") as file:
                return file.read(LARGEST_CHECKPOINT + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}; run this as a user of the group h323-auditors") from error

    def tile(self, stream: str, tile: Tile) -> bytes | None:
        """A tile's octets, unchecked; None if it isn't there."""
        return folder_source(self._folder(stream))(tile)

    def records(self, stream: str, start: int, end: int) -> Iterator[list[bytes]]:
        """The records from `start` to `end`, unchecked, in parts that end where a full bundle of entries does."""
        lines = self._lines(STREAMS[stream], start)
        try:
            for first, stop in parts(start, end):
                found = lines.read(stop - first)
                if len(found) < stop - first:
                    text = f"record {lines.index} is not in {self._folder(stream)}, although a checkpoint covers it"
                    raise SourceError(f"{text}; ship from another replica")
                yield found
        finally:
            lines.close()

    def mark_shipped(self, stream: str, size: int) -> None:
        """Be told how many records an archive has for good."""
        if not self._mark or not size:
            return
        folder = self._folder(stream)
        try:
            write_marker(folder, SHIPPED, stream, size)
        except OSError as error:
            advice = "ship as the owner of the day files, or with --no-mark (then nothing is ever removed there)"
            raise SourceError(f"{folder / SHIPPED}: {error.strerror}; {advice}") from error

    def _folder(self, stream: str) -> Path:
        return self._directory / STREAMS[stream].folder

    def _lines(self, stream: Stream, start: int) -> Lines:
        """From this record on, without reading the days before it."""
        try:
            files = list_day_files(self._directory / stream.folder, stream)
            heads = [_first_index(file) for file in files]
            later = next((at for at, head in enumerate(heads) if head is not None and head > start), len(files))
            if later == 0 and files:
                text = f"{self._directory / stream.folder} has no record {start} any more"
                raise SourceError(f"{text}; ship from a replica that has kept the older days")
            near = files[max(0, later - _WINDOW) : later]
            position = {file.day: _offset_of(file, start) for file in near}
        except _UNREADABLE as error:
            raise SourceError(f"{self._directory / stream.folder} cannot be read: {error}") from error
        return Lines(self._directory, stream, start, position)


def _lines_of(file: DayFile) -> Iterator[bytes]:
    """A file's lines with their newlines; one that is too long for a record comes in pieces."""
    with gzip.open(file.path, "rb") if file.packed else file.path.open("rb") as octets:
        while line := octets.readline(MAX_ENTRY_OCTETS + 1):
            yield line


def _first_index(file: DayFile) -> int | None:
    return next((index_of(line.rstrip(b"\n")) for line in itertools.islice(_lines_of(file), 1)), None)


def _offset_of(file: DayFile, start: int) -> int:
    """Where the first line is whose index is `start` or more; the end of the file if there is none."""
    offset = 0
    for line in _lines_of(file):
        index = index_of(line.rstrip(b"\n"))
        if index is not None and index >= start:
            break
        offset += len(line)
    return offset
