"""Should this node have the virtual address? One pure function of what is known (docs/decisions/0011-fitness.md)."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.failover.sign_of_life import PeerSign

ELECTION = 3.0
"""Seconds without an answer of the store that are an election of etcd (a second at most), and no reason to act."""
ALONE = 2.0
"""More seconds after which a node without the virtual address looks whether anybody has it."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What one node knows at one moment. Seconds are of the monotonic clock."""

    now: float
    started: float
    """When the service began to look."""
    answered: float | None
    """When the store answered last; None before the first time."""
    store_trouble: str
    """What it said instead, or didn't."""
    log_trouble: str | None
    """The log on disk is not what it should be: to write on would endanger it."""
    disk_trouble: str | None
    """The disk is full or can't be written: what is to be logged waits in the store meanwhile."""
    holds_address: bool
    peer: PeerSign | None
    """What the other gatekeeper says of itself; None without a sign of life."""
    nobody_holds_address: bool
    """By the neighbour table: nobody on the network answers for the virtual address."""
    was_caretaker: bool
    clock_trouble: str | None = None
    """This host's clock is wrong by two others, so that guardians are refused for their timestamps."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """The verdict."""

    trouble: str | None
    """What is wrong, in plain words, whether the node gives up the address for it or not."""
    well: bool
    """Whether it should have the virtual address if it can get it."""
    caretaker: bool = False
    """Whether it is to say, at the virtual address, that nobody can decide."""


def judge(situation: Situation) -> Fitness:
    """What follows from the situation."""
    missing = missing_for(situation)
    if missing > ELECTION:
        return _without_quorum(situation, missing)
    if situation.answered is None:
        return Fitness("the store has not answered yet", well=False)
    if situation.log_trouble is not None:
        return Fitness(situation.log_trouble, well=False)
    hindered = situation.disk_trouble or situation.clock_trouble
    if hindered is not None:
        # A bad node is better than none.
        return Fitness(hindered, well=not peer_can_serve(situation.peer))
    return Fitness(None, well=True)


def missing_for(situation: Situation) -> float:
    """Seconds since the last proof that the store has its quorum."""
    return situation.now - (situation.started if situation.answered is None else situation.answered)


def peer_can_serve(peer: PeerSign | None) -> bool:
    """Whether the other one is known to be fit."""
    return peer is not None and peer.fit and peer.has_quorum


def asks_for_holder(situation: Situation) -> bool:
    """Whether it is time to look who has the virtual address: nobody has a quorum or a sign of life to give."""
    alone = situation.peer is None and not situation.holds_address
    return alone and missing_for(situation) > ELECTION + ALONE


def _without_quorum(situation: Situation, missing: float) -> Fitness:
    trouble = (
        f"no quorum: the store has not answered for {missing:.0f} s, so two of three etcd members are gone or can't be"
        f" reached; see docs/runbook.md#quorum-lost ({situation.store_trouble})"
    )
    if situation.log_trouble is not None:
        return Fitness(trouble, well=False)
    if situation.peer is not None:
        # With a quorum there, this node is cut off: clients that see both must not be drawn to it.
        nobody_decides = not situation.peer.has_quorum
        return Fitness(trouble, well=nobody_decides, caretaker=nobody_decides and situation.holds_address)
    if situation.was_caretaker and situation.holds_address:
        return Fitness(trouble, well=True, caretaker=True)
    # Whoever holds it gives it up: the other one may have a quorum. Then it looks whether anybody does.
    nobody = asks_for_holder(situation) and situation.nobody_holds_address
    return Fitness(trouble, well=nobody, caretaker=nobody)
