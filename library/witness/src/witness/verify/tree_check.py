"""The tree over the records that are there, compared with the tiles: each hash of each tile."""

from __future__ import annotations

from collections.abc import Iterator

from witness.tiles import WIDTH, Tile, TileError, TileReader
from witness.tiles.reader import TileSource
from witness.tree import HASH_OCTETS, tree_root
from witness.tree.hashing import parents

MAX_DIFFERING = 100
"""Leaves that are named; others that differ are counted."""

TreeTile = tuple[Tile, list[bytes]]


class GrowingTiles:
    """The tiles of a tree while it grows: each one that is full comes out once, and only the others are kept."""

    def __init__(self) -> None:
        self.size = 0
        """In leaves."""
        # By level of tiles: the index of the one that isn't full, and its hashes.
        self._growing: list[tuple[int, list[bytes]]] = []

    def extend(self, leaves: list[bytes]) -> Iterator[TreeTile]:
        """Add leaves by their hashes; the tiles that become full. To be exhausted."""
        self.size += len(leaves)
        hashes, level = leaves, 0
        while hashes:
            if level == len(self._growing):
                self._growing.append((0, []))
            index, waiting = self._growing[level]
            waiting += hashes
            above = []
            whole = len(waiting) // WIDTH
            for number in range(whole):
                full = waiting[number * WIDTH : (number + 1) * WIDTH]
                yield Tile(level, index + number), full
                above.append(_top(full))
            self._growing[level] = (index + whole, waiting[whole * WIDTH :])
            hashes, level = above, level + 1

    def partial(self) -> Iterator[TreeTile]:
        """The tiles that aren't full."""
        for level, (index, hashes) in enumerate(self._growing):
            if hashes:
                yield Tile(level, index, len(hashes)), hashes

    def root(self) -> bytes:
        """The tree's root hash."""
        return tree_root(self.size, self._hash_at)

    def _hash_at(self, level: int, index: int) -> bytes:
        """Of the complete subtrees that the root is made of: all of them are in tiles that aren't full."""
        first, hashes = self._growing[level // 8]
        below = level % 8
        begin = (index << below) - first * WIDTH
        return _top(hashes[begin : begin + (1 << below)])


class TreeCheck:
    """Grows by the records' hashes, and notes what the tiles have otherwise."""

    def __init__(self, source: TileSource | None) -> None:
        """`source` has the tiles; None where there are none at all."""
        # It knows that a full tile takes a partial one's place.
        self._reader = TileReader(0, source) if source is not None else None
        self._tiles = GrowingTiles()
        self.differing: list[int] = []
        """Leaves that are others in the tiles than in the records."""
        self.differing_count = 0
        self.wrong: list[tuple[Tile, str]] = []
        """Tiles that are missing or differ, and how."""

    @property
    def size(self) -> int:
        """How many leaves it was given."""
        return self._tiles.size

    def root(self) -> bytes:
        """The root hash over the records."""
        return self._tiles.root()

    def extend(self, leaves: list[bytes]) -> None:
        """Add leaves by their hashes."""
        for tile, hashes in self._tiles.extend(leaves):
            self._compare(tile, hashes)

    def compare_partial(self) -> None:
        """Compare the tiles that aren't full, where a checkpoint of this size is: they must be there then."""
        for tile, hashes in self._tiles.partial():
            self._compare(tile, hashes)

    def _compare(self, tile: Tile, hashes: list[bytes]) -> None:
        if self._reader is None:
            return
        try:
            octets = self._reader.tile(tile)
        except TileError as error:
            self._note_wrong(tile, str(error))
            return
        if octets == b"".join(hashes):
            return
        self._note_wrong(tile, f"{tile.path} has other hashes than the records")
        if tile.level == 0:
            self._note_differing(tile, hashes, octets)

    def _note_wrong(self, tile: Tile, text: str) -> None:
        if len(self.wrong) < MAX_DIFFERING:
            self.wrong.append((tile, text))

    def _note_differing(self, tile: Tile, hashes: list[bytes], octets: bytes) -> None:
        for at, wanted in enumerate(hashes):
            if octets[at * HASH_OCTETS : (at + 1) * HASH_OCTETS] != wanted:
                self.differing_count += 1
                if len(self.differing) < MAX_DIFFERING:
                    self.differing.append(tile.index * WIDTH + at)


def leaf_tiles(begin: int, end: int, size: int, source: TileSource) -> Iterator[list[bytes]]:
    """The hashes of leaves from `begin` to `end` as the tiles of a tree of `size` leaves have them, tile by tile.

    Raises:
        TileError: a tile is missing or has another size.
    """
    reader = TileReader(size, source)
    for index in range(begin // WIDTH, -(-end // WIDTH)):
        first = index * WIDTH
        octets = reader.tile(Tile(0, index, min(WIDTH, size - first)))
        hashes = [octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS)]
        yield hashes[max(0, begin - first) : end - first]


def root_of_leaf_tiles(size: int, source: TileSource) -> bytes | None:
    """The root that the tiles' own leaf hashes lead to; None if some are missing."""
    tiles = GrowingTiles()
    try:
        for hashes in leaf_tiles(0, size, size, source):
            for _ in tiles.extend(hashes):
                pass
    except TileError:
        return None
    return tiles.root()


def _top(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = parents(hashes)
    return hashes[0]
