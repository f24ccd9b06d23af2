"""When the primary is given its office back: a function of signs and monotonic time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from gatekeeper.failover.restore import CATCH_UP, Proof, Restoring, hindrance, is_due, prove
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.step_down import Clock, StepDownError
from hypothesis import given
from hypothesis import strategies as st

OWN = PeerSign("gk2", "secondary", 8, True, True, None, True, {"h323_ras": 12, "failover": 3})
PEER = PeerSign("gk1", "primary", 8, False, True, None, True, {"h323_ras": 12, "failover": 3})
BREAKS = [
    None,
    replace(PEER, role="secondary"),
    replace(PEER, fit=False, trouble="disk"),
    replace(PEER, has_quorum=False),
    replace(PEER, release="b"),
]


def run(*steps: tuple[float, PeerSign | None]) -> Proof | None:
    """The proof after the primary said these things at these times."""
    proof = None
    for now, peer in steps:
        proof = prove(proof, now, replace(OWN, release="a"), peer)
    return proof


def times(begin: float, end: float) -> list[tuple[float, PeerSign | None]]:
    """The primary is well, looked at once a second."""
    return [(float(second), PEER) for second in range(int(begin), int(end))]


def test_it_is_due_when_the_primary_was_well_for_so_long() -> None:
    proof = run(*times(0, 60))
    assert not is_due(proof, 59.9, 60.0)
    assert is_due(proof, 60.0, 60.0)


@pytest.mark.parametrize("peer", BREAKS, ids=str)
def test_a_break_begins_anew(peer: PeerSign | None) -> None:
    assert hindrance(replace(OWN, release="a"), peer) is not None
    proof = run(*times(0, 30), (30.0, peer), *times(31, 62))
    assert not is_due(proof, 90.9, 60.0)
    assert is_due(proof, 91.0, 60.0)


def test_whoever_did_not_look_for_some_time_does_not_know() -> None:
    """This node was frozen: what the primary did meanwhile is not known."""
    assert not is_due(run(*times(0, 30), (70.0, PEER)), 70.0, 60.0)


@pytest.mark.parametrize("own", [replace(OWN, active=False), replace(OWN, role="primary")], ids=str)
def test_only_the_secondary_in_office_hands_back(own: PeerSign) -> None:
    assert prove(Proof(0.0), 100.0, own, PEER) is None


def test_a_log_that_lags_by_a_moment_is_no_break_and_one_that_stays_behind_is() -> None:
    proof = prove(None, 0.0, OWN, PEER)
    for second in range(1, 30):
        own = replace(OWN, witness_records={"h323_ras": 12 + 100 * second, "failover": 3})
        behind_by_a_second = replace(PEER, witness_records={"h323_ras": 12 + 100 * (second - 1), "failover": 3})
        proof = prove(proof, float(second), own, behind_by_a_second)
        assert proof is not None
        assert proof.since == 0.0
    stuck = replace(PEER, witness_records={"h323_ras": 12, "failover": 3})
    late = prove(proof, 29.0 + CATCH_UP, own, stuck)
    assert late is not None
    assert prove(late, 29.1 + CATCH_UP, own, stuck) is None


SAID = st.sampled_from([PEER, PEER, PEER, *BREAKS])


@given(st.lists(st.tuples(st.floats(0.0, 5.0), SAID), max_size=40), st.floats(1.0, 20.0))
def test_never_due_before_so_long_a_time_without_a_break(
    steps: list[tuple[float, PeerSign | None]], after: float
) -> None:
    now = last_break = 0.0
    proof = None
    own = replace(OWN, release="a")
    for wait, peer in steps:
        now += wait
        proof = prove(proof, now, own, peer)
        if peer is not PEER:
            last_break = now
        if is_due(proof, now, after):
            assert now - last_break >= after


class Secondary:
    """The secondary in office, an hour of its own time, and what it did."""

    def __init__(self, *, fails: bool = False) -> None:
        self.now = 0.0
        self.fails = fails
        self.handed_over: list[tuple[float, str]] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now > 3_600:
            raise asyncio.CancelledError

    async def hand_over(self, why: str) -> None:
        self.handed_over.append((self.now, why))
        if self.fails:
            raise StepDownError("gk1 did not take over")

    def serve(self) -> None:
        restoring = Restoring(1_800.0, lambda: OWN, lambda: PEER, self.hand_over, Clock(lambda: self.now, self.sleep))
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(restoring.run())


def test_roles_are_restored_once_it_is_due() -> None:
    secondary = Secondary()
    secondary.serve()
    (when, why), *_ = secondary.handed_over
    assert when == 1_800.0
    assert why == "roles restored: gk1 has proved itself for 30 minutes"


def test_a_switch_that_fails_is_not_tried_again_at_once() -> None:
    secondary = Secondary(fails=True)
    secondary.serve()
    assert [when for when, _ in secondary.handed_over] == [1_800.0]
