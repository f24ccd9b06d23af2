"""Restoring roles: when does the secondary in office hand it back to the primary? When that has proved itself.

A function of what the two say and of monotonic time: wall clocks have no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.step_down import behind

CATCH_UP = 5.0
"""Seconds that the other one has to get the records that this one has: longer is a break."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Since when the primary proves itself without a break."""

    since: float
    """Monotonic seconds."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Records that it still has to show."""
    asked_at: float = 0.0
    """When this node had them."""


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
    if before is None:
        return Proof(now, own.witness_records, now)
    if behind(peer, before.sizes) is None:
        return Proof(before.since, own.witness_records, now)
    return before if now - before.asked_at <= CATCH_UP else None


def is_due(proof: Proof | None, now: float, after: float) -> bool:
    """Whether the primary has proved itself for so many seconds."""
    return proof is not None and now - proof.since >= after
