"""Of two holders of the virtual address the one with the newer term keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest
from gatekeeper.failover.vrrp_priority import HIGHEST, VrrpPriority, priority_bonus
from hypothesis import given
from hypothesis import strategies as st

PRIMARY, SECONDARY = 201, 200
EPOCHS = st.integers(0, 10_000)


@given(EPOCHS, st.booleans(), st.booleans())
def test_vrrp_has_such_a_priority(epoch: int, in_office: bool, primary: bool) -> None:
    assert 1 <= (PRIMARY if primary else SECONDARY) + priority_bonus(epoch, in_office=in_office) <= 254
    assert priority_bonus(epoch, in_office=in_office) <= HIGHEST


@pytest.mark.parametrize(("new", "old"), [(PRIMARY, SECONDARY), (SECONDARY, PRIMARY)])
@given(EPOCHS, st.booleans())
def test_a_host_that_thaws_gives_way_to_who_is_in_office_since(new: int, old: int, epoch: int, in_office: bool) -> None:
    thawed = old + priority_bonus(epoch, in_office=in_office)
    holder = new + priority_bonus(epoch + 1, in_office=True)
    # Once in 25 terms the count begins anew.
    assert holder > thawed or (epoch + 1) % 25 == 0


@given(EPOCHS)
def test_after_a_cut_who_is_in_office_keeps_the_address(epoch: int) -> None:
    assert SECONDARY + priority_bonus(epoch, in_office=True) > PRIMARY + priority_bonus(epoch, in_office=False)


@given(EPOCHS)
def test_where_nobody_is_in_office_the_primary_is_first(epoch: int) -> None:
    assert PRIMARY + priority_bonus(epoch, in_office=False) > SECONDARY + priority_bonus(epoch, in_office=False)


def test_the_file_is_written_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "priority"
    priority = VrrpPriority(path)
    priority.tell(7, in_office=False)
    assert path.read_text() == "14\n"
    path.unlink()
    priority.tell(7, in_office=False)
    assert not path.exists()
    priority.tell(7, in_office=True)
    assert path.read_text() == "16\n"


def test_a_file_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "priority"
    priority = VrrpPriority(path)
    priority.tell(1, in_office=True)
    path.parent.mkdir()
    priority.tell(1, in_office=True)
    assert path.read_text() == "4\n"


def test_without_a_file_nobody_is_told() -> None:
    VrrpPriority(None).tell(1, in_office=True)
