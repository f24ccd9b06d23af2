"""The day files of the witness log on this node: the outbox's records in order, synced before acknowledged."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from gatekeeper.core.journal import FAILOVER_STREAM, RAS_STREAM
from gatekeeper.store import Record

FOLDERS = {RAS_STREAM: ("h323_witness", "h323_ras"), FAILOVER_STREAM: ("ha", "failover")}
"""Folder and file name's beginning of each stream, as the runbook has them."""


_LINES_WANTED = 2
"""Newlines that a tail must have for its last line to be whole, even behind a torn one."""


class WitnessLogError(Exception):
    """The log on disk is not what it should be; its text says what to look at."""


class WitnessLog:
    """One stream's files."""

    def __init__(self, directory: Path, stream: str) -> None:
        folder, self._prefix = FOLDERS[stream]
        self._folder = directory / folder
        self._stream = stream
        self.size = 0
        """How many records are on disk."""

    def open(self) -> None:
        """Find where to go on; a last line without its newline was never acknowledged and is cut off.

        Raises:
            WitnessLogError: the folder can't be written, or its last line is no record.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(self._folder.glob(f"{self._prefix}_*.jsonl"), reverse=True):
                line = _last_line(path)
                if line:
                    self.size = int(json.loads(line)["index"]) + 1
                    return
        except OSError as error:
            raise WitnessLogError(f"{self._folder}: {error.strerror}; make it writable for this service") from error
        except (ValueError, KeyError, TypeError) as error:
            raise WitnessLogError(f"{self._folder}: the last line is no record; see docs/runbook.md") from error

    def append(self, records: Sequence[Record]) -> None:
        """Write records, which must begin where the log ends, and sync them to disk.

        Raises:
            WitnessLogError: they don't, or the disk refuses.
        """
        days: dict[str, list[bytes]] = {}
        for number, record in enumerate(records):
            if record.index != self.size + number:
                raise WitnessLogError(f"record {record.index} after {self.size + number} records of {self._stream}")
            days.setdefault(_day(record.line), []).append(record.line + b"\n")
        try:
            for day, lines in days.items():
                self._write(self._folder / f"{self._prefix}_{day}.jsonl", b"".join(lines))
        except OSError as error:
            raise WitnessLogError(f"{self._folder}: {error.strerror}") from error
        self.size += len(records)

    def _write(self, path: Path, octets: bytes) -> None:
        fresh = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            while octets:
                octets = octets[os.write(descriptor, octets) :]
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            _sync_folder(self._folder)


def _day(line: bytes) -> str:
    """YYYYMMDD of a record, by its own time (UTC), so that every node puts it into the same file."""
    time: str = json.loads(line)["time"]
    return time[:10].replace("-", "")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_line(path: Path) -> bytes:
    """The last complete line; what follows it is cut off the file."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        tail = b""
        start = end
        while start and tail.count(b"\n") <= _LINES_WANTED:
            start = max(0, start - 65_536)
            file.seek(start)
            tail = file.read(end - start)
        complete = tail.rfind(b"\n") + 1
        if complete < len(tail):
            file.truncate(start + complete)
            os.fsync(file.fileno())
        return tail[:complete].rstrip(b"\n").rpartition(b"\n")[2]
