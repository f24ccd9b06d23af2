"""Handing over office on this node: for an operator, or to restore roles; one switch at a time."""

from __future__ import annotations

import asyncio
import logging
import time

from gatekeeper.failover.restore import Restoring
from gatekeeper.failover.step_down import Clock, Duty, StepDownError, Switch, step_down

LOGGER = logging.getLogger(__name__)


class HandOver:
    """Makes the planned switch of step_down.py, and says who wanted it."""

    def __init__(self, duty: Duty) -> None:
        self._duty = duty
        self._clock = Clock(time.monotonic, asyncio.sleep)
        self._switching = asyncio.Lock()

    async def for_operator(self, reason: str, force: bool) -> Switch:
        """Hand over office to the other gatekeeper for an operator. Raises StepDownError."""
        return await self._switch(f"step-down by the operator: {reason or 'no reason given'}", force=force)

    def to_primary(self, minutes: int) -> Restoring:
        """Hands over to the primary once it has proved itself for so long."""
        return Restoring(60.0 * minutes, self._duty.own, self._duty.peer, self._switch, self._clock)

    async def _switch(self, why: str, *, force: bool = False) -> Switch:
        if self._switching.locked():
            raise StepDownError("a switch is under way already")
        async with self._switching:
            switch = await step_down(self._duty, why, self._clock, force=force)
        LOGGER.info("handed over to %s within %.3f s: %s", switch.to, switch.seconds, why)
        return switch
