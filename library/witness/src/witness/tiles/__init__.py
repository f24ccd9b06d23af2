"""A tree's hashes in files of 256, and its records in bundles of as many (C2SP tlog-tiles)."""

from witness.tiles.bundle import MAX_ENTRY_OCTETS, BundleError, decode_entries, encode_entries
from witness.tiles.path import ENTRIES, WIDTH, Tile, TilePathError, parse_tile_path, tiles_of
from witness.tiles.reader import TileError, TileReader, folder_source
from witness.tiles.writer import TileWriter

__all__ = [
    "ENTRIES",
    "MAX_ENTRY_OCTETS",
    "WIDTH",
    "BundleError",
    "Tile",
    "TileError",
    "TilePathError",
    "TileReader",
    "TileWriter",
    "decode_entries",
    "encode_entries",
    "folder_source",
    "parse_tile_path",
    "tiles_of",
]
