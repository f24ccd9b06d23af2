"""Which tiles there are and what they are called: tile/LEVEL/NNN[.p/WIDTH]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from witness.errors import WitnessError

HEIGHT = 8
"""Levels of the tree that a level of tiles spans."""
WIDTH = 1 << HEIGHT
"""Hashes in a full tile."""
ENTRIES = -1
"""The "level" of the bundles of entries, which are called tile/entries/…."""
_MAX_LEVEL = 63
_MAX_PATH = 100
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?\Z"
)


class TilePathError(WitnessError):
    """A path that is no tile's."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile, or one bundle of entries."""

    level: int
    """0 for leaf hashes; ENTRIES for the records themselves."""
    index: int
    width: int = WIDTH
    """How many hashes or entries it has: less than WIDTH if it is partial."""

    @property
    def path(self) -> str:
        """Relative to the log's folder or URL, as tile/0/x001/x234/067 or tile/1/000.p/7."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        suffix = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{level}/{_index_path(self.index)}{suffix}"

    @property
    def full(self) -> Tile:
        """The full tile that this one becomes."""
        return Tile(self.level, self.index)

    @property
    def end(self) -> int:
        """How many leaves a tree must have for this tile to be in it."""
        return (self.index * WIDTH + self.width) << HEIGHT * max(self.level, 0)


def parse_tile_path(path: str) -> Tile:
    """The tile of a path like tile/0/x001/234.p/5.

    Raises:
        TilePathError: it is none's, or not the only way to write it.
    """
    matched = _PATH.match(path) if len(path) <= _MAX_PATH else None
    if matched is None:
        raise TilePathError(f"this is not a tile's path: {path[:_MAX_PATH]!r}")
    level = ENTRIES if matched["level"] == "entries" else int(matched["level"])
    index = int(matched["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(matched["width"] or WIDTH))
    if tile.path != path or tile.level > _MAX_LEVEL:
        raise TilePathError(f"this is not a tile's path: {path!r}")
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of hashes of a tree with so many leaves, the partial ones included, level by level."""
    level = 0
    while size:
        for index in range(size // WIDTH):
            yield Tile(level, index)
        if size % WIDTH:
            yield Tile(level, size // WIDTH, size % WIDTH)
        size //= WIDTH
        level += 1


def _index_path(index: int) -> str:
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03}")
    return "/".join(parts)
