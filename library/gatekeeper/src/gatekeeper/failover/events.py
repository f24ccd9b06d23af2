"""The events of the failover stream: how a term began, and who is back."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from gatekeeper.failover.peer import EVERY, Peer, Return
from gatekeeper.failover.record import Predecessor, cause, duration, fell_silent, what_happened
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.tenure import Means, Tenure
from gatekeeper.store import Term


@dataclass(frozen=True, slots=True)
class _Estimate:
    """A duration that was written while the old one couldn't be asked."""

    previous: Term
    epoch: int
    """Of the term that began."""
    began: float
    """When; monotonic seconds."""
    seconds: float


class FailoverEvents:
    """Writes them, as far as the peer and the store let this node know."""

    def __init__(self, means: Means, peer: Peer) -> None:
        self._means = means
        self._peer = peer
        self._estimate: _Estimate | None = None

    def began(self, tenure: Tenure, previous: Term | None) -> None:
        """Write how this term began, and count it where it was a failover."""
        term = tenure.term
        if previous is None or previous.holder == term.holder:
            tenure.write_event("GATEKEEPER_START", holder=term.holder)
            return
        now, old = time.monotonic(), self._predecessor(previous)
        seconds = round(duration(old, now, time.time() - previous.last_seen), 3)
        self._means.metrics.took_over(seconds)
        estimated = fell_silent(old, now)
        self._estimate = _Estimate(previous, term.epoch, now, seconds) if estimated else None
        tenure.write_event(
            "GATEKEEPER_FAILOVER",
            **{"from": previous.holder, "to": term.holder, "cause": cause(old, now), "failover_duration_sec": seconds},
            estimated=estimated,
            registrations=tenure.gatekeeper.registrations,
            calls=tenure.gatekeeper.calls,
        )

    def correct(self, tenure: Tenure, sign: PeerSign) -> None:
        """Write the duration anew if the old one, heard again, says that it answered for longer than was thought.

        One that was started anew doesn't know, and the estimate stays.
        """
        estimate = self._estimate
        if estimate is None or sign.node != estimate.previous.holder or sign.active:
            return
        self._estimate = None
        answered_at = self._peer.answered_at(sign.node, estimate.previous.epoch)
        seconds = round(max(0.0, estimate.began - answered_at), 3)
        # What lies between two signs of life is not worth a record.
        if tenure.term.epoch != estimate.epoch or estimate.seconds - seconds <= EVERY:
            return
        self._means.metrics.corrected_duration(seconds)
        tenure.write_event(
            "GATEKEEPER_DURATION_CORRECTED",
            **{"from": sign.node, "to": tenure.term.holder, "failover_duration_sec": seconds},
        )

    def _predecessor(self, previous: Term) -> Predecessor:
        node = previous.holder
        heard = self._peer.last_of(node)
        return Predecessor(
            node=node,
            active_at=self._peer.last_active_at,
            commit_seen=self._means.store.last_commit_seen,
            last_sign=heard.sign if heard else None,
            last_sign_at=heard.at if heard else -math.inf,
            answered_at=self._peer.answered_at(node, previous.epoch),
            left=self._peer.left(node),
            host=self._peer.host,
        )


def write_return(tenure: Tenure, returned: Return) -> None:
    """Whoever is in office writes down that the other one is back."""
    silent = None if returned.silent is None else round(returned.silent, 3)
    tenure.write_event(
        "GATEKEEPER_RETURNED",
        returned=returned.sign.node,
        previous_end=what_happened(returned),
        silent_sec=silent,
    )
