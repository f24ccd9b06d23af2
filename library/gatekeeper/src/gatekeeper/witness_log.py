"""The day files of the witness log on this node: the outbox's records in order, synced before acknowledged."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
from collections.abc import Sequence
from pathlib import Path

from gatekeeper.core.journal import FAILOVER_STREAM, RAS_STREAM
from gatekeeper.store import Record

FOLDERS = {RAS_STREAM: ("h323_witness", "h323_ras"), FAILOVER_STREAM: ("ha", "failover")}
"""Folder and file name's beginning of each stream, as the runbook has them."""
_LAST_FILES = 3
"""Files that may hold the last record: around midnight two nodes' clocks can put neighbours into different days."""
_BLOCK = 65_536
_TIME, _TIME_WITHIN = b', "time": "', 64


class WitnessLogError(Exception):
    """The log on disk is not what it should be; its text says what to do."""


class DiskError(WitnessLogError):
    """The disk refuses to be written. What is on it is what it should be."""


class WitnessLog:
    """One stream's files, written by one process at a time."""

    def __init__(self, directory: Path, stream: str) -> None:
        folder, self._prefix = FOLDERS[stream]
        self._folder = directory / folder
        self._stream = stream
        self._lock: int | None = None
        self.size = 0
        """How many records are on disk."""

    def open(self) -> None:
        """Find where to go on; a last line without its newline was never acknowledged and is cut off.

        Raises:
            WitnessLogError: the folder can't be written, is another process's, or its last line is no record.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            files = sorted(self._folder.glob(f"{self._prefix}_*.jsonl"), reverse=True)
            self.size = max((_size_after(path) for path in files[:_LAST_FILES]), default=0)
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

    def append(self, records: Sequence[Record]) -> None:
        """Write records, which must begin where the log ends, and sync them to disk.

        Raises:
            WitnessLogError: they don't, or the disk refuses; what was not counted in `size` is not in the files.
        """
        for day, group in itertools.groupby(records, lambda record: _day(record.line)):
            lines = list(group)
            if lines[0].index != self.size:
                raise WitnessLogError(
                    f"{self._folder} ends with record {self.size - 1}, and the store begins with {lines[0].index}; copy"
                    " the other gatekeeper's folder here and restart this service"
                )
            try:
                self._write(self._folder / f"{self._prefix}_{day}.jsonl", b"".join(r.line + b"\n" for r in lines))
            except OSError as error:
                raise DiskError(f"{self._folder}: {error.strerror}; see whether its disk is full or broken") from error
            self.size += len(lines)

    def _write(self, path: Path, octets: bytes) -> None:
        fresh = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            _append(descriptor, octets)
        finally:
            os.close(descriptor)
        if fresh and self._lock is not None:
            os.fsync(self._lock)


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
        advice = "move the file away and copy the other gatekeeper's folder here"
        raise WitnessLogError(f"{path}: the last line is no record; {advice}") from error


def _last_line(path: Path) -> bytes:
    """The last complete line without its newline; what follows it is cut off the file."""
    with path.open("r+b") as file:
        start = end = file.seek(0, os.SEEK_END)
        tail = b""
        # A newline that ends the last complete line, and the one before it.
        while start and tail.count(b"\n") < 2:
            start = max(0, start - _BLOCK)
            file.seek(start)
            tail = file.read(end - start)
        complete = tail.rfind(b"\n") + 1
        if complete < len(tail):
            file.truncate(start + complete)
            os.fsync(file.fileno())
        return tail[:complete].rstrip(b"\n").rpartition(b"\n")[2]
