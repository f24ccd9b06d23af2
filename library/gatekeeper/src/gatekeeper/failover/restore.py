"""Restoring roles: when does the secondary in office hand it back to the primary? When that has proved itself.

A function of what the two say and of monotonic time: wall clocks have no part in it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.step_down import Clock, StepDownError, behind

CATCH_UP = 5.0
"""Seconds that the other one has to get the records that this one has: longer is a break."""
_LOOK = 0.5
_BLIND = 5.0
"""Seconds without a look after which nobody knows whether there was a break: this node itself was away."""

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proof:
    """Since when the primary proves itself without a break."""

    since: float
    """Monotonic seconds."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Records that it still has to show."""
    asked_at: float = 0.0
    """When this node had them."""
    looked_at: float = 0.0
    """When it was last looked at."""


def hindrance(own: PeerSign, peer: PeerSign | None) -> str | None:
    """Why the other one can't be given office at this moment; None where it can."""
    if own.role != "secondary" or not own.active:
        return "this gatekeeper is not the secondary in office"
    if peer is None or peer.role != "primary":
        return "the primary gives no sign of life"
    if not peer.fit or not peer.has_quorum:
        return f"{peer.node} is not fit: {peer.trouble or 'its store does not answer'}"
    if peer.release is not None and own.release is not None and peer.release != own.release:
        return f"{peer.node} runs release {peer.release}, and {own.node} {own.release}"
    return None


def prove(before: Proof | None, now: float, own: PeerSign, peer: PeerSign | None) -> Proof | None:
    """The proof that the primary has given by now; None where there is none, or a break."""
    if hindrance(own, peer) is not None:
        return None
    if before is None or now - before.looked_at > _BLIND:
        return Proof(now, own.witness_records, now, now)
    if behind(peer, before.sizes) is None:
        return Proof(before.since, own.witness_records, now, now)
    return replace(before, looked_at=now) if now - before.asked_at <= CATCH_UP else None


def is_due(proof: Proof | None, now: float, after: float) -> bool:
    """Whether the primary has proved itself for so many seconds."""
    return proof is not None and now - proof.since >= after


@dataclass(frozen=True, slots=True)
class Restoring:
    """Looks at the primary, and hands over when the time has come."""

    after: float
    """Seconds for which the primary must have proved itself."""
    own: Callable[[], PeerSign]
    peer: Callable[[], PeerSign | None]
    hand_over: Callable[[str], Awaitable[object]]
    """Hands over for this reason. Raises StepDownError."""
    clock: Clock

    async def run(self) -> None:
        """Look until cancelled. A switch that fails is tried again when the primary has proved itself anew."""
        proof: Proof | None = None
        while True:
            own, peer, now = self.own(), self.peer(), self.clock.now()
            proof = prove(proof, now, own, peer)
            if peer is not None and is_due(proof, now, self.after):
                proof = None
                await self._hand_over(f"roles restored: {peer.node} has proved itself for {self.after / 60:g} minutes")
            await self.clock.sleep(_LOOK)

    async def _hand_over(self, why: str) -> None:
        try:
            await self.hand_over(why)
        except StepDownError as error:
            LOGGER.warning("roles are not restored: %s", error)
