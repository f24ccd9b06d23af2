"""At most one epoch admits, and what is acknowledged is durable: docs/fencing-model.md."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .alphabets import ALPHABETS, ANYTHING
from .explorer import breaks, explore, wander
from .mutants import MUTANTS
from .world import surroundings, world

DEPTHS = {
    "everything": 1,
    "seats": 2,
    "commits": 2,
    "leases": 3,
    "takeovers": 2,
    "invitations": 2,
    "followers": 2,
    "thaws": 3,
    "caretakers": 2,
}
"""`make model` goes further."""


@pytest.fixture(autouse=True)
def _surroundings() -> Iterator[None]:
    with surroundings():
        yield


@pytest.mark.parametrize("name", DEPTHS)
def test_no_short_run_breaks_a_rule(name: str) -> None:
    report = explore(ALPHABETS[name], DEPTHS[name])
    assert report.found is None, report.found
    # It was no search if hardly anything was different from what was before.
    assert report.states > 20


@pytest.mark.parametrize("seed", [1, 2])
def test_no_long_run_breaks_a_rule(seed: int) -> None:
    report = wander(ANYTHING, runs=10, length=60, seed=seed)
    assert report.found is None, report.found


@pytest.mark.parametrize(
    "run",
    [
        # A takeover whose answer came after another's records had reached this node's log: the service ended.
        "wait:0.05 wait:2.5 go@0 hold@1 wait:0.4 come@1 wait:1.1 come-untold@0 release@1 crash@0 restart@0 wait:1.1",
        # A clock an hour ahead: the answers kept for retransmissions were forgotten, and a request was decided again.
        "step:3600@1 come@1 wait:0.4 mend@0",
    ],
)
def test_a_run_that_once_broke_a_rule_breaks_none(run: str) -> None:
    assert breaks(tuple(run.split())) is None


@pytest.mark.parametrize("name", MUTANTS)
def test_a_service_with_this_mistake_is_found_out(name: str) -> None:
    mutant = MUTANTS[name]
    with mutant.mistake():
        report = explore(ALPHABETS[mutant.alphabet], 3)
    assert report.found is not None
    # The same run says nothing against the service without the mistake.
    assert mutant.symptom in report.found.what
    assert breaks(report.found.run) is None


def test_a_caretaker_refuses_what_is_new_and_nothing_else() -> None:
    run = ("come@1", "admit:alice@1", "wait:2.5", "wait:1.1", "admit:alice@1", "admit:bob@1")
    with world((*ALPHABETS["caretakers"].before, *run)) as made:
        assert made.judge.refused == {made.requests["admit:bob"].digest}
        assert set(made.judge.answers[made.requests["admit:alice"].digest]) == {"RIP"}


def test_the_same_run_leads_to_the_same_world() -> None:
    run = ("hold@0", "admit:alice@0", "wait:0.4", "come@1", "answer:0@0", "admit:bob@1", "wait:1.1")
    with world(run) as first, world(run) as second:
        assert first.fingerprint() == second.fingerprint()
        assert first.description == second.description
