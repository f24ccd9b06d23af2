"""Files that are either there in full or not at all, also after a power cut: write, sync, then rename or link."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from terminal.errors import TerminalError


def create_file(path: Path, octets: bytes, mode: int) -> None:
    """Write a new file.

    Raises:
        TerminalError: it exists already (it's left alone), or can't be written.
    """
    try:
        draft = _draft(path, octets, mode)
        try:
            os.link(draft, path)
        finally:
            draft.unlink()
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise TerminalError(f"{path} exists and is never overwritten; name another file") from error
    except OSError as error:
        raise _unwritable(path, error) from error


def replace_file(path: Path, octets: bytes, mode: int) -> None:
    """Write a file, in place of the one that may be there.

    Raises:
        TerminalError: it can't be written; what was there is still there.
    """
    try:
        _draft(path, octets, mode).replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error


def _draft(path: Path, octets: bytes, mode: int) -> Path:
    """The finished content under a passing name in the same folder, on disk."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> TerminalError:
    return TerminalError(f"{path} cannot be written ({error.strerror}); make its folder, or name another one")
