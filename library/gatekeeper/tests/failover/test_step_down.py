"""The planned switch, in time of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.step_down import (
    ACCEPT,
    CATCH_UP,
    MOVES,
    TAKE_OVER,
    Clock,
    Duty,
    StepDownError,
    Switch,
    step_down,
)

OWN = PeerSign("gk1", "primary", 7, True, True, None, True, {"h323_ras": 12, "failover": 3})
PEER = PeerSign("gk2", "secondary", 7, False, True, None, True, {"h323_ras": 12, "failover": 3})


class Node:
    """A node whose other one does as the test says, and what was asked of it, with times."""

    def __init__(self) -> None:
        self.now = 100.0
        self.own = OWN
        self.peer: PeerSign | None = PEER
        self.commits_under_way = 0
        self.has_address = self.keepalived_runs = True
        self.answers_invitations = True
        """Whether the other one takes office when it is asked."""
        self.done: list[str] = []
        self.later: list[tuple[float, Callable[[], None]]] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        for due in [one for one in self.later if one[0] <= self.now]:
            self.later.remove(due)
            due[1]()

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        self.later.append((self.now + seconds, what))

    def pause(self) -> None:
        self.done.append("pause")

    def resume(self) -> None:
        self.done.append("resume")

    def invite(self, node: str, why: str) -> bool:
        if not self.has_address:
            return False
        self.done.append(f"invite {node}: {why}")
        if self.answers_invitations:
            self.after(0.02, self.take_over)
        return True

    def go_on(self) -> None:
        self.done.append("go on")

    def leave(self, why: str) -> None:
        self.done.append(f"leave: {why}")
        self.after(0.006, self.lose_address)

    def lose_address(self) -> None:
        self.has_address = self.has_address and not self.keepalived_runs

    def come_back(self) -> None:
        self.had_address_when_it_came_back = self.has_address
        self.done.append("come back")

    def take_over(self) -> None:
        self.peer = replace(PEER, active=True, epoch=8)

    def step_down(self, *, force: bool = False) -> Switch:
        duty = Duty(
            own=lambda: self.own,
            peer=lambda: self.peer,
            invite=self.invite,
            go_on=self.go_on,
            holds_address=lambda: self.has_address,
            commits_under_way=lambda: self.commits_under_way,
            pause=self.pause,
            resume=self.resume,
            leave=self.leave,
            come_back=self.come_back,
        )
        return asyncio.run(step_down(duty, "maintenance", Clock(lambda: self.now, self.sleep), force=force))


@pytest.fixture
def node() -> Node:
    return Node()


def test_the_other_one_is_in_office_before_anything_is_let_go_of(node: Node) -> None:
    node.commits_under_way = 3
    node.after(0.019, lambda: node.done.append("takes office"))
    switch = node.step_down()
    assert (switch.to, switch.epoch) == ("gk2", 8)
    assert switch.seconds == pytest.approx(0.01, abs=0.005), "the address has left"
    assert node.done == ["invite gk2: maintenance", "takes office", "leave: maintenance", "come back"]
    assert not node.had_address_when_it_came_back, "keepalived would not have noticed"


def test_that_the_store_takes_nothing_more_is_a_sign_of_the_successor_too(node: Node) -> None:
    node.answers_invitations = False
    node.after(0.02, lambda: setattr(node, "own", replace(OWN, active=False)))
    node.after(0.05, node.take_over)
    node.step_down()
    assert node.done == ["invite gk2: maintenance", "leave: maintenance", "come back"]


@pytest.fixture
def without_address() -> Node:
    """Two gatekeepers of one machine."""
    node = Node()
    node.has_address = False
    return node


@pytest.mark.parametrize("address", [True, False])
def test_office_is_handed_over_to_one_that_cannot_be_asked_too(node: Node, address: bool) -> None:
    node.has_address, node.answers_invitations = address, False
    node.after((ACCEPT if address else 0.0) + 0.02, node.take_over)
    switch = node.step_down()
    assert (switch.to, switch.epoch) == ("gk2", 8)
    assert switch.seconds == pytest.approx(0.02, abs=0.006)
    assert node.done[-3:] == ["pause", "leave: maintenance", "come back"]
    assert node.done[:-3] == (["invite gk2: maintenance", "go on"] if address else [])


def test_what_is_under_way_is_finished_first(without_address: Node) -> None:
    node = without_address
    node.commits_under_way = 3
    node.after(0.004, lambda: setattr(node, "commits_under_way", 0))
    node.after(0.03, node.take_over)
    node.step_down()
    assert node.done == ["pause", "leave: maintenance", "come back"]


def test_a_store_that_hangs_ends_the_attempt_and_requests_are_taken_again(without_address: Node) -> None:
    node = without_address
    node.commits_under_way = 1
    with pytest.raises(StepDownError, match="not finished within"):
        node.step_down()
    assert node.done == ["pause", "resume"]


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        (None, "no sign of life"),
        (replace(PEER, fit=False, trouble="the disk is full"), "gk2 is not fit: the disk is full"),
        (replace(PEER, fit=False), "gk2 is not fit: it lets go of office"),
        (replace(PEER, active=True, successor="gk1"), "gk2 hands over office at this moment"),
        (replace(PEER, has_quorum=False), "no answer of its store"),
        (replace(PEER, witness_records={"h323_ras": 10}), "h323_ras lacks 2 records"),
    ],
)
def test_it_is_refused_unless_the_other_one_is_ready_but_for_force(node: Node, peer: PeerSign | None, why: str) -> None:
    node.peer = peer
    with pytest.raises(StepDownError, match=why):
        node.step_down()
    assert node.done == []
    node.after(0.02, node.take_over)
    assert node.step_down(force=True).to == "gk2"
    assert node.done[0] == "pause", "nobody is asked who may not be able to do it"


def test_the_other_one_has_a_moment_to_catch_up(node: Node) -> None:
    node.peer = replace(PEER, witness_records={"h323_ras": 11, "failover": 3})
    node.after(CATCH_UP / 2, lambda: setattr(node, "peer", PEER))
    node.step_down()
    assert node.now > 100.0 + CATCH_UP / 2


def test_only_the_active_one_steps_down_whatever_the_force(node: Node) -> None:
    node.own = replace(OWN, active=False)
    with pytest.raises(StepDownError, match="not active"):
        node.step_down(force=True)
    assert node.done == []


def test_if_nobody_takes_over_office_is_taken_back(without_address: Node) -> None:
    node = without_address
    began = node.now
    with pytest.raises(StepDownError, match="did not take over within 2 s"):
        node.step_down()
    assert node.done == ["pause", "leave: maintenance", "come back"]
    assert node.now - began == pytest.approx(TAKE_OVER, abs=0.02)


def test_an_address_that_nobody_takes_is_told(node: Node) -> None:
    node.after(0.15, lambda: setattr(node, "has_address", True))
    with pytest.raises(StepDownError, match="came back to this gatekeeper: gk2 did not take it"):
        node.step_down()
    assert node.done[-1] == "come back"


def test_an_address_that_stays_is_told(node: Node) -> None:
    node.keepalived_runs = False
    began = node.now
    with pytest.raises(StepDownError, match=r"did not leave this gatekeeper within 1 s; .* look at keepalived"):
        node.step_down()
    assert node.now - began == pytest.approx(0.02 + MOVES, abs=0.02), "nobody is answered meanwhile"
    assert node.done[-1] == "come back"


def test_an_old_epoch_in_office_is_not_the_successor(without_address: Node) -> None:
    node = without_address
    node.peer = replace(PEER, active=True)
    with pytest.raises(StepDownError, match="did not take over"):
        node.step_down()
