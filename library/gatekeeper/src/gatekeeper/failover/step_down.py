"""The planned switch: the active gatekeeper hands its office to the other one, losing nothing that it acknowledged.

Order: the other one is asked to take office, while this one still answers; when it has, the address moves, and then
this node is fit again. Where the other one can't be asked, or doesn't do it (a release that doesn't know how, or no
address that moves), what is under way is finished while new requests wait in the socket, the other one is told, the
address moves, and only when the other one is in office this node is fit again. If it doesn't take over at all, this
node takes office back. docs/decisions/0019-planned-switch.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gatekeeper.failover.sign_of_life import PeerSign

CATCH_UP = 2.0
"""Seconds that the other one has to get the records that this one had when it was asked to step down."""
FINISH = 0.5
"""Seconds that the commits under way may take."""
ACCEPT = 0.5
"""Seconds that the other one has to take office when it is asked."""
TAKE_OVER = 2.0
"""Seconds that the other one has to take office."""
MOVES = 1.0
"""Seconds that the address has to leave a node whose successor is in office: nobody is answered meanwhile."""
COMES_BACK = 0.25
"""Seconds in which the address that nobody else takes is here again: keepalived waits for three adverts."""
_LOOK = 0.005
_LOOK_CLOSELY = 0.001
_FORCE = "to switch nevertheless: --force"


class StepDownError(Exception):
    """The switch was not made; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Duty:
    """What the planned switch asks of the node."""

    own: Callable[[], PeerSign]
    """How this node is now."""
    peer: Callable[[], PeerSign | None]
    """How the other one is; None where it gave no sign of life within the last second."""
    invite: Callable[[str, str], bool]
    """Ask the other one (its name) to take office, saying why, and answer only what needs no commit meanwhile.

    False, and nothing done, where no address moves after that.
    """
    go_on: Callable[[], None]
    """Commit again: it didn't."""
    holds_address: Callable[[], bool]
    """Whether this node has the virtual address."""
    commits_under_way: Callable[[], int]
    """Decisions that are not durable yet."""
    pause: Callable[[], None]
    """Leave new requests in the socket."""
    resume: Callable[[], None]
    """Take them."""
    leave: Callable[[str], None]
    """Tell the other one why, leave office, and let go of the virtual address, at once."""
    come_back: Callable[[], None]
    """Be fit again, for whenever this node is called upon."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds, and how to let some pass."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Switch:
    """A planned switch that was made."""

    to: str
    epoch: int
    """The new one's."""
    seconds: float
    """From the last request that this node took until the other one was in office and the address had left."""


async def step_down(duty: Duty, reason: str, clock: Clock, *, force: bool = False) -> Switch:
    """Hand over.

    Raises:
        StepDownError: it was refused, or the other one did not take over and this node has taken office back.
    """
    own = duty.own()
    if not own.active:
        raise StepDownError("this gatekeeper is not active and has no office to hand over; ask the other one")
    accepted = False
    if not force:
        peer = _ready(duty.peer())
        await _wait_for_records(duty, own.witness_records, clock)
        accepted = duty.invite(peer.node, reason) and await _is_accepted(duty, own.epoch, clock)
    if not accepted:
        await _finish(duty, clock)
    began = clock.now()
    duty.leave(reason)
    try:
        successor = await _wait_for_successor(duty, own.epoch, clock)
    finally:
        duty.come_back()
    switch = Switch(successor.node, successor.epoch, round(clock.now() - began, 3))
    if accepted:
        # It was in office before it had the address; whether that went there is not said by its sign.
        await _see_the_address_stay_away(duty, successor.node, clock)
    return switch


def _ready(peer: PeerSign | None) -> PeerSign:
    if peer is None:
        raise StepDownError(f"the other gatekeeper gave no sign of life within the last second; start it, or {_FORCE}")
    if peer.successor is not None:
        raise StepDownError(f"{peer.node} hands over office at this moment; wait until it has, or {_FORCE}")
    if not peer.fit:
        raise StepDownError(f"{peer.node} is not fit: {peer.trouble or 'it lets go of office'}; mend that, or {_FORCE}")
    if not peer.has_quorum:
        raise StepDownError(f"{peer.node} has no answer of its store; wait for it, or {_FORCE}")
    return peer


def behind(peer: PeerSign | None, sizes: Mapping[str, int]) -> str | None:
    """Which log of the other one has fewer records than these, and by how many; None where none has."""
    if peer is None:
        return "it gives no sign of life"
    missing = {stream: size - peer.witness_records.get(stream, 0) for stream, size in sizes.items()}
    return next((f"{stream} lacks {count} records" for stream, count in missing.items() if count > 0), None)


async def _wait_for_records(duty: Duty, sizes: Mapping[str, int], clock: Clock) -> None:
    until = clock.now() + CATCH_UP
    while (lacking := behind(duty.peer(), sizes)) is not None:
        if clock.now() >= until:
            raise StepDownError(f"the other gatekeeper's witness log is behind: {lacking}; wait, or {_FORCE}")
        await clock.sleep(_LOOK)


async def _is_accepted(duty: Duty, epoch: int, clock: Clock) -> bool:
    """Whether the other one takes office. Its sign says so, or the store, which no longer lets this one commit."""
    until = clock.now() + ACCEPT
    accepted = False
    try:
        while not accepted and clock.now() < until:
            await clock.sleep(_LOOK_CLOSELY)
            accepted = _has_succeeded(duty.peer(), epoch) or not duty.own().active
    finally:
        if not accepted:
            duty.go_on()
    return accepted


def _has_succeeded(peer: PeerSign | None, epoch: int) -> bool:
    return peer is not None and peer.active and peer.epoch > epoch


async def _see_the_address_stay_away(duty: Duty, node: str, clock: Clock) -> None:
    until = clock.now() + COMES_BACK
    while clock.now() < until:
        if duty.holds_address():
            advice = f"{node} did not take it, and this one takes office back; look at keepalived there"
            raise StepDownError(f"the virtual address came back to this gatekeeper: {advice}")
        await clock.sleep(_LOOK)


async def _finish(duty: Duty, clock: Clock) -> None:
    """Return at a moment at which no commit is under way."""
    until = clock.now() + FINISH
    duty.pause()
    while duty.commits_under_way():
        if clock.now() >= until:
            duty.resume()
            raise StepDownError(f"commits under way were not finished within {FINISH} s; look at the store")
        await clock.sleep(_LOOK_CLOSELY)


async def _wait_for_successor(duty: Duty, epoch: int, clock: Clock) -> PeerSign:
    began = clock.now()
    while True:
        peer = duty.peer()
        succeeded = peer if peer is not None and _has_succeeded(peer, epoch) else None
        if succeeded is not None and not duty.holds_address():
            return succeeded
        waited = clock.now() - began
        if succeeded is not None and waited >= MOVES:
            advice = "this one takes office back; look at keepalived here"
            raise StepDownError(f"the virtual address did not leave this gatekeeper within {MOVES:g} s; {advice}")
        if waited >= TAKE_OVER:
            advice = "this one takes office back; look at keepalived on both, and at the status of the other"
            raise StepDownError(f"the other gatekeeper did not take over within {TAKE_OVER:g} s; {advice}")
        await clock.sleep(_LOOK)
