"""A prober on a UDP socket of its own, in asyncio."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from terminal.client import Client
from terminal.core import Confirmed, Identity, Instant
from terminal.core.endpoint import Address
from terminal.errors import TerminalError
from terminal.probe.decision_log import DecisionLog
from terminal.probe.prober import Prober
from terminal.probe.settings import ProbeSettings

_BATCH = 0.05
"""Seconds between two batches of acknowledged decisions."""
_REQUESTS_A_PROBE = 2
"""One after the other, each with the whole waiting time; an ARQ's DRQ follows it."""


async def run_probe(
    identity: Identity,
    gatekeeper: Address,
    settings: ProbeSettings,
    stop: asyncio.Event,
    *,
    begun: Callable[[Prober], None],
    log: DecisionLog | None = None,
) -> Prober:
    """Register, call `begun`, probe until `stop` is set, wait for what is under way, unregister; the prober, ended.

    Raises:
        TerminalError: the gatekeeper can't be reached or doesn't register the guardian, or the log can't be written.
    """
    made: list[Prober] = []

    def make(address: Address) -> Prober:
        made.append(Prober(identity, address, os.urandom, settings))
        return made[0]

    client = await Client.open_for(make, gatekeeper)
    try:
        outcome = await client.register()
        if not isinstance(outcome, Confirmed):
            raise TerminalError(
                f"{identity.name} cannot be registered, so that nothing can be probed: {outcome.summary}"
            )
        try:
            await _probe(client, made[0], stop, begun, log)
        finally:
            await client.unregister()
    finally:
        client.close()
    return made[0]


async def _probe(
    client: Client, prober: Prober, stop: asyncio.Event, begun: Callable[[Prober], None], log: DecisionLog | None
) -> None:
    prober.begin(_now())
    client.wake()
    begun(prober)
    try:
        await _write_until(stop, prober, log)
    finally:
        prober.end()
    for _ in range(round(_REQUESTS_A_PROBE * prober.settings.wait / _BATCH) + 1):
        if prober.outstanding:
            await asyncio.sleep(_BATCH)
    prober.conclude(_now())
    await _write(prober, log)


def _now() -> Instant:
    return Instant(asyncio.get_running_loop().time(), time.time())


async def _write_until(stop: asyncio.Event, prober: Prober, log: DecisionLog | None) -> None:
    while not stop.is_set():
        await _write(prober, log)
        try:
            await asyncio.wait_for(stop.wait(), _BATCH)
        except asyncio.TimeoutError:
            continue


async def _write(prober: Prober, log: DecisionLog | None) -> None:
    decisions = prober.take_decisions()
    if log is not None:
        await log.write(decisions)
