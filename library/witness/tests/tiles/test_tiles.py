"""Tiles as C2SP tlog-tiles has them: paths, which there are, what is in them, and bundles of entries."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness.tiles import (
    ENTRIES,
    BundleError,
    Tile,
    TileError,
    TilePathError,
    TileReader,
    TileWriter,
    decode_entries,
    encode_entries,
    folder_source,
    parse_tile_path,
    tiles_of,
)
from witness.tree import MemoryTree, consistency_proof, inclusion_proof

SIZE = 66_000
LEAVES = [number.to_bytes(32, "big") for number in range(SIZE)]
TREE = MemoryTree(LEAVES)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(0, 1000, 5), "tile/0/x001/000.p/5"),
        (Tile(63, 12, 255), "tile/63/012.p/255"),
        (Tile(ENTRIES, 273, 112), "tile/entries/273.p/112"),
        (Tile(ENTRIES, 1000), "tile/entries/x001/000"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/000/",
        "/tile/0/000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/07",
        "tile/0/000.p",
        "tile/0/../000",
        "tile/-1/000",
        "tile/0/\u0661\u0661\u0661",
        "tile/0/000\n",
        "tile/0/" + "x001/" * 30 + "000",
    ],
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(TilePathError):
        parse_tile_path(path)


@given(st.integers(-1, 63), st.integers(0, 10**15), st.integers(1, 256))
def test_every_tile_is_found_by_its_path(level: int, index: int, width: int) -> None:
    assert parse_tile_path(Tile(level, index, width).path) == Tile(level, index, width)


def test_the_specification_s_example_of_70_000_entries() -> None:
    tiles = list(tiles_of(70_000))
    assert len([each for each in tiles if each.level == 0 and each.width == 256]) == 273
    assert tiles[273:] == [Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []
    assert all(each.end <= 70_000 for each in tiles)


def written(folder: Path, sizes: list[int]) -> TileWriter:
    """The tiles after checkpoints of these sizes."""
    writer = TileWriter(folder)
    for size in sizes:
        writer.append(LEAVES[writer.size : size])
        writer.publish()
    return writer


def paths_in(folder: Path) -> set[str]:
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}


def test_what_is_written_is_the_tree(tmp_path: Path) -> None:
    writer = written(tmp_path, [SIZE])
    assert paths_in(tmp_path) == {each.path for each in tiles_of(SIZE)}
    assert writer.frontier.root() == TREE.root()
    reader = TileReader(SIZE, folder_source(tmp_path))
    assert reader.root() == TREE.root()
    for index in (0, 255, 256, 65_535, 65_536, SIZE - 1):
        assert inclusion_proof(index, SIZE, reader.hash_at) == inclusion_proof(index, SIZE, TREE.hash_at)
    for old in (1, 256, 257, 65_536, 65_537, SIZE - 1):
        assert consistency_proof(old, SIZE, reader.hash_at) == consistency_proof(old, SIZE, TREE.hash_at)


@pytest.mark.parametrize("sizes", [[1, 255, 256, 257], [5, 300, 301, 700], [0, 512, 1024], [65_535, 65_536, 65_537]])
def test_every_checkpoint_s_tree_can_be_read_from_what_is_there_at_last(tmp_path: Path, sizes: list[int]) -> None:
    written(tmp_path, sizes)
    for size in sizes:
        assert TileReader(size, folder_source(tmp_path)).root() == TREE.root(size)


def test_partial_tiles_stay_until_the_full_one_is_there(tmp_path: Path) -> None:
    written(tmp_path, [3, 200])
    assert paths_in(tmp_path) == {"tile/0/000.p/3", "tile/0/000.p/200"}
    written(tmp_path, [3, 200, 300])
    assert paths_in(tmp_path) == {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"}
    for size in (3, 200, 300):
        assert TileReader(size, folder_source(tmp_path)).root() == TREE.root(size)


def test_a_writer_begins_anew_over_what_is_there(tmp_path: Path) -> None:
    written(tmp_path, [700])
    before = {path: (tmp_path / path).stat().st_mtime_ns for path in paths_in(tmp_path)}
    writer = TileWriter(tmp_path, checked=700)
    for size in (100, 300, 700):
        writer.append(LEAVES[writer.size : size])
    writer.publish()
    assert {path: (tmp_path / path).stat().st_mtime_ns for path in paths_in(tmp_path)} == before
    writer.append(LEAVES[700:800])
    writer.publish()
    assert TileReader(800, folder_source(tmp_path)).root() == TREE.root(800)


def test_what_is_missing_is_written_anew(tmp_path: Path) -> None:
    written(tmp_path, [700])
    (tmp_path / "tile/0/001").unlink()
    (tmp_path / "tile/0/002.p/188").unlink()
    writer = TileWriter(tmp_path, checked=700)
    writer.append(LEAVES[:700])
    writer.publish()
    assert paths_in(tmp_path) == {each.path for each in tiles_of(700)}


@pytest.mark.parametrize("path", ["tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"])
def test_a_tile_that_differs_below_the_checkpoint_is_an_error(tmp_path: Path, path: str) -> None:
    written(tmp_path, [700])
    spoil(tmp_path / path)
    writer = TileWriter(tmp_path, checked=700)
    with pytest.raises(TileError, match=path):
        append_and_publish(writer, 700)
    # One that no checkpoint covers is written over.
    append_and_publish(TileWriter(tmp_path, checked=0), 700)
    assert TileReader(700, folder_source(tmp_path)).root() == TREE.root(700)


def append_and_publish(writer: TileWriter, size: int) -> None:
    writer.append(LEAVES[:size])
    writer.publish()


def spoil(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[-1] ^= 1
    path.write_bytes(octets)


def test_what_the_reader_does_not_find(tmp_path: Path) -> None:
    written(tmp_path, [300])
    reader = TileReader(300, folder_source(tmp_path))
    for level, index in ((0, 300), (3, 37), (8, 1), (16, 0)):
        with pytest.raises(TileError):
            reader.hash_at(level, index)
    with pytest.raises(TileError, match=r"001\.p/100 is missing"):
        TileReader(356, folder_source(tmp_path)).root()
    for octets in (b"", bytes(44 * 32 - 1), bytes(44 * 32 + 1), bytes(9000)):
        (tmp_path / "tile/0/001.p/44").write_bytes(octets)
        with pytest.raises(TileError, match="octets"):
            TileReader(300, folder_source(tmp_path)).root()


def test_a_folder_in_a_tile_s_place(tmp_path: Path) -> None:
    (tmp_path / "tile/0/000.p/3").mkdir(parents=True)
    with pytest.raises(TileError, match="cannot be read"):
        TileReader(3, folder_source(tmp_path)).root()


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles(records: list[bytes]) -> None:
    octets = encode_entries(records)
    assert decode_entries(octets, len(records)) == records
    for wrong in (octets + b"\0", octets[:-1] if octets else b"\0"):
        with pytest.raises(BundleError):
            decode_entries(wrong, len(records))
    with pytest.raises(BundleError):
        decode_entries(octets, len(records) + 1)


def test_the_longest_entry() -> None:
    assert decode_entries(encode_entries([bytes(65_535)]), 1) == [bytes(65_535)]
    with pytest.raises(BundleError):
        encode_entries([bytes(65_536)])


@given(st.binary(max_size=100), st.integers(0, 5))
def test_octets_are_a_bundle_or_an_error(octets: bytes, width: int) -> None:
    with contextlib.suppress(BundleError):
        assert encode_entries(decode_entries(octets, width)) == octets
