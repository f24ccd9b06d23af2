"""A clock that is stepped, and one that is put right slowly."""

from __future__ import annotations

import pytest
from gatekeeper.failover.wall_clock import FORGET, WallClock

UNIX = 1_795_520_000.0


@pytest.mark.parametrize("step", [3600.0, -3600.0, 1.5, -1.5])
def test_a_step_is_trouble_until_it_is_taken_back(step: float) -> None:
    clock = WallClock()
    assert clock.look(100.0, UNIX) is None
    told = clock.look(100.05, UNIX + 0.05 + step)
    assert told is not None
    assert f"{step:+.0f} s" in told
    assert clock.look(105.0, UNIX + 5 + step) is not None
    assert clock.look(106.0, UNIX + 6) is None


def test_a_step_that_nobody_takes_back_was_right_in_the_end() -> None:
    clock = WallClock()
    assert clock.look(100.0, UNIX) is None
    assert clock.look(101.0, UNIX + 3601) is not None
    assert clock.look(101.0 + FORGET, UNIX + 3601 + FORGET) is not None
    assert clock.look(101.1 + FORGET, UNIX + 3601.1 + FORGET) is None
    # And from then on it is a step to go back.
    assert clock.look(102.0 + FORGET, UNIX + 2 + FORGET) is not None


def test_a_clock_that_is_put_right_slowly_is_no_trouble() -> None:
    clock = WallClock()
    # chrony at its fastest: 0.1 s in a second, for a minute.
    assert [clock.look(100.0 + second, UNIX + 1.1 * second) for second in range(60)] == [None] * 60
