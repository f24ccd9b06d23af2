"""Files that are there in full or not at all, also after a power cut: write, sync, rename, sync the folder."""

from __future__ import annotations

import os
from pathlib import Path

FILE_MODE = 0o640


def replace_file(path: Path, octets: bytes, mode: int = FILE_MODE) -> None:
    """Put a file in place of the one that may be there. It is for good once `sync_folder(path.parent)` is done.

    There must be one writer to a path at a time: the passing name is always the same, so that what a crash leaves
    behind is written over.

    Raises:
        OSError: the disk refuses; what was there is still there.
    """
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        while octets:
            octets = octets[os.write(descriptor, octets) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)


def sync_folder(folder: Path) -> None:
    """Have a folder's entries on disk: which files there are, and what they are called.

    Raises:
        OSError: the disk refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_durably(path: Path, octets: bytes, mode: int = FILE_MODE) -> None:
    """Put a file in place of the one that may be there, for good.

    Raises:
        OSError: the disk refuses.
    """
    replace_file(path, octets, mode)
    sync_folder(path.parent)
