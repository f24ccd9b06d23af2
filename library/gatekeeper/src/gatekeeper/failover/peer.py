"""Signs of life between the gatekeepers of a zone: how the other one is, told by itself every 20 ms.

docs/protocol.md, "Signs of life"; docs/decisions/0010-signs-of-life.md. Nobody takes office by them: that is for the
epoch to say. They tell operators, the failover record and the planned switch what the store can't. Which of them are
believed is said by peer_watch.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from h323.h235 import PrivateKey

from gatekeeper.core import Address, CoreSettings, Instant
from gatekeeper.failover.host import ask_host
from gatekeeper.failover.peer_watch import FRESH, Heard, PeerWatch
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.wall_clock import Opinion
from gatekeeper.patience import within

EVERY = 0.02
"""Seconds between two signs."""
_LEAVING = 5.0
"""Seconds for which this node says why it gave up office: more than a takeover takes, also with an election of etcd."""
_STALLED = 0.3
"""Seconds without a turn of the event loop after which it is ourselves who were away."""

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Return:
    """Another gatekeeper is heard, after a silence."""

    sign: PeerSign
    silent: float | None
    """Seconds; None where it was never heard before."""
    restarted: bool
    """Whether its service was started since it was last heard."""


class Peer:
    """Tells the other gatekeepers how this one is, and knows how they are.

    With more than one other, `sign` is that of the one in office or, where none of them is, of one that is fit.
    """

    def __init__(
        self,
        settings: CoreSettings,
        signing_key: PrivateKey,
        describe: Callable[[], PeerSign],
        send: Callable[[bytes, Address], None],
        returned: Callable[[Return], None] = lambda _returned: None,
        heard: Callable[[PeerSign], None] = lambda _sign: None,
    ) -> None:
        """Begin to know nobody.

        `describe` tells how this node is, `send` sends from its own address, `returned` is told of another one that is
        heard after a silence, and `heard` of every sign.
        """
        self._node = settings.node
        self._describe = describe
        self._send = send
        self._returned = returned
        self._heard = heard
        self._watches = {
            address: PeerWatch(settings.gatekeeper_identifier, signing_key, address, os.urandom)
            for address in settings.alternates
        }
        self._leaving: str | None = None
        self._leaving_until = float("-inf")
        self._successor: str | None = None
        self._left: dict[str, str] = {}
        self._answered: dict[str, tuple[int, float]] = {}
        """By node: the term in which it last answered a terminal, and when; monotonic seconds of this node."""
        self._went = asyncio.Event()
        self._active_from: Address | None = None
        self.host: str | None = None
        """What the host of the one that was last in office answered, if it did; a part of a sentence."""
        self._started = self._ticked = self._awake_since = time.monotonic()
        self._told_of_twin = False
        self.last_active_at = float("-inf")
        """Monotonic seconds of the last sign that said active."""

    @property
    def sign(self) -> PeerSign | None:
        """The last sign of life, if it is at most a second old."""
        now = time.monotonic()
        fresh = [heard for heard in self._all_heard() if now - heard.at <= FRESH]
        return max(fresh, key=lambda heard: (heard.sign.active, heard.sign.fit, heard.at)).sign if fresh else None

    @property
    def time(self) -> Opinion | None:
        """What time it is at the one whose sign this is, if it tells."""
        sign = self.sign
        heard = None if sign is None else self.last_of(sign.node)
        if heard is None or heard.sign.unix_ms is None:
            return None
        return Opinion(heard.sign.node, heard.sign.unix_ms / 1_000 - heard.at, heard.at)

    @property
    def age(self) -> float | None:
        """Seconds since the last sign of life or, before the first, since the start; None where nobody else is."""
        if not self._watches:
            return None
        return time.monotonic() - max((heard.at for heard in self._all_heard()), default=self._started)

    @property
    def refused(self) -> int:
        """Datagrams in the others' name that were not believed."""
        return sum(watch.refused for watch in self._watches.values())

    def last_of(self, node: str) -> Heard | None:
        """The last sign of the node of this name, however old."""
        return next((heard for heard in self._all_heard() if heard.sign.node == node), None)

    def _all_heard(self) -> list[Heard]:
        return [watch.heard for watch in self._watches.values() if watch.heard is not None]

    def is_from_peer(self, source: Address) -> bool:
        """Whether a datagram from there is ours to read, and nobody else's to answer."""
        return source in self._watches

    def receive(self, datagram: bytes, source: Address) -> None:
        """Take a datagram from a gatekeeper's address."""
        now = time.monotonic()
        watch = self._watches[source]
        before = watch.heard
        told = watch.receive(datagram, source, now)
        if told is None:
            return
        if told.node == self._node:
            self._complain_of_twin(source)
        self._note_office(told, source, now)
        restarted = before is None or before.boot != watch.boot
        was_silent = now - max(before.at if before else float("-inf"), self._awake_since) > FRESH
        if was_silent or (restarted and before is not None):
            LOGGER.info("%s gives signs of life again", told.node)
            self._returned(Return(told, now - before.at if before else None, restarted))
        self._heard(told)

    def _note_office(self, told: PeerSign, source: Address, now: float) -> None:
        if told.active:
            self.last_active_at, self._active_from = now, source
        if told.answered_epoch is not None and told.answered_ms_ago is not None:
            self._answered[told.node] = told.answered_epoch, now - told.answered_ms_ago / 1_000
        if told.leaving is not None:
            self._left[told.node] = told.leaving
            self._went.set()
        elif told.active:
            self._left.pop(told.node, None)

    def _complain_of_twin(self, source: Address) -> None:
        if not self._told_of_twin:
            LOGGER.warning("the gatekeeper at %s port %d is called %s, too; rename one", *source, self._node)
            self._told_of_twin = True

    def left(self, node: str) -> str | None:
        """Why this one gave up office, if it said so when it was last in office."""
        return self._left.get(node)

    def answered_at(self, node: str, epoch: int) -> float:
        """When this one last answered a terminal, if that was in the term of this epoch; else minus infinity."""
        last, at = self._answered.get(node, (0, -math.inf))
        return at if last == epoch else -math.inf

    def has_left(self, node: str, epoch: int) -> bool:
        """Whether this one says, now, that it gives up office, and has done so: a term of this epoch or a later one."""
        heard = self.last_of(node)
        if heard is None or time.monotonic() - heard.at > FRESH:
            return False
        return heard.sign.leaving is not None and not heard.sign.active and heard.sign.epoch >= epoch

    @property
    def lets_go(self) -> bool:
        """Whether another one says, now, that it has given up office, and no other one is in it."""
        sign = self.sign
        return sign is not None and sign.leaving is not None and not sign.active

    async def look_at_host(self) -> None:
        """See whether the host of the one that was last in office answers."""
        self.host = None
        if self._active_from is not None:
            self.host = await ask_host(self._active_from)

    async def wait_for_leaving(self, seconds: float) -> None:
        """Return when another one says that it gives up office, or after so long."""
        self._went.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await within(seconds, self._went.wait())

    @property
    def leaving(self) -> str | None:
        """Why this node gives up office, while it says so."""
        return self._leaving if time.monotonic() < self._leaving_until else None

    def leave(self, why: str, *, successor: str | None = None) -> None:
        """Tell at once that this node gives up office, and go on saying so for some seconds or until `stay`.

        With a `successor`, it gives it up only when that one is in office: it is asked to take it.
        """
        self._leaving, self._leaving_until = why, time.monotonic() + _LEAVING
        self._successor = successor
        self.tell()

    def stay(self) -> None:
        """No longer say so."""
        self._leaving_until = float("-inf")

    def tell(self) -> None:
        """Send a sign of life now."""
        if not self._watches:
            return
        leaving = self.leaving
        own = replace(self._describe(), leaving=leaving, successor=self._successor if leaving else None)
        now = Instant(time.monotonic(), time.time())
        for address, watch in self._watches.items():
            self._send(watch.sign(own, now), address)

    async def run(self) -> None:
        """Send signs until cancelled; a single gatekeeper sends none."""
        if not self._watches:
            return
        while True:
            now = time.monotonic()
            if now - self._ticked > _STALLED:
                self._awake_since = now
            self._ticked = now
            self.tell()
            await asyncio.sleep(EVERY)
