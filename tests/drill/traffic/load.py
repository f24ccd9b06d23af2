"""The council under load: guardians held in a call for the whole run, and short calls beside them at a steady rate."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from terminal.core import Call, Confirmed, Instant, Outcome, Refused
from terminal.core.request import Request
from terminal.errors import TerminalError
from terminal.probe.pace import Pace
from terminal.probe.prober import PROBE_BPS
from terminal.smoke.session import LEG_BPS

from .answers import is_undecided, is_unregistered
from .tally import Row, Tally
from .terminal import Terminal, Then, now

KEEP_ALIVE_EVERY = 10.0
"""Seconds; the timeToLive is 60, and a terminal asks several times within it."""
SHORT_CALL = 0.5
"""Seconds that a short call lasts, so that at any moment some have been admitted and not ended."""
ASK_AGAIN = 1.0
"""Seconds after which what was given up or refused is tried again: nobody leaves the council at one failure."""
MOST_WAITING = 60
"""Requests of one guardian without an answer, above which no short call is begun: the outage has lasted too long."""
REQUESTS_A_CALL = 2


class Load:
    """All guardians, and the rate of their requests."""

    def __init__(self, terminals: list[Terminal], requests_a_second: float) -> None:
        self.tally = Tally()
        self.row = Row()
        self.held_lost = 0
        """Held calls that turned out to be gone, since the beginning."""
        conference = os.urandom(16)
        self._guardians = [Guardian(self, terminal, conference) for terminal in terminals]
        self._interval = REQUESTS_A_CALL / requests_a_second
        self._turn = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def oldest(self) -> float:
        """When the request was sent that has waited longest, monotonic seconds; infinity for none."""
        return min(guardian.terminal.oldest for guardian in self._guardians)

    def mark(self) -> Tally:
        """Begin a new interval; the tally of the one before."""
        before, self.tally = self.tally, Tally()
        return before

    async def join(self) -> None:
        """Register and admit everybody.

        Raises:
            TerminalError: one isn't let in, so that there's nothing to load.
        """
        await asyncio.gather(*(guardian.register() for guardian in self._guardians))
        await asyncio.gather(*(guardian.enter() for guardian in self._guardians))

    def begin(self) -> None:
        """Make short calls and keepAlives from now on."""
        start = now().monotonic
        for number, guardian in enumerate(self._guardians):
            guardian.keep_alive_in(KEEP_ALIVE_EVERY * (number + 1) / len(self._guardians))
        self._tick(Pace(start, self._interval))

    def _tick(self, pace: Pace) -> None:
        moment = now().monotonic
        self.tally.skipped += pace.advance(moment)
        guardian = self._guardians[self._turn % len(self._guardians)]
        self._turn += 1
        if guardian.terminal.waiting < MOST_WAITING:
            guardian.call()
        else:
            self.tally.skipped += 1
        self._timer = asyncio.get_running_loop().call_at(pace.due, self._tick, pace)

    def end(self) -> None:
        """Begin nothing new."""
        if self._timer is not None:
            self._timer.cancel()
        for guardian in self._guardians:
            guardian.end()

    async def leave(self) -> None:
        """End the held calls, which shows that they were there, and unregister everybody."""
        await asyncio.gather(*(guardian.leave() for guardian in self._guardians))


class Guardian:
    """One of the council."""

    def __init__(self, load: Load, terminal: Terminal, conference: bytes) -> None:
        self.terminal = terminal
        self._load = load
        self._conference = conference
        self._held: Call | None = None
        self._joining = False
        self._ended = False
        terminal.unregistered = self._unregistered
        terminal.disengaged = self._disengaged

    async def register(self) -> None:
        """Register in full.

        Raises:
            TerminalError: refused, or nobody answers.
        """
        self._expect(await self.terminal.asked(self.terminal.endpoint.registration(), role="member"))

    async def enter(self) -> None:
        """Be admitted to the conference, to stay.

        Raises:
            TerminalError: refused, or nobody answers.
        """
        call = Call.new(self._conference, os.urandom)
        self._expect(await self.terminal.asked(self.terminal.endpoint.admission(call, LEG_BPS), role="held"))
        self._held = call

    def _expect(self, outcome: Outcome[Any]) -> None:
        if not isinstance(outcome, Confirmed):
            who = self.terminal.endpoint.identity.name
            raise TerminalError(f"{who} cannot join the conference: {outcome.summary}")

    async def leave(self) -> None:
        """End the held call and the registration, as far as somebody answers."""
        if self._held is not None:
            outcome = await self.terminal.asked(self.terminal.endpoint.disengagement(self._held), role="held")
            self._load.held_lost += isinstance(outcome, Refused) and not is_undecided(outcome)
        await self.terminal.asked(self.terminal.endpoint.unregistration(), role="member")

    def end(self) -> None:
        """Begin nothing new, and don't go on with what was planned."""
        self._ended = True

    # Short calls

    def call(self) -> None:
        """Call oneself, which takes no port of an MCU, and end it after a moment."""
        endpoint = self.terminal.endpoint
        call = Call.new(os.urandom(16), os.urandom)

        def admitted(outcome: Outcome[Any], _arrived: Instant) -> None:
            if isinstance(outcome, Confirmed):
                self._later(SHORT_CALL, lambda: self._disengage(call, clean_up=False))
            elif is_undecided(outcome):
                self._later(ASK_AGAIN, lambda: self._disengage(call, clean_up=True))

        self._ask(endpoint.admission(call, PROBE_BPS, to=endpoint.identity.name), admitted, role="short")

    def _disengage(self, call: Call, *, clean_up: bool) -> None:
        def disengaged(outcome: Outcome[Any], _arrived: Instant) -> None:
            if is_undecided(outcome):
                self._later(ASK_AGAIN, lambda: self._disengage(call, clean_up=True))

        self._ask(self.terminal.endpoint.disengagement(call), disengaged, role="short", clean_up=clean_up)

    # Staying

    def keep_alive_in(self, seconds: float) -> None:
        """Ask for the registration to be kept alive, from then on again and again."""
        self._later(seconds, self._keep_alive)

    def _keep_alive(self) -> None:
        def kept(outcome: Outcome[Any], _arrived: Instant) -> None:
            self.keep_alive_in(KEEP_ALIVE_EVERY)
            if is_unregistered(outcome):
                self._rejoin()

        self._ask(self.terminal.endpoint.keep_alive(), kept, role="member")

    def _rejoin(self) -> None:
        """The registration is gone, and the held call with it: come back, so that the load stays what it was."""
        if self._joining or self._ended:
            return
        self._joining = True
        self._lose_held()

        def registered(outcome: Outcome[Any], _arrived: Instant) -> None:
            self._joining = False
            if isinstance(outcome, Confirmed):
                self._reenter()
            else:
                self._later(ASK_AGAIN, self._rejoin)

        self._ask(self.terminal.endpoint.registration(), registered, role="member")

    def _reenter(self) -> None:
        call = Call.new(self._conference, os.urandom)

        def admitted(outcome: Outcome[Any], _arrived: Instant) -> None:
            if isinstance(outcome, Confirmed):
                self._held = call
            else:
                self._later(ASK_AGAIN, self._reenter)

        self._ask(self.terminal.endpoint.admission(call, LEG_BPS), admitted, role="held")

    def _lose_held(self) -> None:
        self._load.held_lost += self._held is not None
        self._held = None

    def _unregistered(self) -> None:
        self._load.tally.unregistered += 1
        self._rejoin()

    def _disengaged(self, call: Call) -> None:
        self._load.tally.disengaged += 1
        if call == self._held:
            self._lose_held()
            self._reenter()

    # Asking

    def _ask(self, request: Request[Any], then: Then, *, role: str, clean_up: bool = False) -> None:
        def finished(outcome: Outcome[Any], arrived: Instant) -> None:
            self._load.tally.note(outcome, clean_up=clean_up)
            self._load.row.note(outcome, arrived)
            if not self._ended:
                then(outcome, arrived)

        self._load.tally.sent += 1
        self.terminal.ask(request, finished, role=role, clean_up=clean_up)

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        def unless_ended() -> None:
            if not self._ended:
                do()

        asyncio.get_running_loop().call_later(seconds, unless_ended)
