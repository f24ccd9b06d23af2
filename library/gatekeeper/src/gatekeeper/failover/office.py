"""Office: this node takes it when called upon, holds it term by term, and leaves it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from gatekeeper.core import State
from gatekeeper.failover.events import FailoverEvents
from gatekeeper.failover.mandate import Mandate
from gatekeeper.failover.peer import Peer
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.succession import Succession
from gatekeeper.failover.tenure import CONFIRMED_WITHIN, Means, Tenure
from gatekeeper.ras_sockets import RasSockets
from gatekeeper.store import Fenced, StoreError, Term

LOGGER = logging.getLogger(__name__)
_LOOK_AT_TERM = 0.1


class Office:
    """Whether this node is in office: `tenure` is its term, None while it has none."""

    def __init__(
        self,
        means: Means,
        mandate: Mandate,
        succession: Succession,
        peer: Peer,
        sockets: RasSockets,
        is_caretaker: Callable[[], bool],
    ) -> None:
        """`is_caretaker` tells whether this node says meanwhile that nobody can decide."""
        self._means = means
        self._mandate = mandate
        self._succession = succession
        self._peer = peer
        self._sockets = sockets
        self._is_caretaker = is_caretaker
        self._events = FailoverEvents(means, peer)
        self._holding: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self.tenure: Tenure | None = None

    @property
    def tasks(self) -> tuple[asyncio.Task[None] | None, ...]:
        """What is to be ended with the service, besides `run`."""
        return self._holding, self._succession.following, self._looking

    async def run(self) -> None:
        """Take office whenever called upon, and leave it when no longer."""
        self._succession.follow()
        while True:
            await self._mandate.changed.wait()
            self._mandate.changed.clear()
            if not self._mandate.is_by_address:
                # Nobody but the store says whose turn it is: two gatekeepers of one machine share it.
                await self._wait_for_turn()
            while self._mandate.called_upon:
                self._holding = asyncio.ensure_future(self._hold())
                await asyncio.wait([self._holding])
                self.tenure = None
                self._succession.follow()
                if self._holding.cancelled():
                    break
                error = self._holding.exception()
                if not isinstance(error, StoreError):
                    self._holding.result()
                LOGGER.warning("not in office: %s", error)
                if isinstance(error, Fenced):
                    self._sockets.resume()
                    await self._wait_for_turn()
            self._sockets.resume()

    @property
    def last_known(self) -> State:
        """Registrations and calls as this node knew them last, in office or following; it may be empty."""
        return self._succession.followed if self.tenure is None else self.tenure.gatekeeper.state

    def leave(self) -> None:
        """End the term, or the attempt to begin one."""
        if self._holding is not None:
            self._holding.cancel()

    def say_why(self, why: str) -> None:
        """Tell the other one why this node gives up office, unless it is said already."""
        if self.tenure is not None and self._peer.leaving is None:
            self._peer.leave(why)

    def heard(self, sign: PeerSign) -> None:
        """The other one has given a sign of life: it may tell what this node couldn't know when it took office."""
        if self.tenure is not None and self.tenure.confirmed:
            self._events.correct(self.tenure, sign)

    async def _hold(self) -> None:
        # What arrives meanwhile stays in the sockets' buffers and is answered afterwards.
        if not self._is_caretaker():
            self._sockets.pause()
        self._looking = asyncio.ensure_future(self._peer.look_at_host())
        tenure, previous = await self._succession.take_over()
        LOGGER.info("in office: epoch %d, %d registrations", tenure.term.epoch, tenure.gatekeeper.registrations)
        self._peer.stay()
        self._events.began(tenure, previous)
        self.tenure = tenure
        self._sockets.resume()
        # Whoever hands over waits for it, and then lets go of the address.
        self._peer.tell()
        await tenure.run()

    async def _wait_for_turn(self) -> None:
        """Return when whoever else is in office gives no sign of life for as long as they may answer without one.

        It is the change that counts, not its time: the other host's clock need not be ours.
        """
        last: Term | None = None
        since = time.monotonic()
        while self._mandate.called_upon and time.monotonic() - since <= CONFIRMED_WITHIN:
            try:
                term = await self._means.store.term()
            except StoreError:
                # Nobody else can be told from here to live either, but nobody can be overthrown.
                since = time.monotonic()
            else:
                if term is None or term.holder == self._means.settings.node:
                    return
                if self._peer.has_left(term.holder, term.epoch):
                    return
                if term != last:
                    last, since = term, time.monotonic()
            await self._peer.wait_for_leaving(_LOOK_AT_TERM)
