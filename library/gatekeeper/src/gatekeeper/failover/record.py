"""What the failover record says of the old active gatekeeper: how long nobody served, and why it went."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gatekeeper.failover.peer import EVERY, Return
from gatekeeper.failover.sign_of_life import PeerSign

_SILENT = 3 * EVERY
"""Seconds after the last sign from which on its sender counts as silent: one may be late, or be lost."""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """What this node knows of the one that was in office before it. Times are this node's own monotonic seconds."""

    node: str
    active_at: float
    """Its last sign of life that said that it was in office; minus infinity without one."""
    commit_seen: float
    """When it was last seen to commit or to confirm in the store; minus infinity if it never was."""
    last_sign: PeerSign | None = None
    """However old."""
    last_sign_at: float = -math.inf
    answered_at: float = -math.inf
    """Its last answer to a terminal in that term, as far as it has told."""
    left: str | None = None
    """Why it gave up office, where it said so."""
    host: str | None = None
    """What its host answered since; None where nothing came."""


def duration(old: Predecessor, now: float, told: float) -> float:
    """Seconds from the last proof of life of the old active gatekeeper to now, when the new one can answer.

    An estimate where the old one fell silent (`fell_silent`): it may have answered for longer than it was heard here.

    No clock but this node's monotonic one is in it. Only where this node has never seen the other one alive, what the
    store says counts: `told` seconds ago by the two nodes' wall clocks.
    """
    proof = max(old.active_at, old.commit_seen, old.answered_at)
    return max(0.0, told if proof == -math.inf else now - proof)


def fell_silent(old: Predecessor, now: float) -> bool:
    """Whether it neither said that it goes nor gives signs of life any more."""
    return old.left is None and now - old.last_sign_at > _SILENT


def cause(old: Predecessor, now: float) -> str:
    """Why the old one is no longer in office, as far as it is known: one sentence."""
    if old.left is not None:
        return old.left
    if not fell_silent(old, now):
        return f"office was taken while {old.node} still gives signs of life"
    known = [f"{old.node} fell silent"]
    if old.last_sign is None:
        known.append("it gave no sign of life since this node was started")
    elif old.last_sign.trouble is not None:
        known.append(f"its last trouble: {old.last_sign.trouble}")
    known.append(old.host or "its host did not answer at once")
    return "; ".join(known)


def what_happened(returned: Return) -> str:
    """What the one that returned says, or its signs do, of where it was."""
    if not returned.restarted:
        return "its service ran on: it was frozen, stuck or cut off"
    return returned.sign.previous_end or "it does not know: its host was started anew, or this is its first start"
