"""Who admits on this side of a cut? A guardian who asks one gatekeeper at its own address, again and again.

A gatekeeper that is not in office must never admit. Whatever it says is waited for so long that also a host that was
frozen, and wakes up with the requests of another time in its buffers, is heard.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from terminal.core import Call, Confirmed, Instant, Outcome, Refused, RetransmissionPolicy
from terminal.errors import TerminalError
from terminal.probe.pace import Pace
from terminal.probe.prober import PROBE_BPS

from .answers import is_undecided, is_unregistered, reason_of
from .load import ASK_AGAIN, KEEP_ALIVE_EVERY
from .terminal import Terminal, now
from .wire import Wire

INTERVAL = 0.05
"""Seconds between two ARQ."""
_PATIENCE = 35.0
"""Seconds: after 30, a gatekeeper takes no request's signature for fresh any more."""
_ONCE = RetransmissionPolicy(first=_PATIENCE, longest=_PATIENCE, give_up=_PATIENCE)


@dataclass(slots=True)
class DirectTally:
    """What came from one gatekeeper's own address in one interval."""

    sent: int = 0
    acf: int = 0
    dcf: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    first_acf: float | None = None
    """Unix seconds."""
    last_acf: float | None = None

    def note(self, outcome: Outcome[Any], arrived: Instant, *, admission: bool) -> None:
        """Count one answer."""
        if isinstance(outcome, Refused):
            self.refusals[reason_of(outcome)] += 1
        if not isinstance(outcome, Confirmed):
            return
        self.acf += admission
        self.dcf += not admission
        if admission:
            self.last_acf = round(arrived.unix, 6)
            self.first_acf = self.first_acf or self.last_acf


class Direct:
    """Registered through the virtual address, as everybody; asks at `wire`, and again only if told to wait.

    As long as nobody answers it is always the same call that is asked for, so that however many requests a node out of
    office leaves unanswered, no more than a call can come of them.
    """

    def __init__(self, node: str, terminal: Terminal, wire: Wire) -> None:
        self.node = node
        self.terminal = terminal
        self.tally = DirectTally()
        self._wire = wire
        self._call = self._new_call()
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False
        terminal.listen(wire)
        terminal.unregistered = self._register_again

    def mark(self) -> DirectTally:
        """Begin a new interval; the tally of the one before."""
        before, self.tally = self.tally, DirectTally()
        return before

    async def join(self) -> None:
        """Register.

        Raises:
            TerminalError: refused, or nobody answers.
        """
        outcome = await self.terminal.asked(self.terminal.endpoint.registration())
        if not isinstance(outcome, Confirmed):
            who = self.terminal.endpoint.identity.name
            raise TerminalError(f"{who} cannot be registered to ask {self.node}: {outcome.summary}")

    def begin(self) -> None:
        """Ask from now on."""
        self._tick(Pace(now().monotonic, INTERVAL))
        self._stay()

    def end(self) -> None:
        """Ask no more."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()

    async def leave(self) -> None:
        """Unregister, which ends whatever is left."""
        await self.terminal.asked(self.terminal.endpoint.unregistration())

    def _new_call(self) -> Call:
        return Call.new(os.urandom(16), os.urandom)

    def _tick(self, pace: Pace) -> None:
        pace.advance(now().monotonic)
        self._ask(self._call)
        self._timer = asyncio.get_running_loop().call_at(pace.due, self._tick, pace)

    def _ask(self, call: Call) -> None:
        def answered(outcome: Outcome[Any], arrived: Instant) -> None:
            self.tally.note(outcome, arrived, admission=True)
            if isinstance(outcome, Confirmed) and call == self._call and not self._ended:
                self._call = self._new_call()
                self._disengage(call)

        self.tally.sent += 1
        endpoint = self.terminal.endpoint
        admission = endpoint.admission(call, PROBE_BPS, to=endpoint.identity.name)
        self.terminal.ask(admission, answered, wire=self._wire, policy=_ONCE)

    def _disengage(self, call: Call) -> None:
        def answered(outcome: Outcome[Any], arrived: Instant) -> None:
            self.tally.note(outcome, arrived, admission=False)
            if is_undecided(outcome) and not self._ended:
                # Its gatekeeper has failed in between: whoever is in office now ends it.
                self.terminal.ask(self.terminal.endpoint.disengagement(call), lambda *_: None, clean_up=True)

        self.terminal.ask(self.terminal.endpoint.disengagement(call), answered, wire=self._wire, policy=_ONCE)

    def _stay(self) -> None:
        def stayed(outcome: Outcome[Any], _arrived: Instant) -> None:
            if is_unregistered(outcome):
                self._register_again()

        if not self._ended:
            self.terminal.ask(self.terminal.endpoint.keep_alive(), stayed)
            asyncio.get_running_loop().call_later(KEEP_ALIVE_EVERY, self._stay)

    def _register_again(self) -> None:
        def registered(outcome: Outcome[Any], _arrived: Instant) -> None:
            if not isinstance(outcome, Confirmed):
                asyncio.get_running_loop().call_later(ASK_AGAIN, self._register_again)

        if not self._ended:
            self.terminal.ask(self.terminal.endpoint.registration(), registered)
