"""Who answers a request: the term of office, and without one those who decide nothing."""

from __future__ import annotations

import os
import time

from gatekeeper.core import Address, Instant, Observe, Send, Standby, State, WithoutQuorum
from gatekeeper.failover.peer import Peer
from gatekeeper.failover.tenure import Means, Tenure
from gatekeeper.registry import Registry


class Reception:
    """Leads each datagram to who may answer it on this node."""

    def __init__(self, means: Means, registry: Registry, peer: Peer) -> None:
        self._means = means
        self._peer = peer
        self._standby = Standby(means.settings, means.signing_key, os.urandom)
        self._without_quorum = WithoutQuorum(means.settings, registry, means.signing_key, os.urandom)

    def use_registry(self, registry: Registry) -> None:
        """Tell by another registry from now on who is refused without a quorum."""
        self._without_quorum.use_registry(registry)

    def caretaker_changed(self, remembered: State | None) -> None:
        """This node becomes a caretaker that remembers these registrations; with None it no longer is one."""
        self._without_quorum.remember(State() if remembered is None else remembered)

    def suspect(self) -> None:
        """Some gatekeeper may have handed requests to the store until now."""
        self._without_quorum.suspect(time.monotonic())

    def receive(
        self, datagram: bytes, source: Address, now: Instant, tenure: Tenure | None, *, caretaker: bool
    ) -> None:
        """Take a datagram; a caretaker says that nobody can decide, unless this node surely can."""
        if tenure is not None and not (caretaker and not tenure.confirmed_at(now.monotonic)):
            self._without_quorum.in_office(tenure.gatekeeper.answers, now)
            tenure.receive(datagram, source, now)
            return
        if caretaker:
            # A term that is not over yet, here or there, may still hand over what it has.
            self._without_quorum.suspect(now.monotonic if tenure is not None else self._peer.last_active_at)
        speaker = self._without_quorum if caretaker else self._standby
        for effect in speaker.receive(datagram, source, now):
            if isinstance(effect, Send):
                self._means.send(effect.datagram, effect.destination)
            elif isinstance(effect, Observe):
                self._means.metrics.count(effect.message, effect.result, effect.authentication)
