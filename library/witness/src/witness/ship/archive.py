"""Where an archive is kept: a folder, used as if it were a bucket.

All that is asked of it: tell names, read a file, put a whole file in place of the one that may be there, remove one.
Put is all or nothing, as an object store does it; in a folder a new file is renamed for that, once its content is on
disk.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from witness.durable_file import FILE_MODE, sync_folder
from witness.ship.errors import ShipError


class ArchiveError(ShipError):
    """The archive can't be used, or is not what its own checkpoint stands for."""


class UnusableArchiveError(ArchiveError):
    """The folder refuses: it is full, busy or nobody's. That says nothing about what is in it."""


class Archive(Protocol):
    """What is asked of an archive. Paths are relative, with slashes. Everything raises ArchiveError."""

    def names(self, folder: str) -> list[str]:
        """What is in a folder, without its path; nothing where there is none."""

    def open(self, path: str) -> BinaryIO | None:
        """A file to read; None if it isn't there."""

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """A whole file, for good, in place of the one that may be there. What `chunks` raises leaves all as it was."""

    def settle(self, path: str) -> None:
        """Have a file there for good that a run had put and was killed before it could see to that."""

    def remove(self, path: str) -> None:
        """A file that may be there."""


class FolderArchive:
    """A local or mounted folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._settled: set[Path] = set()
        """Folders whose names are on disk."""

    def __str__(self) -> str:
        return str(self.folder)

    @contextmanager
    def locked(self, wait: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Keep other processes of this host from writing there meanwhile; the folder is made if it is missing.

        `wait` is called while another one does; it waits, and says whether to try again.

        Raises:
            UnusableArchiveError: another one still does, or the folder can't be used.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._error(self.folder, error) from error
        try:
            while not _lock(descriptor):
                if not wait():
                    raise UnusableArchiveError(
                        f"{self.folder}: another process is writing there; wait until it is done"
                    )
            yield
        finally:
            os.close(descriptor)

    def names(self, folder: str) -> list[str]:
        """What is in a folder, without its path; nothing where there is none."""
        try:
            return [path.name for path in (self.folder / folder).iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._error(self.folder / folder, error) from error

    def open(self, path: str) -> BinaryIO | None:
        """A file to read; None if it isn't there."""
        try:
            return (self.folder / path).open("rb")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error(self.folder / path, error) from error

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """A whole file, for good, in place of the one that may be there."""
        target = self.folder / path
        try:
            self._have_folder(target.parent)
            self._replace(target, chunks)
            sync_folder(target.parent)
        except OSError as error:
            raise self._error(target, error) from error

    def settle(self, path: str) -> None:
        """Have a file there for good that a run had put and was killed before it could see to that."""
        target = self.folder / path
        try:
            self._have_folder(target.parent)
            sync_folder(target.parent)
        except OSError as error:
            raise self._error(target, error) from error

    def remove(self, path: str) -> None:
        """A file that may be there."""
        try:
            (self.folder / path).unlink(missing_ok=True)
        except OSError as error:
            raise self._error(self.folder / path, error) from error

    def _replace(self, target: Path, chunks: Iterable[bytes]) -> None:
        # Always the same passing name: what a killed run has left behind is written over.
        draft = target.with_name(f".{target.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(descriptor)
            draft.rename(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise

    def _have_folder(self, folder: Path) -> None:
        """A folder whose name is on disk, also if a run has made it that was killed before it could see to that."""
        if folder not in self._settled:
            if folder != self.folder:
                self._have_folder(folder.parent)
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)
            self._settled.add(folder)

    def _error(self, path: Path, error: OSError) -> UnusableArchiveError:
        return UnusableArchiveError(f"{path}: {error.strerror}; make it usable for the user who ships")


def _lock(descriptor: int) -> bool:
    """Whether the folder is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_small(archive: Archive, path: str, most: int) -> bytes | None:
    """A small file of an archive, at most so many octets and one more; None if it isn't there.

    Raises:
        ArchiveError: it can't be read.
    """
    file = archive.open(path)
    if file is None:
        return None
    with file:
        try:
            return file.read(most + 1)
        except OSError as error:
            raise UnusableArchiveError(f"{path}: {error.strerror}") from error
