"""The whole load: everybody's terminals, made, begun, asked about, and brought home."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from terminal.core import Confirmed, Identity
from terminal.core.endpoint import Address
from terminal.errors import TerminalError
from terminal.keys import load_public_key
from terminal.smoke import load_council

from .answers import AnswerLog
from .direct import Direct
from .load import Load
from .prober import DrillProber
from .report import Interval, TrafficReport, make_report
from .terminal import Terminal, now
from .wire import Wire

GUARDIANS = 25
LOOK = 0.01
"""Seconds between two looks at whether what somebody waits for has come about."""
FLUSH = 0.05
LONGEST_WAITING = 0.5
"""Seconds; while a request waits for longer, nothing has settled."""


@dataclass(frozen=True, slots=True)
class TrafficSettings:
    """Where to, as whom, and how much."""

    gatekeeper: Address
    direct: Mapping[str, Address]
    registry: Path
    keys: Path
    gatekeeper_key: Path
    answers: Path
    guardians: int = GUARDIANS
    requests: float = 100.0
    """ARQ and DRQ a second, in all."""
    interval: float = 0.005
    """Seconds between two probes."""
    ordinary: bool = False
    """Whether to do without real-time scheduling."""
    most_paused_ms: float = 20.0
    gatekeeper_identifier: str = "guardian-council"


class Traffic:
    """Use it as: `open`, `begin`, any number of `mark`, `settled` and `report`, `leave`, `close`."""

    def __init__(self, settings: TrafficSettings) -> None:
        """Read keys and registry.

        Raises:
            TerminalError: one can't be used, or there are too few guardians.
        """
        self._settings = settings
        key = load_public_key(settings.gatekeeper_key)
        count = settings.guardians + 1 + len(settings.direct)
        council = load_council(settings.registry, settings.keys, settings.gatekeeper_identifier, key, count)
        identities = [member.identity for member in council.members]
        self._log = AnswerLog(settings.answers)
        self._wires: list[Wire] = []
        members, (prober, *direct) = identities[: settings.guardians], identities[settings.guardians :]
        terminals = [Terminal.of(one, self._home(), self._log, "member") for one in members]
        self._load = Load(terminals, settings.requests)
        self._direct = [
            Direct(node, Terminal.of(one, self._home(), self._log, "direct"), self._wire(address))
            for one, (node, address) in zip(direct, settings.direct.items(), strict=True)
        ]
        self._terminals = [*terminals, *(one.terminal for one in self._direct)]
        self._probe(prober)
        self._name, self._since = "", time.time()

    def _probe(self, identity: Identity) -> None:
        wire = self._home()
        self._prober = DrillProber.at(identity, wire.address, self._settings.interval)
        self._prober_terminal = Terminal(wire, self._prober, self._log, "prober")
        self._terminals.append(self._prober_terminal)

    def _home(self) -> Wire:
        return self._wire(self._settings.gatekeeper)

    def _wire(self, peer: Address) -> Wire:
        self._wires.append(Wire(peer))
        return self._wires[-1]

    async def begin(self) -> None:
        """Everybody joins, and the load begins.

        Raises:
            TerminalError: somebody isn't let in.
        """
        await self._load.join()
        for direct in self._direct:
            await direct.join()
        outcome = await self._prober_terminal.asked(self._prober.registration())
        if not isinstance(outcome, Confirmed):
            raise TerminalError(f"{self._prober.identity.name} cannot be registered to probe: {outcome.summary}")
        self._load.begin()
        for direct in self._direct:
            direct.begin()
        self._prober.begin(now())
        self._prober_terminal.wake()
        self.mark("")

    async def write_answers(self) -> None:
        """Append what was answered to the file, until cancelled.

        Raises:
            TerminalError: it can't be written.
        """
        while True:
            await self._log.flush()
            await asyncio.sleep(FLUSH)

    def mark(self, name: str) -> float:
        """Begin a new interval; its time, Unix seconds."""
        self._name, self._since = name, time.time()
        self._prober.mark()
        self._load.mark()
        for direct in self._direct:
            direct.mark()
        return self._since

    async def settled(self, probes: int, requests: int) -> float:
        """Return when so many probes, and requests, in a row were answered again; the seconds that it took."""
        begun = now().monotonic
        first = self._prober.timeline.sent_count
        self._load.row.begin(begun)
        await _until(lambda: self._is_settled(first, probes, requests))
        await self._log.flush()
        return now().monotonic - begun

    def _is_settled(self, first: int, probes: int, requests: int) -> bool:
        return (
            self._prober.timeline.served_in_a_row(first) >= probes
            and self._load.row.length >= requests
            and now().monotonic - self._load.oldest <= LONGEST_WAITING
        )

    async def report(self) -> TrafficReport:
        """What was seen since the last mark, once the fate of all probes so far is known."""
        end = self._prober.timeline.sent_count
        await _until(lambda: self._prober.timeline.is_known(end))
        await self._log.flush()
        return make_report(
            Interval(self._name, self._since, time.time()),
            self._prober.probed(),
            self._load.tally,
            {direct.node: direct.tally for direct in self._direct},
            held_lost=self._load.held_lost,
            most_paused_ms=self._settings.most_paused_ms,
        )

    async def leave(self) -> int:
        """End all of it; how many held calls were lost in the whole run."""
        self._load.end()
        for direct in self._direct:
            direct.end()
        self._prober.end()
        await asyncio.gather(
            self._load.leave(),
            *(direct.leave() for direct in self._direct),
            self._prober_terminal.asked(self._prober.unregistration()),
        )
        await self._log.flush()
        return self._load.held_lost

    def close(self) -> None:
        """Close everything."""
        for terminal in self._terminals:
            terminal.close()
        for wire in self._wires:
            wire.close()
        self._log.close()


async def _until(reached: Callable[[], bool]) -> None:
    while True:
        if reached():
            return
        await asyncio.sleep(LOOK)
