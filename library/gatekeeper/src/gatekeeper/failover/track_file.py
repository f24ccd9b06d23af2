"""The file in which keepalived is told 0 (this node is fit) or 1 (give up the virtual address)."""

from __future__ import annotations

import os
from pathlib import Path

_FIT, _NOT_FIT = b"0\n", b"1\n"


class TrackFile:
    """One node's track file. Both words are equally long: keepalived never reads half of one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def says_fit(self) -> bool:
        """Whether the file says 0. One that is missing says so to nobody.

        Raises:
            OSError: it can't be read.
        """
        try:
            return self._path.read_bytes()[:1] == _FIT[:1]
        except FileNotFoundError:
            return False

    def tell(self, *, fit: bool) -> bool:
        """Write what the file doesn't say yet; whether that was necessary.

        Raises:
            OSError: it can't be written.
        """
        word = _FIT if fit else _NOT_FIT
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            if os.pread(descriptor, len(word) + 1, 0) == word:
                return False
            os.pwrite(descriptor, word, 0)
            os.ftruncate(descriptor, len(word))
        finally:
            os.close(descriptor)
        return True
