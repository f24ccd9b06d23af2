"""The archive's tiles: those that a larger tree has beyond the ones that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from witness.ship.growth import split_hashes
from witness.tiles import WIDTH, Tile, TileReader
from witness.tiles.path import HEIGHT
from witness.tiles.reader import TileSource
from witness.tree.hashing import parents


class ArchiveTiles:
    """Grows by leaf hashes from the tree of `size` leaves whose tiles are there and checked."""

    def __init__(self, size: int, tiles: TileSource, put: Callable[[Tile, bytes], None]) -> None:
        """`put` is given each full tile, once, and at the end those that aren't full.

        Raises:
            TileError: a tile is missing.
        """
        self._put = put
        reader = TileReader(size, tiles)
        # By level: the index of the tile that isn't full, and its hashes.
        self._growing = [(index, split_hashes(reader.tile(tile)) if tile else []) for index, tile in _last(size)]

    def extend(self, leaves: list[bytes]) -> None:
        """Add leaves by their hashes."""
        hashes, level = leaves, 0
        while hashes:
            if level == len(self._growing):
                self._growing.append((0, []))
            index, waiting = self._growing[level]
            waiting = waiting + hashes
            full = len(waiting) // WIDTH
            hashes = [self._full(Tile(level, index + n), waiting[n * WIDTH : (n + 1) * WIDTH]) for n in range(full)]
            self._growing[level] = (index + full, waiting[full * WIDTH :])
            level += 1

    def finish(self) -> None:
        """Put those that aren't full."""
        for level, (index, hashes) in enumerate(self._growing):
            if hashes:
                self._put(Tile(level, index, len(hashes)), b"".join(hashes))

    def _full(self, tile: Tile, hashes: list[bytes]) -> bytes:
        self._put(tile, b"".join(hashes))
        while len(hashes) > 1:
            hashes = parents(hashes)
        return hashes[0]


def partial_tiles(size: int) -> list[Tile]:
    """Those tiles of a tree that aren't full."""
    return [tile for _, tile in _last(size) if tile is not None]


def _last(size: int) -> Iterator[tuple[int, Tile | None]]:
    """By level: the index of the tile that isn't full, and that tile unless it is empty."""
    level = 0
    while nodes := size >> HEIGHT * level:
        index, width = divmod(nodes, WIDTH)
        yield index, Tile(level, index, width) if width else None
        level += 1
