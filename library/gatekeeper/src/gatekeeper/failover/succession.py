"""How this node comes to a term: it follows whoever is in office, and then takes over what that one knew.

docs/decisions/0009-warm-standby.md.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from witness.day_files.writer import WitnessLogError

from gatekeeper.core import Inheritance, State
from gatekeeper.ending import end
from gatekeeper.failover.pulse import Pulse
from gatekeeper.failover.tenure import Means, Tenure
from gatekeeper.failover.vrrp_priority import VrrpPriority
from gatekeeper.long_lived import restoring
from gatekeeper.outbox.log_writer import LogWriter
from gatekeeper.registry import Registry
from gatekeeper.store import Snapshot, Term

LOGGER = logging.getLogger(__name__)
_RESTORING, _RESTORING_EACH = 0.12, 5e-6
"""Seconds that beginning a term may take at most, its state being decoded, and more for each item and answer."""


class Succession:
    """Follows, and takes over."""

    def __init__(
        self,
        means: Means,
        registry: Callable[[], Registry],
        writers: Sequence[LogWriter],
        priority: VrrpPriority,
        pulse: Pulse,
    ) -> None:
        """`registry` tells which one is in force."""
        self._means = means
        self._registry = registry
        self._writers = writers
        self._priority = priority
        self._pulse = pulse
        self.following: asyncio.Task[None] | None = None
        self._followed = Inheritance()

    def follow(self) -> None:
        """While somebody else is in office, keep at hand what this node will need to take it."""
        if self.following is None or self.following.done():
            self._followed = Inheritance()
            self.following = asyncio.ensure_future(self._means.store.follow(self._followed))
            self.following.add_done_callback(_tell_of_failure)

    @property
    def followed(self) -> State:
        """Registrations and calls as far as the store has told of them; empty while nothing is followed."""
        return self._followed.state

    async def take_over(self) -> tuple[Tenure, Term | None]:
        """Begin a term; and the one before it.

        Raises:
            StoreError: the store can't be reached, or another one was faster.
            WitnessLogError: the store has forgotten records that this node has.
        """
        with restoring():
            asked = time.monotonic()
            snapshot = await self._means.store.take_over(self._means.settings.node, time.time())
            self._priority.tell(snapshot.term.epoch, in_office=True)
            following, self.following = self.following, None
            await end(following)
            await self._check_logs(snapshot)
            followed, self._followed = self._followed, Inheritance()
            inheritance = followed if snapshot.followed else await _inherit(snapshot)
            with self._pulse.busy(_RESTORING + _RESTORING_EACH * (len(snapshot.items) + len(snapshot.answers))):
                tenure = Tenure(self._means, self._registry(), snapshot, asked, inheritance)
        # What the store has was registered under whichever registry was in force then.
        tenure.use_registry(self._registry())
        return tenure, snapshot.previous

    async def _check_logs(self, snapshot: Snapshot) -> None:
        try:
            for writer in self._writers:
                writer.check(snapshot.sizes.get(writer.stream, 0))
        except WitnessLogError:
            # The answer may have come late: if somebody else has taken over and committed since, this node's log has
            # that already. Then it is the term that is over, and not the store that has forgotten.
            await self._means.store.confirm(snapshot.term.epoch, time.time())
            raise


async def _inherit(snapshot: Snapshot) -> Inheritance:
    """Decode all of it, with turns of the event loop in between: others wait for its pulse."""
    inheritance = Inheritance()
    for _ in inheritance.take(snapshot):
        await asyncio.sleep(0)
    return inheritance


def _tell_of_failure(following: asyncio.Task[None]) -> None:
    """Not to be able to follow makes a takeover slower, not wrong: it is no reason to end the service."""
    if not following.cancelled() and following.exception() is not None:
        LOGGER.error("this node no longer follows the other one", exc_info=following.exception())
