"""Packs old days, and removes those that an archive has.

After every step, and whatever a power cut leaves of it, the folder is a log that verifies: a packed day appears whole
before the plain one goes, and what is removed is always the front of the log, so that what stays has no gaps.
Where neighbours' records are mixed around midnight, the front goes in several steps.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from witness.day_files.flaw import Flaw
from witness.day_files.last import last_index
from witness.day_files.listing import PACKED, DayFile, list_day_files
from witness.day_files.markers import RETAINED, read_marker, write_marker
from witness.day_files.reader import DayFileReader, Run
from witness.day_files.streams import Stream
from witness.durable_file import FILE_MODE, sync_folder
from witness.errors import WitnessError

PLAIN_DAYS = 3
"""The newest days, which are never touched: whoever writes looks into them for the end of the log."""
_CHUNK = 1 << 20
_LEVEL = 6
_LOCK = ".rotation"


class _Source(Protocol):
    """A plain or a packed file."""

    def read(self, size: int, /) -> bytes:
        """At most so many octets; none at the end."""

    def readline(self) -> bytes:
        """The next line, with its newline."""


class RotationError(WitnessError):
    """A folder that can't be rotated."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be done."""

    pack_before: str
    """Days (YYYYMMDD) before this one are packed."""
    remove_before: str
    """Days before this one are removed; empty for none."""
    covered: int
    """Records that a cosigned checkpoint covers."""
    archived: int
    """Records that an archive has."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do."""

    what: str
    """pack, remove or shorten."""
    file: DayFile
    first: int
    """Of the records that it is about."""
    count: int
    """How many are removed; 0 if none."""
    run: Callable[[], None]


@contextlib.contextmanager
def rotating(folder: Path) -> Iterator[None]:
    """Have the folder to oneself, as far as rotations go.

    Raises:
        RotationError: another one is at work, or the folder can't be written.
    """
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise RotationError(f"{folder} cannot be written ({error.strerror}); rotate as the day files' owner") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise RotationError(f"another rotation is at work in {folder}; wait for it") from error
    except (OSError, EOFError, zlib.error) as error:
        raise RotationError(f"{folder} cannot be rotated: {error}; nothing is lost, see to the cause") from error
    finally:
        os.close(descriptor)


def plan(folder: Path, stream: Stream, limits: Limits) -> Iterator[Step]:
    """What is to do, each step to be done before the next one is asked for, or none of them.

    The log must verify, and its tiles must be there. What comes out depends on nothing but the folder and the limits.
    """
    removed = set()
    for step in _removals(folder, stream, limits):
        yield step
        if step.what == "remove":
            removed.add(step.file.path)
    yield from (step for step in _packings(folder, stream, limits) if step.file.path not in removed)


# Packing


def _packings(folder: Path, stream: Stream, limits: Limits) -> Iterator[Step]:
    for file in list_day_files(folder, stream)[:-PLAIN_DAYS]:
        if not file.packed and file.day < limits.pack_before:
            last = last_index(file)
            if last is not None and last < limits.covered:
                yield Step("pack", file, last, 0, partial(_pack, file))


def _pack(file: DayFile) -> None:
    target = _packed_path(file)
    with file.path.open("rb") as plain:
        _write_packed(target, plain)
    with file.path.open("rb") as plain, gzip.open(target, "rb") as packed:
        if _digest(plain) != _digest(packed):
            raise RotationError(f"{target} is not what {file.path} has; see whether the disk is sound")
    file.path.unlink()
    sync_folder(file.path.parent)


def _write_packed(target: Path, source: _Source) -> None:
    """Without a time and a name in it, so that every host makes the same octets."""
    with _replacing(target) as raw, gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
        while chunk := source.read(_CHUNK):
            packed.write(chunk)


def _digest(source: _Source) -> bytes:
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
    return digest.digest()


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes another one's place when it is whole and on disk."""
    draft = target.with_name(f".{target.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as raw:
        yield raw
        raw.flush()
        os.fsync(raw.fileno())
    draft.rename(target)
    sync_folder(target.parent)


# Removing


def _removals(folder: Path, stream: Stream, limits: Limits) -> Iterator[Step]:
    runs = _removable(folder, stream, limits)
    if not runs:
        return
    keep_from = runs[-1].first + runs[-1].count
    lasts = {run.file.path: last_index(run.file) for run in runs}
    for run in runs:
        last = lasts[run.file.path]
        whole = last is not None and last < run.first + run.count
        step = Removal(folder, stream, keep_from, run.file, run.count)
        if whole:
            yield Step("remove", run.file, run.first, run.count, step.remove)
        else:
            yield Step("shorten", run.file, run.first, run.count, step.shorten)


@dataclass(frozen=True, slots=True)
class _FrontRun:
    """Records at the front of the log that stand at the front of one file."""

    file: DayFile
    first: int
    count: int


def _removable(folder: Path, stream: Stream, limits: Limits) -> list[_FrontRun]:
    """What is before the first record that has to stay."""
    days = list_day_files(folder, stream)[:-PLAIN_DAYS]
    old = {file.path: file for file in days if file.day < limits.remove_before}
    runs: list[_FrontRun] = []
    for run in _runs(folder, stream) if old else ():
        if run.path not in old:
            break
        if runs and runs[-1].file.path == run.path:
            runs[-1] = _FrontRun(runs[-1].file, runs[-1].first, runs[-1].count + len(run.lines))
        else:
            runs.append(_FrontRun(old[run.path], run.first, len(run.lines)))
    safe = min(limits.covered, limits.archived)
    while runs and runs[-1].first + runs[-1].count > safe:
        runs.pop()
    return runs


def _runs(folder: Path, stream: Stream) -> Iterator[Run]:
    reader = DayFileReader(folder, stream)
    try:
        for item in reader.read():
            if isinstance(item, Flaw):
                raise RotationError(f"{item.path}:{item.line}: {item.text}; h323-witness verify says what to do")
            yield item
    finally:
        reader.close()


@dataclass(frozen=True, slots=True)
class Removal:
    """Takes the front run away from its file."""

    folder: Path
    stream: Stream
    keep_from: int
    """The record that the log begins with when all steps are done."""
    file: DayFile
    count: int

    def remove(self) -> None:
        """The file has nothing else."""
        self._announce()
        self.file.path.unlink()
        sync_folder(self.folder)

    def shorten(self) -> None:
        """Later records of the file stay."""
        self._announce()
        if self.file.packed:
            with gzip.open(self.file.path, "rb") as packed:
                self._skip(packed)
                _write_packed(self.file.path, packed)
            return
        with self.file.path.open("rb") as plain:
            self._skip(plain)
            with _replacing(self.file.path) as shortened:
                while chunk := plain.read(_CHUNK):
                    shortened.write(chunk)

    def _skip(self, source: _Source) -> None:
        for _ in range(self.count):
            source.readline()

    def _announce(self) -> None:
        """Before anything is missing, say from where on records are kept: verification asks for it."""
        if read_marker(self.folder, RETAINED, self.stream.name) < self.keep_from:
            write_marker(self.folder, RETAINED, self.stream.name, self.keep_from)
        else:
            # Whoever wrote it may have died before its name was on disk.
            sync_folder(self.folder)
        twin = _packed_path(self.file)
        if not self.file.packed and twin.exists():
            # A rotation was cut short here: the packed file must not come to light when the plain one is gone.
            twin.unlink()
            sync_folder(self.folder)


def _packed_path(file: DayFile) -> Path:
    return file.path.with_name(f"{file.path.name}{PACKED}")


def remove_drafts(folder: Path, stream: Stream) -> None:
    """What rotations that were cut short have left behind."""
    for path in folder.glob(f".{stream.prefix}_*.jsonl*.new"):
        path.unlink()
