"""What a power cut can leave of a folder: file operations of real code are recorded, and some of them undone.

The disk is as forgetful as POSIX allows. What was written to a file may be lost, in whole or in part, until that file
is synced; that a name is in a folder, or no longer in it, may be forgotten until that folder is synced. Each operation
that isn't synced is lost or kept regardless of the others. Only a rename is one step.
"""

from __future__ import annotations

import builtins
import io
import itertools
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

BLOCK = 4096
"""Octets that a disk writes at once: of a longer write any block may be missing."""


@dataclass(frozen=True, slots=True)
class Write:
    """Octets of a file from an offset on."""

    node: int
    offset: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file ends here."""

    node: int
    size: int


@dataclass(frozen=True, slots=True)
class Rename:
    """Names of a folder change in one step: one goes, one comes, or both."""

    node: int
    """The folder."""
    gone: str | None
    come: str | None
    target: int
    """What it is the name of."""


@dataclass(frozen=True, slots=True)
class Sync:
    """A file's octets or a folder's names are on disk."""

    node: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Something was promised to somebody else at this moment."""

    what: Any


Change = Write | Truncate | Rename
Operation = Change | Sync | Mark


@dataclass(slots=True)
class Disk:
    """Files and folders by number; 0 is the recorded folder itself."""

    files: dict[int, bytearray] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=lambda: {0: {}})

    def emptied(self) -> Disk:
        """The same files and folders, but with nothing in them."""
        return Disk({number: bytearray() for number in self.files}, {number: {} for number in self.folders})

    def apply(self, change: Change) -> None:
        """Change it."""
        match change:
            case Write(node, offset, octets):
                file = self.files[node]
                file.extend(bytes(max(0, offset - len(file))))
                file[offset : offset + len(octets)] = octets
            case Truncate(node, size):
                file = self.files[node]
                file.extend(bytes(max(0, size - len(file))))
                del file[size:]
            case Rename(node, gone, come, target):
                names = self.folders[node]
                if gone is not None and names.get(gone) == target:
                    del names[gone]
                if come is not None:
                    names[come] = target

    def find(self, parts: Iterable[str]) -> int | None:
        """What this path names."""
        node: int | None = 0
        for part in parts:
            node = None if node is None else self.folders.get(node, {}).get(part)
        return node

    def paths(self, node: int = 0, above: str = "") -> Iterator[tuple[str, bytes | None]]:
        """Every path with its octets, or None for a folder."""
        for name, target in sorted(self.folders[node].items()):
            path = f"{above}{name}"
            if target in self.folders:
                yield path, None
                yield from self.paths(target, f"{path}/")
            else:
                yield path, bytes(self.files[target])

    def write_to(self, folder: Path) -> None:
        """Make the files in an empty folder."""
        for path, octets in self.paths():
            if octets is None:
                (folder / path).mkdir()
            else:
                (folder / path).write_bytes(octets)


class Killed(BaseException):
    """The process ends here, as by SIGKILL: nothing more of it reaches the disk."""


class Recorder:
    """Records what real code does below one folder, which must be empty at first."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.operations: list[Operation] = []
        self.disk = Disk()
        """As the processes see it."""
        self.kill_after: int | None = None
        """After how many operations the process dies."""
        self.syncs: set[str] = set()
        """Where in the code something was synced."""
        self.forgotten: str | None = None
        """One of these places, at which the disk isn't told."""
        self._numbers = itertools.count(1)
        self._opened: dict[int, int] = {}
        self.dead = False
        """Whether the process has died: nothing that it does reaches the disk any more."""

    def mark(self, what: Any) -> None:
        """Note that something is promised now."""
        self.operations.append(Mark(what))

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Watch the functions by which Python changes files; files that are open at the end were open when all died."""
        functions = {
            name: self._watched(getattr(os, name), getattr(self, f"_{name}"))
            for name in (
                "open",
                "write",
                "fsync",
                "fdatasync",
                "ftruncate",
                "mkdir",
                "rename",
                "unlink",
                "rmdir",
            )
        }
        functions |= {"replace": functions["rename"], "remove": functions["unlink"]}
        functions["close"] = partial(self._close, os.close)
        opening = self._io_open(io.open)
        with (
            patch.multiple(os, **functions),
            patch.object(io, "open", opening),
            patch.object(builtins, "open", opening),
        ):
            yield
        self.restart()

    def restart(self) -> None:
        """Another process begins: what the dead one had open is closed, and nobody is to die."""
        self._opened.clear()
        self.kill_after = None
        self.dead = False

    def change(self, change: Change) -> None:
        """Note a change that was made."""
        self.disk.apply(change)
        self._note(change)

    def _note(self, operation: Operation) -> None:
        self.operations.append(operation)
        if len(self.operations) == self.kill_after:
            self.dead = True
            raise Killed

    def node_of(self, descriptor: int) -> int | None:
        """What is open there, if it is ours."""
        return self._opened.get(descriptor)

    def _watched(self, real: Callable[..., Any], act: Callable[..., Any]) -> Callable[..., Any]:
        def function(*arguments: Any, **options: Any) -> Any:
            # Not even what is to be done in any case is done by a dead process; its files close by themselves.
            if self.dead:
                raise Killed
            return act(real, *arguments, **options)

        return function

    def _parts(self, path: Any) -> tuple[str, ...] | None:
        if isinstance(path, int):
            return None
        absolute = Path(os.fspath(path)).absolute()
        return absolute.relative_to(self.root).parts if absolute.is_relative_to(self.root) else None

    def _place(self, path: Any) -> tuple[int, str] | None:
        """The folder's number, and the name in it."""
        parts = self._parts(path)
        if not parts:
            return None
        folder = self.disk.find(parts[:-1])
        assert folder is not None, f"{path}: its folder was made behind our back"
        return folder, parts[-1]

    def _open(self, real: Callable[..., int], path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        descriptor = real(path, flags, *arguments, **options)
        # It may have been another file's, which was closed without os.close.
        self._opened.pop(descriptor, None)
        parts = self._parts(path)
        if parts is None:
            return descriptor
        node = self.disk.find(parts)
        if node is None:
            node = self._create(path, folder=False)
        elif flags & os.O_TRUNC:
            self.change(Truncate(node, 0))
        self._opened[descriptor] = node
        return descriptor

    def _create(self, path: Any, *, folder: bool) -> int:
        place = self._place(path)
        assert place is not None
        node = next(self._numbers)
        if folder:
            self.disk.folders[node] = {}
        else:
            self.disk.files[node] = bytearray()
        self.change(Rename(place[0], None, place[1], node))
        return node

    def _close(self, real: Callable[[int], None], descriptor: int) -> None:
        self._opened.pop(descriptor, None)
        real(descriptor)

    def _write(self, real: Callable[..., int], descriptor: int, octets: Any) -> int:
        node = self._opened.get(descriptor)
        written = real(descriptor, octets)
        if node is not None:
            self.written(descriptor, node, bytes(octets[:written]))
        return written

    def written(self, descriptor: int, node: int, octets: bytes) -> None:
        """Note a write that has just moved the file's position to its end."""
        self.change(Write(node, os.lseek(descriptor, 0, os.SEEK_CUR) - len(octets), octets))

    def _fsync(self, real: Callable[[int], None], descriptor: int) -> None:
        real(descriptor)
        node = self._opened.get(descriptor)
        place = _place_in_code()
        self.syncs.add(place)
        if node is not None and place != self.forgotten:
            self._note(Sync(node))

    _fdatasync = _fsync

    def _ftruncate(self, real: Callable[[int, int], None], descriptor: int, size: int) -> None:
        real(descriptor, size)
        node = self._opened.get(descriptor)
        if node is not None:
            self.change(Truncate(node, size))

    def _mkdir(self, real: Callable[..., None], path: Any, *arguments: Any, **options: Any) -> None:
        real(path, *arguments, **options)
        if self._parts(path):
            self._create(path, folder=True)

    def _rename(self, real: Callable[..., None], source: Any, target: Any) -> None:
        real(source, target)
        before, after = self._place(source), self._place(target)
        assert (before is None) == (after is None), "a file came from or went elsewhere"
        if before is not None and after is not None:
            assert before[0] == after[0], "only renames within a folder are one step"
            self.change(Rename(before[0], before[1], after[1], self.disk.folders[before[0]][before[1]]))

    def _unlink(self, real: Callable[..., None], path: Any, *arguments: Any, **options: Any) -> None:
        real(path, *arguments, **options)
        place = self._place(path)
        if place is not None:
            self.change(Rename(place[0], place[1], None, self.disk.folders[place[0]][place[1]]))

    _rmdir = _unlink

    def _io_open(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def function(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            ours = self.node_of(file) is not None if isinstance(file, int) else self._parts(file) is not None
            if not ours or not set(mode) & set("wax+"):
                return real(file, mode, *arguments, **options)
            assert "b" in mode, "text that is written to files has not been needed so far"
            raw = RecordedFile(self, file if isinstance(file, int) else os.open(file, _flags(mode), 0o666), mode)
            return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)

        return function


def _place_in_code() -> str:
    """The innermost two functions of the code under test, as "publish > sync_folder"."""
    frame: FrameType | None = sys._getframe(1)
    names: list[str] = []
    while frame is not None and len(names) < 2:
        name = frame.f_code.co_name
        if "witness/src/witness" in frame.f_code.co_filename and name not in names:
            names.insert(0, name)
        frame = frame.f_back
    return " > ".join(names)


class RecordedFile(io.FileIO):
    """What is beneath the file objects of Python."""

    def __init__(self, recorder: Recorder, descriptor: int, mode: str) -> None:
        super().__init__(descriptor, mode.replace("w", "r+").replace("++", "+") if "w" in mode else mode)
        self._recorder = recorder

    def write(self, octets: Any) -> int:
        if self._recorder.dead:
            return len(octets)
        written = super().write(octets)
        node = self._recorder.node_of(self.fileno())
        assert node is not None
        self._recorder.written(self.fileno(), node, bytes(octets[:written]))
        return written

    def truncate(self, size: int | None = None) -> int:
        if self._recorder.dead:
            raise Killed
        ended = super().truncate(size)
        node = self._recorder.node_of(self.fileno())
        assert node is not None
        self._recorder.change(Truncate(node, ended))
        return ended


def _flags(mode: str) -> int:
    flags = os.O_RDWR if "+" in mode else os.O_WRONLY
    additions = {"w": os.O_CREAT | os.O_TRUNC, "a": os.O_CREAT | os.O_APPEND, "x": os.O_CREAT | os.O_EXCL}
    for letter, more in additions.items():
        flags |= more if letter in mode else 0
    return flags | os.O_CLOEXEC


def unsynced(operations: list[Operation]) -> set[int]:
    """Which of them (by place) a power cut after the last one may undo."""
    synced: set[int] = set()
    found = set()
    for place in range(len(operations) - 1, -1, -1):
        operation = operations[place]
        if isinstance(operation, Sync):
            synced.add(operation.node)
        elif not isinstance(operation, Mark) and operation.node not in synced:
            found.add(place)
    return found


def crash_states(recorder: Recorder, count: int, limit: int, seed: int = 0) -> Iterator[Disk]:
    """Every disk that a power cut after the first `count` operations can leave, each once.

    If there are more than `limit`: those in which all, none, or all but one was lost or kept, and some at random.
    """
    operations = recorder.operations[:count]
    lost = unsynced(operations)
    outcomes = {place: _outcomes(operations[place]) for place in sorted(lost)}
    seen = set()
    for picked in _selections([len(each) for each in outcomes.values()], limit, random.Random(seed)):
        chosen = dict(zip(outcomes, picked, strict=True))
        disk = recorder.disk.emptied()
        for place, operation in enumerate(operations):
            for change in outcomes[place][chosen[place]] if place in lost else _whole(operation):
                disk.apply(change)
        key = tuple(disk.paths())
        if key not in seen:
            seen.add(key)
            yield disk


def _whole(operation: Operation) -> list[Change]:
    return [] if isinstance(operation, Sync | Mark) else [operation]


def _outcomes(operation: Operation) -> list[list[Change]]:
    """What may be left of an operation that wasn't synced: nothing, all of it, or of a write some of it."""
    if not isinstance(operation, Write):
        return [[], _whole(operation)]
    octets, offset = operation.octets, operation.offset
    torn = [octets[:cut] for cut in sorted({1, len(octets) // 2, len(octets) - 1}) if 0 < cut < len(octets)]
    outcomes: list[list[Change]] = [[], [operation], *([Write(operation.node, offset, part)] for part in torn)]
    # Block boundaries are those of the file, not of the write.
    edges = list(range(offset - offset % BLOCK + BLOCK, offset + len(octets), BLOCK))
    blocks = list(zip([offset, *edges], [*edges, offset + len(octets)], strict=True))
    if len(blocks) > 1:
        for hole in blocks[:: max(1, len(blocks) // 3)]:
            kept = (each for each in blocks if each != hole)
            length = Write(operation.node, offset + len(octets), b"")
            outcomes.append([length, *(Write(operation.node, a, octets[a - offset : b - offset]) for a, b in kept)])
    return outcomes


def _selections(sizes: list[int], limit: int, source: random.Random) -> Iterator[tuple[int, ...]]:
    combinations = 1
    for size in sizes:
        combinations *= size
    if combinations <= limit:
        yield from itertools.product(*(range(size) for size in sizes))
        return
    # Outcome 0 is nothing, outcome 1 everything.
    for others in (0, 1):
        yield (others,) * len(sizes)
        for place, size in enumerate(sizes):
            for outcome in range(size):
                yield (*(others,) * place, outcome, *(others,) * (len(sizes) - place - 1))
    for _ in range(limit):
        yield tuple(source.randrange(size) for size in sizes)
