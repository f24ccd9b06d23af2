"""Where a cosigner keeps what it has cosigned. It must never forget, or two of it would contradict each other."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from witness.cosigner.cosigned import Cosigned, parse_cosigned
from witness.cosigner.origin_name import file_name
from witness.durable_file import replace_durably, sync_folder
from witness.errors import WitnessError
from witness.note import Verifier

_LARGEST = 1_000_000


class MemoryLostError(WitnessError):
    """What was cosigned can't be told any more. A cosigner that has forgotten must not go on under its key."""


class Memory:
    """One file a log: its last cosigned checkpoint."""

    def __init__(self, folder: Path, replace: Callable[[Path, bytes], None] = replace_durably) -> None:
        """`replace` puts a file in place of another for good; tests let it fail."""
        self._folder = folder
        self._replace = replace
        self._kept: dict[str, Cosigned] = {}
        self._lock: int | None = None

    @property
    def kept(self) -> Mapping[str, Cosigned]:
        """The last cosigned checkpoints, by origin."""
        return self._kept

    def open(self, origins: Iterable[str], key: Verifier) -> None:
        """Become the only one that writes here, and read what there is.

        Raises:
            MemoryLostError: a file is not what this key has cosigned, or is missing.
            WitnessError: another process has the folder.
            OSError: the disk refuses.
        """
        self._lock_folder()
        checkpoints = self._folder / "checkpoints"
        checkpoints.mkdir(mode=0o750, exist_ok=True)
        sync_folder(self._folder)
        for origin in origins:
            octets = _read(self._path(origin))
            if octets is not None:
                self._kept[origin] = self._parse(origin, octets, key)
            elif self._mark(origin).exists():
                raise MemoryLostError(f"{self._path(origin)} is missing, though {origin} was cosigned; {_WHAT_TO_DO}")

    def close(self) -> None:
        """Let another one write."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def keep(self, cosigned: Cosigned) -> None:
        """Have this on disk, for good, in place of what was there.

        Raises:
            OSError: the disk refuses; the cosignature must not leave the house.
        """
        origin = cosigned.checkpoint.origin
        self._replace(self._path(origin), cosigned.octets)
        # In this order: a mark without a checkpoint is a loss.
        if not self._mark(origin).exists():
            self._replace(self._mark(origin), b"")
        self._kept[origin] = cosigned

    def _path(self, origin: str) -> Path:
        return self._folder / "checkpoints" / file_name(origin)

    def _mark(self, origin: str) -> Path:
        """Says that something was cosigned. Not beside the checkpoints: who loses those still has this."""
        return self._folder / f"{file_name(origin)}.begun"

    def _parse(self, origin: str, octets: bytes, key: Verifier) -> Cosigned:
        try:
            return parse_cosigned(octets, origin, key)
        except WitnessError as error:
            raise MemoryLostError(f"{self._path(origin)}: {error}; {_WHAT_TO_DO}") from error

    def _lock_folder(self) -> None:
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise WitnessError(f"another cosigner works in {self._folder}; stop it") from error


_WHAT_TO_DO = "move key and state away together: a cosigner that has forgotten goes on under a new key only"


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except FileNotFoundError:
        return None
