"""Reads a tree's hashes out of its tiles, for roots and proofs. What tiles say is proved by the root it leads to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from witness.errors import WitnessError
from witness.tiles.path import HEIGHT, WIDTH, Tile
from witness.tree import HASH_OCTETS, tree_root
from witness.tree.hashing import parents

TileSource = Callable[[Tile], "bytes | None"]
"""Gives a tile's octets, or None if it has no such tile."""
_KEPT = 64


class TileError(WitnessError):
    """A tile that is missing, that has another size than it must have, or that does not fit the tree."""


def folder_source(folder: Path) -> TileSource:
    """Tiles out of a log's folder, at most one octet more than a tile can have."""

    def read(tile: Tile) -> bytes | None:
        try:
            with (folder / tile.path).open("rb") as file:
                return file.read(WIDTH * HASH_OCTETS + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TileError(f"{folder / tile.path} cannot be read: {error.strerror}") from error

    return read


class TileReader:
    """The tree of `size` leaves whose tiles `source` has."""

    def __init__(self, size: int, source: TileSource) -> None:
        self.size = size
        self._source = source
        # By level and index of the tile; the last ones that were needed.
        self._kept: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    def hash_at(self, level: int, index: int) -> bytes:
        """The root of the complete subtree of 2**level leaves that begins with leaf index * 2**level (a HashReader).

        Raises:
            TileError: the tiles don't have it.
        """
        below = level % HEIGHT
        first = index << below
        hashes = self._hashes(level // HEIGHT, first // WIDTH)
        wanted = hashes[first % WIDTH : first % WIDTH + (1 << below)]
        if len(wanted) != 1 << below:
            raise TileError(f"the tree of {self.size} leaves has no node {index} at level {level}")
        while len(wanted) > 1:
            wanted = parents(wanted)
        return wanted[0]

    def root(self) -> bytes:
        """The root hash that the tiles lead to.

        Raises:
            TileError: a tile is missing or has another size.
        """
        return tree_root(self.size, self.hash_at)

    def tile(self, tile: Tile) -> bytes:
        """The octets of a tile of this tree; of a partial one that is gone, as the full tile has them.

        Raises:
            TileError: it is missing or has another size.
        """
        octets = self._source(tile)
        whole = tile
        if octets is None and tile.width < WIDTH:
            whole = tile.full
            octets = self._source(whole)
        if octets is None:
            raise TileError(f"{tile.path} is missing")
        if len(octets) != whole.width * HASH_OCTETS:
            raise TileError(f"{whole.path} has {len(octets)} octets and must have {whole.width * HASH_OCTETS}")
        return octets[: tile.width * HASH_OCTETS]

    def _hashes(self, level: int, index: int) -> list[bytes]:
        kept = self._kept.get((level, index))
        if kept is None:
            width = min(WIDTH, (self.size >> HEIGHT * level) - index * WIDTH)
            if width <= 0:
                raise TileError(f"the tree of {self.size} leaves has no tile {index} at level {level}")
            octets = self.tile(Tile(level, index, width))
            kept = [octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS)]
            self._kept[level, index] = kept
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end((level, index))
        return kept
