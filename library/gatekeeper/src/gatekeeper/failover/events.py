"""The events of the failover stream: how a term began, and who is back."""

from __future__ import annotations

import math
import time

from gatekeeper.failover.peer import Peer, Return
from gatekeeper.failover.record import Predecessor, cause, duration, what_happened
from gatekeeper.failover.tenure import Means, Tenure
from gatekeeper.store import Term


class FailoverEvents:
    """Writes them, as far as the peer and the store let this node know."""

    def __init__(self, means: Means, peer: Peer) -> None:
        self._means = means
        self._peer = peer

    def began(self, tenure: Tenure, previous: Term | None) -> None:
        """Write how this term began, and count it where it was a failover."""
        term = tenure.term
        if previous is None or previous.holder == term.holder:
            tenure.write_event("GATEKEEPER_START", holder=term.holder)
            return
        now, old = time.monotonic(), self._predecessor(previous.holder)
        seconds = round(duration(old, now, time.time() - previous.last_seen), 3)
        self._means.metrics.took_over(seconds)
        tenure.write_event(
            "GATEKEEPER_FAILOVER",
            **{"from": previous.holder, "to": term.holder, "cause": cause(old, now), "failover_duration_sec": seconds},
            registrations=tenure.gatekeeper.registrations,
            calls=tenure.gatekeeper.calls,
        )

    def _predecessor(self, node: str) -> Predecessor:
        heard = self._peer.last_of(node)
        return Predecessor(
            node=node,
            active_at=self._peer.last_active_at,
            commit_seen=self._means.store.last_commit_seen,
            last_sign=heard.sign if heard else None,
            last_sign_at=heard.at if heard else -math.inf,
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
