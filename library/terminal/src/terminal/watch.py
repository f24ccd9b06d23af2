"""Guardians in a conference who keep asking: what they notice is what a failover costs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from terminal.client import Client
from terminal.core import Call, Confirmed, NoAnswer, Outcome, Refused, RetransmissionPolicy
from terminal.core.endpoint import Address
from terminal.errors import TerminalError
from terminal.latency import percentile_ms
from terminal.smoke.council import Council
from terminal.smoke.session import LEG_BPS, new_conference

MOST_GUARDIANS = 12
"""Each has its own call and, at times, one more for the probe: together no more than an MCU's 25 ports."""
PAUSE = 0.05
"""Seconds between a guardian's rounds of requests."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the guardians saw."""

    guardians: int
    requests: int
    retries: int
    refused: int
    lost: int
    """Requests without an answer."""
    unregistered: int
    """Registrations that the gatekeeper ended by itself."""
    calls_kept: int
    """Calls of the beginning that could be ended in the end, so were still known."""
    longest_gap_ms: float
    """The longest time in which no guardian got an answer."""
    latency_p50_ms: float
    latency_p95_ms: float
    latency_max_ms: float
    first_trouble: str
    """The first refusal or loss, "" where there was none."""

    @property
    def ok(self) -> bool:
        """Nothing was refused or lost, and every call of the beginning was still there in the end."""
        unharmed = not (self.refused or self.lost or self.unregistered)
        return unharmed and self.calls_kept == self.guardians

    def lines(self) -> list[str]:
        """For people."""
        fields = [f"{name.replace('_', ' '):16} {value}" for name, value in asdict(self).items() if value != ""]
        noticed = "noticed nothing but a retry" if self.retries else "noticed nothing"
        return [*fields, f"the guardians {noticed}" if self.ok else "the guardians were disturbed"]

    def fields(self) -> dict[str, object]:
        """For machines."""
        return {"ok": self.ok, **asdict(self)}


class _Watch:
    def __init__(self, clients: list[Client]) -> None:
        self._clients = clients
        self._calls = [Call.new(conference, os.urandom) for conference in [new_conference()] for _ in clients]
        self._last_answer = time.monotonic()
        self._longest_gap = 0.0
        self._refused = self._lost = self._kept = 0
        self._first_trouble = ""

    async def join(self) -> None:
        """Register and admit everybody.

        Raises:
            TerminalError: one isn't let in, so that there's nothing to watch.
        """
        for client, call in zip(self._clients, self._calls, strict=True):
            for outcome in (await client.register(), await client.admit(call, LEG_BPS)):
                if not isinstance(outcome, Confirmed):
                    name = client.endpoint.identity.name
                    raise TerminalError(f"{name} cannot join the conference: {outcome.summary}")
        self._last_answer = time.monotonic()

    async def probe(self, client: Client, stop: asyncio.Event) -> None:
        """Keep alive, admit, disengage, until `stop` is set."""
        while not stop.is_set():
            probe = Call.new(new_conference(), os.urandom)
            self._note(client, await client.keep_alive())
            if self._note(client, await client.admit(probe, LEG_BPS)):
                self._note(client, await client.disengage(probe))
            try:
                await asyncio.wait_for(stop.wait(), PAUSE)
            except asyncio.TimeoutError:
                continue

    def _note(self, client: Client, outcome: Outcome[Any]) -> bool:
        self._refused += isinstance(outcome, Refused)
        self._lost += isinstance(outcome, NoAnswer)
        if not isinstance(outcome, NoAnswer):
            now = time.monotonic()
            self._longest_gap = max(self._longest_gap, now - self._last_answer)
            self._last_answer = now
        if not isinstance(outcome, Confirmed) and not self._first_trouble:
            self._first_trouble = f"{client.endpoint.identity.name}: {outcome.summary}"
        return isinstance(outcome, Confirmed)

    async def leave(self) -> None:
        """End the calls of the beginning, then the registrations."""
        for client, call in zip(self._clients, self._calls, strict=True):
            self._kept += self._note(client, await client.disengage(call))

    def watched(self) -> Watched:
        """The result."""
        seen = [client.statistics for client in self._clients]
        latencies = [seconds for one in seen for seconds in one.latencies]
        return Watched(
            guardians=len(self._clients),
            requests=sum(one.requests for one in seen),
            retries=sum(one.retries for one in seen),
            refused=self._refused,
            lost=self._lost,
            unregistered=sum(one.unregistered for one in seen),
            calls_kept=self._kept,
            longest_gap_ms=round(self._longest_gap * 1000, 1),
            latency_p50_ms=percentile_ms(latencies, 50),
            latency_p95_ms=percentile_ms(latencies, 95),
            latency_max_ms=percentile_ms(latencies, 100),
            first_trouble=self._first_trouble,
        )


async def watch(
    council: Council,
    gatekeeper: Address,
    stop: asyncio.Event,
    joined: Callable[[], None],
    policy: RetransmissionPolicy | None = None,
) -> Watched:
    """Register and admit everybody, call `joined`, then ask on until `stop` is set, and leave.

    Raises:
        TerminalError: the gatekeeper can't be reached, or doesn't let everybody in to begin with.
    """
    clients = [await Client.open(member.identity, gatekeeper, policy) for member in council.members]
    run = _Watch(clients)
    try:
        try:
            await run.join()
            joined()
            await asyncio.gather(*(run.probe(client, stop) for client in clients))
            await run.leave()
        finally:
            registered = [one for one in clients if one.endpoint.endpoint_identifier is not None]
            await asyncio.gather(*(one.unregister() for one in registered))
        return run.watched()
    finally:
        for client in clients:
            client.close()
