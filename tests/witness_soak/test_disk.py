"""The forgetful disk itself: it must forget what real ones can, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.witness_soak.disk import BLOCK, Recorder, crash_states


def states_of(root: Path, act: Callable[[Path], None], limit: int = 5000) -> list[dict[str, bytes | None]]:
    recorder = Recorder(root)
    with recorder.recording():
        act(root)
    # What was recorded is what is there.
    for path, octets in recorder.disk.paths():
        assert (root / path).is_dir() if octets is None else (root / path).read_bytes() == octets
    assert len(list(recorder.disk.paths())) == len(list(root.rglob("*")))
    return [dict(disk.paths()) for disk in crash_states(recorder, len(recorder.operations), limit)]


def write(path: Path, octets: bytes, *, sync: bool = True, flags: int = os.O_APPEND) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flags)
    os.write(descriptor, octets)
    if sync:
        os.fsync(descriptor)
    os.close(descriptor)


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def test_a_file_without_its_name_is_none(tmp_path: Path) -> None:
    assert states_of(tmp_path, lambda root: write(root / "a", b"12")) == [{}, {"a": b"12"}]


def test_a_name_without_its_octets(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        write(root / "a", b"1234", sync=False)
        sync_folder(root)

    assert {state["a"] for state in states_of(tmp_path, act)} == {b"", b"1", b"12", b"123", b"1234"}


def test_what_is_synced_stays(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        write(root / "a", b"12")
        sync_folder(root)

    assert states_of(tmp_path, act) == [{"a": b"12"}]


def test_of_two_appends_the_second_may_be_left_alone(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        write(root / "a", b"12")
        sync_folder(root)
        write(root / "a", b"3", sync=False)
        write(root / "a", b"4", sync=False)

    assert {state["a"] for state in states_of(tmp_path, act)} == {b"12", b"123", b"12\x004", b"1234"}


def test_a_long_write_may_have_holes(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        write(root / "a", b"x" * (2 * BLOCK + 1), sync=False)
        sync_folder(root)

    found = {state["a"] for state in states_of(tmp_path, act)}
    assert bytes(BLOCK) + b"x" * (BLOCK + 1) in found
    assert b"x" * BLOCK + bytes(BLOCK) + b"x" in found


def test_a_rename_is_one_step(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        write(root / "a", b"old")
        sync_folder(root)
        write(root / ".a", b"new")
        (root / ".a").rename(root / "a")

    found = states_of(tmp_path, act)
    assert {state["a"] for state in found} == {b"old", b"new"}
    assert {".a": b"new", "a": b"old"} in found
    assert {"a": b"new"} in found
    # Without the sync of what was written, the new name would be of an empty file.
    assert all(state["a"] for state in found)


def test_a_rename_before_the_sync_is_the_usual_mistake(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        write(root / "a", b"old")
        sync_folder(root)
        write(root / ".a", b"new", sync=False)
        (root / ".a").replace(root / "a")
        sync_folder(root)

    assert {"a": b""} in states_of(tmp_path, act)


def test_a_lost_folder_takes_along_what_is_in_it(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        (root / "b").mkdir()
        write(root / "b" / "a", b"1")
        sync_folder(root / "b")

    assert states_of(tmp_path, act) == [{}, {"b": None, "b/a": b"1"}]


def test_what_was_removed_may_come_back(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        write(root / "a", b"1")
        sync_folder(root)
        (root / "a").unlink()

    assert states_of(tmp_path, act) == [{"a": b"1"}, {}]


def test_file_objects_are_watched_too(tmp_path: Path) -> None:
    def act(root: Path) -> None:
        with (root / "a").open("wb") as file:
            file.write(b"12345")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(root)
        with (root / "a").open("r+b") as file:
            file.truncate(2)
        with (root / "a").open("ab") as file:
            file.write(b"6")

    found = {state["a"] for state in states_of(tmp_path, act)}
    # The truncation, what was appended after it, both, or none.
    assert found == {b"12", b"12645", b"126", b"12345"}


@pytest.mark.parametrize("limit", [1, 50])
def test_few_of_very_many_states(tmp_path: Path, limit: int) -> None:
    def act(root: Path) -> None:
        for number in range(30):
            write(root / f"{number}", b"1")

    states = states_of(tmp_path, act, limit)
    assert len(states) >= 2 + 2 * 30
    assert {} in states
    assert any(len(state) == 30 for state in states)
    assert len([state for state in states if len(state) == 29]) >= 30
