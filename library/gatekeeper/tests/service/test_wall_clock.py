"""Whose clock is wrong: the odd one out of three, and nobody's where that can't be told."""

from __future__ import annotations

import pytest
from gatekeeper.failover.wall_clock import (
    DOUBT,
    PEER_COUNTS,
    THIRD_COUNTS,
    TOLERANCE,
    Opinion,
    Verdict,
    WallClock,
    judge_clocks,
)
from hypothesis import given
from hypothesis import strategies as st

UNIX = 1_795_520_000.0
NOW = 100.0
OFFSET = UNIX - NOW
SECONDS = st.floats(-1e6, 1e6)


def opinion(name: str, ahead: float, age: float = 0.0) -> Opinion:
    return Opinion(name, OFFSET + ahead, NOW - age)


def verdict(own: float, peer: float | None, third: float | None) -> Verdict:
    """Of clocks that are so many seconds ahead."""
    return judge_clocks(
        OFFSET + own,
        None if peer is None else opinion("gk2", peer),
        None if third is None else opinion("wit1", third),
        NOW,
    )


@pytest.mark.parametrize("step", [3_600.0, -3_600.0, 2.5, -2.5])
def test_the_odd_one_is_wrong(step: float) -> None:
    assert verdict(step, 0.0, 0.3) is Verdict.OWN
    assert verdict(0.0, step, 0.3 if step < 0 else -0.3) is Verdict.PEER
    # Both gatekeepers agree: it is the witness's that is wrong, which decides nothing.
    assert verdict(0.0, 0.5, step) is Verdict.NOBODY


def test_where_there_is_no_majority_nobody_is_wrong() -> None:
    assert verdict(3_600.0, 0.0, None) is Verdict.UNKNOWN
    assert verdict(3_600.0, 0.0, -3_600.0) is Verdict.UNKNOWN
    # In between, and as near to the one as to the other.
    assert verdict(3.0, 0.0, 1.5) is Verdict.UNKNOWN


def test_without_the_other_gatekeeper_nobody_is_judged() -> None:
    assert verdict(3_600.0, None, None) is Verdict.NOBODY
    assert verdict(3_600.0, None, 3_600.0) is Verdict.NOBODY
    assert verdict(3_600.0, None, 0.0) is Verdict.UNKNOWN


def test_what_was_told_long_ago_does_not_count() -> None:
    own = OFFSET + 3_600.0
    peer, third = opinion("gk2", 0.0, PEER_COUNTS), opinion("wit1", 0.0, THIRD_COUNTS)
    assert judge_clocks(own, peer, third, NOW) is Verdict.OWN
    assert judge_clocks(own, opinion("gk2", 0.0, PEER_COUNTS + 0.1), third, NOW) is Verdict.UNKNOWN
    assert judge_clocks(own, peer, opinion("wit1", 0.0, THIRD_COUNTS + 0.1), NOW) is Verdict.UNKNOWN


@given(SECONDS, SECONDS, SECONDS)
def test_two_nodes_never_both_give_up_and_who_gives_up_is_blamed_by_the_other(
    first: float, second: float, third: float
) -> None:
    one, other = verdict(first, second, third), verdict(second, first, third)
    assert {Verdict.OWN: Verdict.PEER, Verdict.PEER: Verdict.OWN}.get(one, one) is other
    if one is Verdict.OWN:
        assert abs(first - second) > TOLERANCE
        assert abs(second - third) <= TOLERANCE


@pytest.mark.parametrize("step", [3_600.0, -3_600.0, 1.5, -1.5])
def test_a_step_is_news_for_a_moment(step: float) -> None:
    clock = WallClock()
    assert not clock.look(NOW, UNIX)
    assert not clock.look(NOW + 1, UNIX + 1)
    assert clock.look(NOW + 1.01, UNIX + 1.01 + step)
    assert clock.look(NOW + 1.01 + DOUBT, UNIX + 1.01 + DOUBT + step)
    assert not clock.look(NOW + 1.1 + DOUBT, UNIX + 1.1 + DOUBT + step)
    assert clock.look(NOW + 2, UNIX + 2)


def test_a_clock_that_is_put_right_slowly_is_no_step() -> None:
    clock = WallClock()
    # chrony at its fastest: 0.1 s in a second, for a minute.
    assert [clock.look(NOW + second, UNIX + 1.1 * second) for second in range(60)] == [False] * 60


def test_what_is_wrong_is_said_in_plain_words() -> None:
    clock = WallClock()
    assert clock.compare(opinion("gk2", 0.0), NOW).sentence is None
    clock.look(NOW, UNIX + 3_600.0)
    clock.third = opinion("wit1", 0.0)
    advice = "see docs/runbook.md#clock-wrong"
    own = clock.compare(opinion("gk2", 0.0), NOW)
    assert own.ahead == 3_600.0
    assert own.trouble == own.sentence
    assert own.sentence == (f"clock: this host's is wrong, 3600 s ahead of gk2's and 3600 s ahead of wit1's; {advice}")
    clock.third = opinion("wit1", 3_600.0)
    peer = clock.compare(opinion("gk2", 0.0), NOW)
    assert peer.trouble is None
    assert peer.sentence == (
        f"clock: gk2's is wrong, this host's is 3600 s ahead of gk2's and the same as wit1's; {advice}"
    )
    clock.third = None
    unknown = clock.compare(opinion("gk2", 7_200.0), NOW)
    assert unknown.trouble is None
    assert unknown.sentence == (
        f"clock: this host's is 3600 s behind gk2's, and whose is wrong can't be told; {advice}"
    )
