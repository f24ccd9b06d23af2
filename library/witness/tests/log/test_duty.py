"""Who signs, and when: told by the times alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness.log.duty import FOLLOW_EVERY, LOOK_EVERY, RETRY_AFTER, SIGN_EVERY, STAND_IN_AFTER, Duty, Uncovered


def duty(*, signs: bool = True, alone: bool = False, size: int = 5) -> Duty:
    made = Duty("gk1", signs=signs, alone=alone)
    made.uncovered.grown(size, 100.0)
    return made


def test_the_one_in_office_signs_at_once() -> None:
    assert duty().turn("gk1", 100.0)


@pytest.mark.parametrize("newest", ["gk2", None])
def test_another_one_waits_until_it_is_needed(newest: str | None) -> None:
    standing_by = duty()
    assert not standing_by.turn(newest, 100.0 + STAND_IN_AFTER - 0.01)
    assert standing_by.turn(newest, 100.0 + STAND_IN_AFTER)
    standing_by.uncovered.cover(5)
    assert not standing_by.turn(newest, 200.0)


def test_a_single_host_signs_whoever_wrote_it() -> None:
    assert duty(alone=True).turn("gk2", 100.0)


def test_without_a_key_nobody_signs() -> None:
    assert not duty(signs=False, alone=True).turn("gk1", 1_000.0)


def test_without_records_there_is_nothing_to_sign() -> None:
    assert not duty(size=0).turn("gk1", 1_000.0)


def test_it_is_signed_each_second_and_tried_again_a_little_later() -> None:
    one = duty()
    assert one.may_sign(100.0)
    one.signed(100.0, well=True)
    assert not one.may_sign(100.0 + SIGN_EVERY - 0.01)
    assert one.may_sign(100.0 + SIGN_EVERY)
    one.signed(101.0, well=False)
    assert not one.may_sign(101.0 + RETRY_AFTER - 0.01)
    assert one.may_sign(101.0 + RETRY_AFTER)
    assert SIGN_EVERY < 1.0


def test_peers_are_asked_more_often_while_something_is_uncovered() -> None:
    one = duty()
    one.looked(100.0, eager=False)
    assert one.may_look(100.0 + FOLLOW_EVERY)
    one.uncovered.cover(5)
    one.looked(200.0, eager=False)
    assert not one.may_look(200.0 + LOOK_EVERY - 0.01)
    assert one.may_look(200.0 + LOOK_EVERY)
    one.looked(300.0, eager=True)
    assert one.may_look(300.0 + FOLLOW_EVERY)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=40))
def test_the_age_is_that_of_the_oldest_record_that_no_checkpoint_covers(steps: list[tuple[bool, int]]) -> None:
    uncovered = Uncovered()
    came: list[float] = []
    covered = 0
    now = 0.0
    for grows, count in steps:
        now += 1.0
        if grows:
            came += [now] * count
            uncovered.grown(len(came), now)
        else:
            covered = min(len(came), covered + count)
            uncovered.cover(covered)
        assert bool(uncovered) == (covered < len(came))
        assert uncovered.age(now + 0.5) == (now + 0.5 - came[covered] if covered < len(came) else 0.0)
