"""Writes the day files of a stream on this host: records in order, synced before anybody hears of them.

A process may be killed, or the power cut, after any step. What was written and not yet synced is then there or not, or
there in part; so what is found at the start is synced before it counts, and cut off where it isn't whole.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from witness.day_files.filing import Filing
from witness.day_files.listing import list_day_files
from witness.day_files.streams import STREAMS
from witness.durable_file import sync_folder
from witness.errors import WitnessError

_LAST_FILES = 3
"""Files that may hold the last record: around midnight two nodes' clocks can put neighbours into different days."""
_AT_ONCE = 1 << 20
"""Octets between two syncs, and a line more: where the disk may have forgotten some."""
_TAIL = _AT_ONCE + 4 * 65_536
_ADVICE = "move the file away and copy the other gatekeeper's folder here"
_TIME, _TIME_WITHIN = b', "time": "', 64


class WitnessLogError(WitnessError):
    """The log on disk is not what it should be; its text says what to do."""


class DiskError(WitnessLogError):
    """The disk refuses to be written. What is on it is what it should be."""


class Line(Protocol):
    """One record: a JSON object without the newline, and its place in the stream."""

    @property
    def index(self) -> int:
        """From 0 on, without gaps."""

    @property
    def line(self) -> bytes:
        """The octets of the line, which are the leaf of the stream's tree."""


class GapError(WitnessLogError):
    """Records don't begin where the log ends."""

    def __init__(self, size: int, first: int) -> None:
        super().__init__(
            f"the log has {size} records on disk, and the store goes on with record {first}; copy the other"
            " gatekeeper's folder here and restart this service"
        )


class DayFileWriter:
    """One stream's files, written by one process at a time."""

    def __init__(self, directory: Path, stream: str) -> None:
        self._directory = directory
        self._stream = STREAMS[stream]
        self._folder = directory / self._stream.folder
        self._lock: int | None = None
        self._filing = Filing()
        self._named: set[Path] = set()
        """Files whose names are on disk."""
        self.size = 0
        """How many records are on disk."""

    def open(self) -> None:
        """Find where to go on; what is there in part was never acknowledged and is cut off.

        Raises:
            WitnessLogError: the folder can't be written, is another process's, or its last line is no record.
        """
        try:
            self._make_folder(self._folder)
            self._lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            files = sorted(self._folder.glob(f"{self._stream.prefix}_*.jsonl"), reverse=True)
            self.size = max((_size_after(path) for path in files[:_LAST_FILES]), default=0)
            os.fsync(self._lock)
            self._named = set(files)
            days = [file.day for file in list_day_files(self._folder, self._stream) if file.path.stat().st_size]
            self._filing = Filing(max(days, default=""))
        except BlockingIOError as error:
            advice = "stop it, or give this one a folder of its own"
            raise WitnessLogError(f"{self._folder} is in use by another gatekeeper; {advice}") from error
        except OSError as error:
            raise WitnessLogError(f"{self._folder}: {error.strerror}; make it writable for this service") from error

    def close(self) -> None:
        """Leave the files to another process."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def append(self, records: Sequence[Line]) -> None:
        """Write records, which must begin where the log ends, and sync them to disk.

        Raises:
            GapError: they don't.
            DiskError: the disk refuses; what was not counted in `size` is not in the files.
        """
        for own, group in itertools.groupby(records, lambda record: _day(record.line)):
            lines = list(group)
            if lines[0].index != self.size:
                raise GapError(self.size, lines[0].index)
            day = self._filing.day(own)
            path = self._stream.day_file(self._directory, day)
            try:
                for part in _parts(lines):
                    self._write(path, b"".join(record.line + b"\n" for record in part))
                    self.size += len(part)
                    self._filing.has(day)
            except OSError as error:
                raise DiskError(f"{self._folder}: {error.strerror}; see whether its disk is full or broken") from error

    def _write(self, path: Path, octets: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if path not in self._named and self._lock is not None:
                # Before anything is in it: if this fails, nothing has been written.
                os.fsync(self._lock)
                self._named.add(path)
            _append(descriptor, octets)
        finally:
            os.close(descriptor)

    def _make_folder(self, folder: Path) -> None:
        fresh = not folder.is_dir()
        if fresh:
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
        # The stream's own also if it was there: whoever made it may have died before its name was on disk.
        if fresh or folder == self._folder:
            sync_folder(folder.parent)


def _parts(records: Sequence[Line]) -> Iterator[list[Line]]:
    """The records in parts of not much more than _AT_ONCE octets."""
    part: list[Line] = []
    octets = 0
    for record in records:
        part.append(record)
        octets += len(record.line) + 1
        if octets >= _AT_ONCE:
            yield part
            part, octets = [], 0
    if part:
        yield part


def _append(descriptor: int, octets: bytes) -> None:
    """Append and sync, or leave the file as it was."""
    end = os.fstat(descriptor).st_size
    try:
        while octets:
            octets = octets[os.write(descriptor, octets) :]
        os.fdatasync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise


def _day(line: bytes) -> str:
    """YYYYMMDD of a record, by its own time (UTC), so that every node puts it into the same file."""
    # The journal puts it second, behind a number: no need to read the whole line.
    at = line.find(_TIME, 0, _TIME_WITHIN)
    time = line[at + len(_TIME) :][:10].decode() if at >= 0 else str(json.loads(line)["time"])
    return time[:10].replace("-", "")


def _size_after(path: Path) -> int:
    """How many records the log has if this file has the last one."""
    line = _last_line(path)
    if not line:
        return 0
    try:
        return int(json.loads(line)["index"]) + 1
    except (ValueError, KeyError, TypeError) as error:
        raise WitnessLogError(f"{path}: the last line is no record; {_ADVICE}") from error


def _last_line(path: Path) -> bytes:
    """The last line without its newline, on disk for good; what is there in part is cut off the file."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        start = max(0, end - _TAIL)
        file.seek(start)
        tail = file.read(end - start)
        # No record has a zero octet: that is where the disk has forgotten a part of the last write.
        whole = tail.partition(b"\0")[0]
        complete = whole.rfind(b"\n") + 1
        if start and not complete:
            raise WitnessLogError(f"{path}: its end is no records; {_ADVICE}")
        if complete < len(tail):
            file.truncate(start + complete)
        os.fsync(file.fileno())
        return tail[:complete].rstrip(b"\n").rpartition(b"\n")[2]
