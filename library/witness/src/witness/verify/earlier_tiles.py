"""Partial tiles of earlier checkpoints may still be in the folder; whoever reads them must not be misled either."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from witness.tiles import WIDTH, Tile, TileError, TilePathError, TileReader, folder_source, parse_tile_path
from witness.tiles.path import HEIGHT
from witness.tree import HASH_OCTETS

_FOLDER = "tile"


def has_tiles(folder: Path) -> bool:
    """Whether a log's folder has any."""
    return (folder / _FOLDER).is_dir()


def wrong_earlier_tiles(folder: Path, size: int) -> Iterator[tuple[Path, str]]:
    """Partial tiles that begin as no tile of the tree of `size` leaves does, and what is wrong with them."""
    source = folder_source(folder)
    reader = TileReader(size, source)
    for tile in _partial_tiles(folder):
        width = min(WIDTH, (size >> HEIGHT * tile.level) - tile.index * WIDTH)
        if tile.end <= size and tile.width < width:
            try:
                wanted = reader.tile(Tile(tile.level, tile.index, width))[: tile.width * HASH_OCTETS]
                if source(tile) != wanted:
                    yield folder / tile.path, f"{tile.path} has other hashes than the records"
            except TileError as error:
                yield folder / tile.path, str(error)


def _partial_tiles(folder: Path) -> Iterator[Tile]:
    for parent, _, names in os.walk(folder / _FOLDER):
        if parent.endswith(".p"):
            for name in names:
                try:
                    tile = parse_tile_path(str((Path(parent) / name).relative_to(folder)))
                except TilePathError:
                    continue
                if tile.level >= 0:
                    yield tile
