"""Deadlines compared with a plain dictionary that is searched."""

from __future__ import annotations

import pytest
from gatekeeper.core.deadlines import Deadlines
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("extend"), NAMES, st.integers(0, 60)),
        st.tuples(st.just("cancel"), NAMES, st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.integers(0, 30)),
    ),
    max_size=40,
)


@given(STEPS)
def test_they_pass_when_their_time_has_come(steps: list[tuple[str, str, int]]) -> None:
    deadlines, model, now = Deadlines(), dict[str, float](), 0.0
    for step, name, seconds in steps:
        if step == "extend":
            deadlines.extend(name, now + seconds)
            model[name] = now + seconds
        elif step == "cancel":
            deadlines.cancel(name)
            model.pop(name, None)
        else:
            now += seconds
            assert sorted(deadlines.passed(now)) == sorted(name for name, deadline in model.items() if deadline <= now)
            model = {name: deadline for name, deadline in model.items() if deadline > now}
        assert len(deadlines) == len(model)


@pytest.mark.parametrize("first", [20, 60])
def test_moving_one_to_and_fro_leaves_nothing_behind(first: int) -> None:
    deadlines = Deadlines()
    for number in range(1_000):
        deadlines.extend("a", number + (first if number % 2 else 40))
        deadlines.passed(number)
    assert deadlines.passed(2_000) == ["a"]
    assert (len(deadlines), deadlines._heap) == (0, [])
