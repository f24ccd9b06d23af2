"""Enrolling: the gatekeeper's strict reader takes the result, and what is there is never changed."""

from __future__ import annotations

import stat
from datetime import datetime, timezone
from pathlib import Path

import pytest
from gatekeeper.registry import Registry, load_registry
from terminal.enrolment import enrol
from terminal.errors import TerminalError
from terminal.keys import create_private_key, load_private_key

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


class Council:
    """A folder to enrol in."""

    def __init__(self, folder: Path) -> None:
        self.keys = folder / "keys"
        self.registry = folder / "guardian-registry.yaml"

    def enrol(self, guardians: int = 3, suspended: int = 1) -> tuple[int, int]:
        done = enrol(guardians, suspended, self.keys, self.registry, NOW)
        return len(done.added), len(done.present)

    def load(self) -> Registry:
        return load_registry(self.registry)


@pytest.fixture
def council(tmp_path: Path) -> Council:
    return Council(tmp_path)


def test_the_gatekeeper_reads_what_was_enrolled(council: Council) -> None:
    assert council.enrol(25) == (26, 0)
    registry = council.load()
    assert [one.status for one in registry.guardians] == ["active"] * 25 + ["suspended"]
    first = registry.by_alias("1001")
    assert first is registry.by_terminal_id("if://guardian/guardian-01")
    assert first is not None
    key = load_private_key(council.keys / "guardian-01.pem").public_key()
    assert first.keys[0].public_key.public_bytes_raw() == key.public_bytes_raw()
    assert first.usable_keys(NOW.timestamp() - 60), "a host whose clock is a minute behind accepts the key"
    assert registry.by_alias("1901") is registry.by_terminal_id("if://guardian/suspended-01")


def test_keys_and_their_folder_are_closed_to_others(council: Council) -> None:
    council.enrol()
    assert stat.S_IMODE(council.keys.stat().st_mode) == 0o700
    assert {stat.S_IMODE(key.stat().st_mode) for key in council.keys.iterdir()} == {0o600}


def test_again_changes_nothing(council: Council) -> None:
    council.enrol()
    before = (council.registry.read_bytes(), council.registry.stat().st_ino)
    assert council.enrol() == (0, 4)
    assert (council.registry.read_bytes(), council.registry.stat().st_ino) == before


def test_a_larger_number_appends_and_keeps_what_an_operator_changed(council: Council) -> None:
    council.enrol(2, 0)
    edited = council.registry.read_text().replace("role: guardian", "role: chair  # elected", 1)
    council.registry.write_text(edited)
    assert council.enrol(4, 1) == (3, 2)
    assert council.registry.read_text().startswith(edited)
    names = [one.terminal_id.rpartition("/")[2] for one in council.load().guardians]
    assert names == ["guardian-01", "guardian-02", "guardian-03", "guardian-04", "suspended-01"]


def test_a_smaller_number_removes_nobody(council: Council) -> None:
    council.enrol(4, 1)
    assert council.enrol(2, 0) == (0, 2)
    assert len(council.load().guardians) == 5


def test_a_registry_by_somebody_else_is_left_alone(council: Council) -> None:
    council.registry.write_text("version: 1\nguardians: []\n")
    with pytest.raises(TerminalError, match="was not written by enrol and is left alone"):
        council.enrol()
    assert council.registry.read_text() == "version: 1\nguardians: []\n"
    assert not council.keys.exists()


def test_keys_of_an_interrupted_enrolment_are_used(council: Council) -> None:
    council.keys.mkdir(mode=0o700)
    key = create_private_key(council.keys / "guardian-01.pem").public_key()
    council.enrol()
    assert council.load().guardians[0].keys[0].public_key.public_bytes_raw() == key.public_bytes_raw()


def test_a_lost_key_is_not_replaced_behind_the_registrys_back(council: Council) -> None:
    council.enrol()
    (council.keys / "guardian-02.pem").unlink()
    with pytest.raises(TerminalError, match=r"guardian-02\.pem is missing although"):
        council.enrol()


def test_another_key_under_the_name_is_noticed(council: Council) -> None:
    council.enrol()
    (council.keys / "guardian-02.pem").unlink()
    create_private_key(council.keys / "guardian-02.pem")
    with pytest.raises(TerminalError, match=r"guardian-02\.pem is not the key that the registry has"):
        council.enrol()


def test_something_behind_the_list_of_guardians_is_noticed(council: Council) -> None:
    council.enrol(1, 0)
    text = council.registry.read_text()
    moved = text.replace("version: 1\n", "", 1) + "version: 1\n"
    council.registry.write_text(moved)
    with pytest.raises(TerminalError):
        council.enrol(2, 0)
    assert council.registry.read_text() == moved


@pytest.mark.parametrize(("guardians", "suspended"), [(0, 0), (801, 0), (1, -1), (1, 100)])
def test_numbers_out_of_range_are_refused(council: Council, guardians: int, suspended: int) -> None:
    with pytest.raises(TerminalError, match="write --guardians 1 to 800"):
        council.enrol(guardians, suspended)
