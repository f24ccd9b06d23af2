"""Keeps a log's tiles on disk while its tree grows.

A file appears under its name only when it is whole and on disk: write, sync, rename. So no tile is ever torn, and one
that has the wrong content was written by somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from witness.durable_file import replace_file, sync_folder
from witness.tiles.path import WIDTH, Tile
from witness.tiles.reader import TileError, TileSource, folder_source
from witness.tree import Frontier
from witness.tree.hashing import parents


class TileWriter:
    """The tiles of one log's folder.

    At the start it is empty, whatever the folder has, and is given all leaves anew: what is on disk already is compared
    instead of written. What is missing is written. A tile that differs is an error within the first `checked` leaves
    (those of the last checkpoint), and is written over beyond them.
    """

    def __init__(self, folder: Path, checked: int = 0) -> None:
        self._folder = folder
        self._source: TileSource = folder_source(folder)
        self._checked = checked
        self.frontier = Frontier()
        """The tree as it is; read it, don't let it grow."""
        # By level: the hashes of the tile that isn't full yet, and that tile's index.
        self._growing: list[tuple[int, list[bytes]]] = []
        self._unsynced: set[Path] = set()
        self._settled: set[Path] = set()
        """Folders that are, or will be with the next sync, in their own folder for good."""
        self._complete: list[Tile] = []
        """Full tiles whose partial ones can go once they are safe."""

    @property
    def size(self) -> int:
        """How many leaves it was given."""
        return self.frontier.size

    def append(self, leaves: Iterable[bytes]) -> None:
        """Add leaves by their hashes; tiles that become full are written.

        Raises:
            TileError: a tile on disk within the checked leaves differs.
            OSError: the disk refuses. The writer is then of no more use: make a new one.
        """
        hashes = list(leaves)
        self.frontier.extend(hashes)
        level = 0
        while hashes:
            if level == len(self._growing):
                self._growing.append((0, []))
            index, waiting = self._growing[level]
            waiting += hashes
            full = len(waiting) // WIDTH
            hashes = [
                self._full_tile(Tile(level, index + n), waiting[n * WIDTH : (n + 1) * WIDTH]) for n in range(full)
            ]
            self._growing[level] = (index + full, waiting[full * WIDTH :])
            level += 1

    def publish(self) -> None:
        """Write the partial tiles that a checkpoint of this size needs, and have all tiles on disk: then it may appear.

        Raises:
            TileError: a tile on disk within the checked leaves differs.
            OSError: the disk refuses. The writer is then of no more use: make a new one.
        """
        for level, (index, waiting) in enumerate(self._growing):
            if waiting:
                self._put(Tile(level, index, len(waiting)), waiting)
        for folder in sorted(self._unsynced):
            sync_folder(folder)
        self._unsynced.clear()
        self._checked = max(self._checked, self.size)
        for tile in self._complete:
            self._remove_partial(self._folder / tile.path)
        self._complete.clear()

    def _full_tile(self, tile: Tile, hashes: list[bytes]) -> bytes:
        """Write a full tile; its hash for the level above."""
        self._put(tile, hashes)
        self._complete.append(tile)
        while len(hashes) > 1:
            hashes = parents(hashes)
        return hashes[0]

    def _put(self, tile: Tile, hashes: Sequence[bytes]) -> None:
        octets = b"".join(hashes)
        path = self._folder / tile.path
        present = self._source(tile)
        covered = tile.end <= self._checked
        if covered and present == octets:
            return
        if covered and present is not None:
            raise TileError(f"{path} differs from the records, although a checkpoint covers it")
        path.parent.mkdir(parents=True, exist_ok=True)
        if present != octets:
            replace_file(path, octets)
        # Also what was there already: the one who wrote it may have died before its name was on disk.
        self._have_synced(path.parent)

    def _have_synced(self, folder: Path) -> None:
        """Sync this folder before the next checkpoint, and once those that it is in."""
        self._unsynced.add(folder)
        while folder != self._folder and folder not in self._settled:
            self._settled.add(folder)
            folder = folder.parent
            self._unsynced.add(folder)

    def _remove_partial(self, full: Path) -> None:
        """Remove the partial tiles of a full one. If the machine stops within, some stay, which does no harm."""
        partial = full.with_name(f"{full.name}.p")
        if partial.is_dir():
            for path in partial.iterdir():
                path.unlink()
            partial.rmdir()
        self._settled.discard(partial)
