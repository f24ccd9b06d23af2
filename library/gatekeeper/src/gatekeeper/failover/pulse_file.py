"""Where the event loop's promise stands: read by h323-gatekeeper-watch, which imports nothing else of the service."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

_WORD = 8
_DEADLINE, _PROCESS, _STALLS, _LOOKED = range(4)
_LENGTH = 4 * _WORD
_NANOSECONDS = 1_000_000_000


class PulseFile:
    """Four numbers of 64 bits, mapped into memory: both sides are on one host, and each is written whole.

    Times are nanoseconds of CLOCK_MONOTONIC, which is the same for all processes of a host.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        """Map the file.

        Raises:
            OSError: it can't be used, or is not there (where it isn't to be created).
        """
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        descriptor = os.open(path, flags, 0o644)
        try:
            if create:
                os.ftruncate(descriptor, _LENGTH)
            status = os.fstat(descriptor)
            if status.st_size < _LENGTH:
                raise FileNotFoundError(f"{path} is not made yet")
            self._map = mmap.mmap(descriptor, _LENGTH)
        finally:
            os.close(descriptor)
        self._path = path
        self._identity = status.st_dev, status.st_ino
        self._words = memoryview(self._map).cast("Q")

    def close(self) -> None:
        """Let go of it."""
        self._words.release()
        self._map.close()

    @property
    def replaced(self) -> bool:
        """Whether another file is there by now, or none."""
        try:
            status = self._path.stat(follow_symlinks=False)
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != self._identity

    @property
    def deadline(self) -> float:
        """Until when the event loop promised to be back, in monotonic seconds; 0 where nobody promises anything."""
        return self._words[_DEADLINE] / _NANOSECONDS

    @deadline.setter
    def deadline(self, monotonic: float) -> None:
        self._words[_DEADLINE] = int(monotonic * _NANOSECONDS)

    @property
    def process(self) -> int:
        """The number of the process that promises."""
        return self._words[_PROCESS]

    @process.setter
    def process(self, number: int) -> None:
        self._words[_PROCESS] = number

    @property
    def stalls(self) -> int:
        """How often the watcher has taken the virtual address from this node for a broken promise."""
        return self._words[_STALLS]

    @stalls.setter
    def stalls(self, count: int) -> None:
        self._words[_STALLS] = count

    @property
    def looked(self) -> float:
        """When the watcher looked last, in monotonic seconds."""
        return self._words[_LOOKED] / _NANOSECONDS

    @looked.setter
    def looked(self, monotonic: float) -> None:
        self._words[_LOOKED] = int(monotonic * _NANOSECONDS)
