"""One stream on disk: what is published fits its records, or nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from witness.checkpoint import Checkpoint, parse_checkpoint
from witness.day_files.markers import RETAINED, write_marker
from witness.errors import WitnessError
from witness.log.lines import LinesError
from witness.log.stream_log import RemovedError, StreamLog, UnfitError, own_frontier
from witness.note import parse_note
from witness.policy import PolicyError, parse_policy
from witness.tiles import TileError, TileReader, folder_source, tiles_of
from witness.tree import MemoryTree, verify_consistency

from .scene import NOON, STREAM, Keys, day_file, published, read_all, write

KEYS = Keys()
POLICY = KEYS.policy()
MISFITS = (UnfitError, TileError, LinesError)


def opened(folder: Path) -> StreamLog:
    log = StreamLog(folder, STREAM, POLICY)
    try:
        read_all(log)
    except WitnessError:
        log.close()
        raise
    return log


def test_what_is_published_is_the_tree_of_the_lines(tmp_path: Path) -> None:
    lines = write(tmp_path, 0, 600)
    published(tmp_path, KEYS)
    octets = (tmp_path / STREAM.folder / "checkpoint").read_bytes()
    checkpoint = parse_checkpoint(parse_note(octets).text)
    assert (checkpoint.origin, checkpoint.size) == ("council.example/h323_ras", 600)
    assert checkpoint.root == MemoryTree.of_records(lines).root()
    assert TileReader(600, folder_source(tmp_path / STREAM.folder)).root() == checkpoint.root


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    lines: list[bytes] = []
    for size in (0, 1, 255, 256, 257, 700):
        if size > len(lines):
            lines += write(tmp_path, len(lines), size - len(lines))
        log = opened(tmp_path)
        assert (log.size, log.newest_node) == (size, "gk1" if size else None)
        old = log.covered
        assert log.root(size) == MemoryTree.of_records(lines).root()
        if size:
            octets = KEYS.sign(log)
            proof = log.proof(old)
            verify_consistency(old, log.root(old), size, log.root(size), proof)
            log.publish(octets, log.judge(octets))
            assert log.entries(size - 1, 1) == lines[-1:]
            assert log.entries(0, size) == lines
        log.close()


def test_the_root_of_every_size_is_known(tmp_path: Path) -> None:
    lines = write(tmp_path, 0, 300)
    published(tmp_path, KEYS)
    lines += write(tmp_path, 300, 30)
    log = opened(tmp_path)
    tree = MemoryTree.of_records(lines)
    assert [log.root(size) for size in range(1, 331)] == [tree.root(size) for size in range(1, 331)]
    log.close()


def test_a_checkpoint_of_a_peer_is_taken_over_at_its_own_size(tmp_path: Path) -> None:
    write(tmp_path / "a", 0, 280)
    theirs = published(tmp_path / "a", KEYS)
    assert theirs.published is not None
    write(tmp_path / "b", 0, 300)
    ours = opened(tmp_path / "b")
    judged = ours.judge(theirs.published)
    ours.check(judged.checkpoint)
    ours.publish(theirs.published, judged)
    assert (ours.size, ours.covered) == (300, 280)
    ours.close()
    again = opened(tmp_path / "b")
    assert again.published == theirs.published
    again.close()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_each_changed_octet_below_the_checkpoint_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    write(folder, 0, 300)
    published(folder, KEYS)
    files = [day_file(folder), *(path for path in (folder / STREAM.folder / "tile").rglob("*") if path.is_file())]
    path = data.draw(st.sampled_from(sorted(files)))
    octets = bytearray(path.read_bytes())
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(octets)
    try:
        log = opened(folder)
    except MISFITS:
        return
    # The last newline alone: the record isn't whole, and so this host has less than its checkpoint says.
    assert log.size < log.promised
    assert octets[-1:] != b"\n"
    log.close()


def test_every_octet_of_a_checkpoint_matters(tmp_path: Path) -> None:
    write(tmp_path, 0, 3)
    published(tmp_path, KEYS)
    path = tmp_path / STREAM.folder / "checkpoint"
    whole = path.read_bytes()
    for place in range(len(whole)):
        for flipped in (1, 0x20):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flipped]) + whole[place + 1 :])
            log = StreamLog(tmp_path, STREAM, POLICY)
            try:
                log.open()
            except UnfitError:
                continue
            # What the policy doesn't know counts as not there: then nobody has cosigned it.
            assert log.covered == 0
    path.write_bytes(whole)


def test_a_missing_record_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, 0, 10)
    published(tmp_path, KEYS)
    whole = day_file(tmp_path).read_bytes().splitlines(keepends=True)
    for place in range(9):
        day_file(tmp_path).write_bytes(b"".join(whole[:place] + whole[place + 1 :]))
        with pytest.raises(MISFITS):
            opened(tmp_path)
    day_file(tmp_path).write_bytes(b"".join(whole[:7]))
    behind = opened(tmp_path)
    assert (behind.size, behind.promised) == (7, 10)
    write(tmp_path, 7, 3)
    while behind.read_on():
        pass
    assert behind.root(10) == behind.judge(behind.published or b"").checkpoint.root
    behind.close()


def test_an_older_checkpoint_of_a_peer_is_compared_while_records_are_missing(tmp_path: Path) -> None:
    write(tmp_path, 0, 150)
    older = published(tmp_path, KEYS)
    write(tmp_path, 150, 50)
    published(tmp_path, KEYS)
    kept = day_file(tmp_path).read_bytes().splitlines(keepends=True)[:180]
    day_file(tmp_path).write_bytes(b"".join(kept))
    behind = opened(tmp_path)
    assert (behind.size, behind.promised) == (180, 200)
    assert older.judged is not None
    behind.check(older.judged.checkpoint)
    with pytest.raises(UnfitError):
        behind.check(Checkpoint(behind.origin, 150, bytes(32)))
    behind.close()


def test_other_records_than_the_checkpoint_has_are_noticed_when_they_come(tmp_path: Path) -> None:
    write(tmp_path, 0, 10)
    published(tmp_path, KEYS)
    kept = day_file(tmp_path).read_bytes().splitlines(keepends=True)[:7]
    day_file(tmp_path).write_bytes(b"".join(kept))
    behind = opened(tmp_path)
    write(tmp_path, 7, 3, text="ACF")
    with pytest.raises(MISFITS):
        behind.read_on()
    behind.close()


@pytest.mark.parametrize("old", [1, 255, 256, 300, 511, 600])
def test_it_begins_after_records_that_were_removed(tmp_path: Path, old: int) -> None:
    lines = [*write(tmp_path, 0, old), *write(tmp_path, old, 700 - old, unix=NOON + 86_400)]
    published(tmp_path, KEYS)
    day_file(tmp_path).unlink()
    write_marker(tmp_path / STREAM.folder, RETAINED, STREAM.name, old - 1)
    with pytest.raises(UnfitError, match=f"begins with record {old}, and no retention has removed those before it"):
        opened(tmp_path)
    write_marker(tmp_path / STREAM.folder, RETAINED, STREAM.name, old)
    lines += write(tmp_path, 700, 10, unix=NOON + 86_400)
    log = opened(tmp_path)
    assert (log.size, log.covered) == (710, 700)
    assert log.root(710) == MemoryTree.of_records(lines).root()
    octets = KEYS.sign(log)
    verify_consistency(700, log.root(700), 710, log.root(710), log.proof(700))
    log.publish(octets, log.judge(octets))
    assert own_frontier(tmp_path, STREAM, 710).root() == log.root(710)
    for start in range(old, 700, 9):
        assert log.entries(start, 10) == lines[start : start + 10]
    with pytest.raises(RemovedError, match=f"the records before {old} were removed"):
        log.entries(old - 1, 2)
    log.close()


def test_a_smaller_checkpoint_than_was_prepared_has_its_tiles(tmp_path: Path) -> None:
    """As where this host could not have its own cosigned, and takes over another's."""
    write(tmp_path / "a", 0, 580)
    theirs = published(tmp_path / "a", KEYS)
    assert theirs.published is not None
    write(tmp_path / "b", 0, 600)
    ours = opened(tmp_path / "b")
    ours.prepare()
    ours.publish(theirs.published, ours.judge(theirs.published))
    ours.close()
    folder = tmp_path / "b" / STREAM.folder
    assert TileReader(580, folder_source(folder)).root() == ours.judge(theirs.published).checkpoint.root
    for tile in tiles_of(580):
        assert len((folder / tile.path).read_bytes()) == 32 * tile.width


def test_a_checkpoint_of_another_tree_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", 0, 10)
    write(tmp_path / "b", 0, 10, text="ACF")
    theirs = published(tmp_path / "a", KEYS)
    ours = opened(tmp_path / "b")
    assert theirs.judged is not None
    with pytest.raises(UnfitError, match=r"are not those of the checkpoint of council\.example/h323_ras"):
        ours.check(theirs.judged.checkpoint)
    ours.close()


def test_a_checkpoint_without_the_quorum_covers_nothing(tmp_path: Path) -> None:
    """As when another cosigner has come into the policy: the records must fit it, and it is cosigned anew."""
    write(tmp_path, 0, 10)
    log = opened(tmp_path)
    octets = KEYS.sign(log, cosigned=False)
    log.publish(octets, log.judge(octets))
    log.close()
    again = opened(tmp_path)
    assert (again.covered, again.promised, again.size) == (0, 10, 10)
    again.close()


def test_the_policy_names_each_stream_once() -> None:
    text = KEYS.policy_text()
    without = parse_policy("".join(text.splitlines(keepends=True)[1:]).encode())
    with pytest.raises(PolicyError, match="0 log keys whose names end with /h323_ras"):
        StreamLog(Path("/"), STREAM, without)


def test_records_name_who_wrote_them(tmp_path: Path) -> None:
    write(tmp_path, 0, 3)
    write(tmp_path, 3, 1, node="gk2")
    log = opened(tmp_path)
    assert log.newest_node == "gk2"
    assert json.loads(day_file(tmp_path).read_bytes().splitlines()[-1])["node"] == "gk2"
    log.close()
