"""Guardians in calls, who keep asking: what they notice is what a failover costs."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from h323.council import CallProfile
from h323.ras import RasMessage

from terminal.client import Address, Client
from terminal.core import Confirmed, NoAnswer, Refused
from terminal.smoke.council import Council

PAUSE = 0.05
"""Seconds between a guardian's requests."""


@dataclass
class Watched:
    """What the guardians saw."""

    requests: int = 0
    retries: int = 0
    refused: int = 0
    lost: int = 0
    longest_answer_ms: float = 0.0
    calls_kept: int = 0
    calls: int = 0

    @property
    def unharmed(self) -> bool:
        """Nothing was refused or lost, and every call of the beginning was still there in the end."""
        return not self.refused and not self.lost and self.calls_kept == self.calls


async def watch(council: Council, gatekeeper: Address, stop: asyncio.Event, ready: asyncio.Event) -> Watched:
    """Register and admit everybody, set `ready`, then keep alive, admit and disengage until `stop` is set."""
    watched = Watched()
    clients = [Client(identity, gatekeeper) for identity in council.guardians]
    conference = os.urandom(16)
    calls = [os.urandom(16) for _ in clients]
    try:
        await asyncio.gather(*(_join(one, conference, call, watched) for one, call in zip(clients, calls, strict=True)))
        watched.calls = len(calls)
        ready.set()
        await asyncio.gather(*(_probe(one, watched, stop) for one in clients))
        for one, call in zip(clients, calls, strict=True):
            watched.calls_kept += await _ask(one, one.endpoint.disengagement(conference, call), watched)
        await asyncio.gather(*(_ask(one, one.endpoint.unregistration(), watched) for one in clients))
        watched.requests = sum(one.count.requests for one in clients)
        watched.retries = sum(one.count.retries for one in clients)
        watched.longest_answer_ms = round(max(max(one.latencies) for one in clients) * 1000, 1)
    finally:
        for one in clients:
            one.close()
    return watched


async def _ask(client: Client, request: RasMessage, watched: Watched) -> bool:
    outcome = await client.ask(request)
    watched.refused += isinstance(outcome, Refused)
    watched.lost += isinstance(outcome, NoAnswer)
    return isinstance(outcome, Confirmed)


async def _join(client: Client, conference: bytes, call: bytes, watched: Watched) -> None:
    await _ask(client, client.endpoint.registration(), watched)
    await _ask(client, client.endpoint.admission(conference, call, 64_000, CallProfile()), watched)


async def _probe(client: Client, watched: Watched, stop: asyncio.Event) -> None:
    while not stop.is_set():
        conference, call = os.urandom(16), os.urandom(16)
        await _ask(client, client.endpoint.registration(keep_alive=True), watched)
        await _ask(client, client.endpoint.admission(conference, call, 64_000, CallProfile()), watched)
        await _ask(client, client.endpoint.disengagement(conference, call), watched)
        try:
            await asyncio.wait_for(stop.wait(), PAUSE)
        except asyncio.TimeoutError:
            continue
