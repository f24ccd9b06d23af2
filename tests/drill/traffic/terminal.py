"""An endpoint on its wire: asks, sends again, keeps its answers for the verdict, and says what became of a request."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from terminal.core import (
    Call,
    Disengaged,
    Effect,
    Endpoint,
    Finished,
    Identity,
    Instant,
    NoAnswer,
    Outcome,
    RetransmissionPolicy,
    Transmit,
    Unregistered,
)
from terminal.core.request import Request

from .answers import AnswerLog, answer_of, is_durable
from .wire import Wire

Then = Callable[[Outcome[Any], Instant], None]


def now() -> Instant:
    """Now, by the event loop's clock."""
    return Instant(asyncio.get_running_loop().time(), time.time())


@dataclass(frozen=True, slots=True)
class _Asked:
    then: Then
    wire: Wire
    role: str
    clean_up: bool
    at: float
    """Monotonic seconds."""


class Terminal:
    """A guardian's endpoint. What the gatekeeper does by itself is told to `unregistered` and `disengaged`."""

    def __init__(self, wire: Wire, endpoint: Endpoint, log: AnswerLog, role: str) -> None:
        self.endpoint = endpoint
        self.wire = wire
        self.unregistered: Callable[[], None] = lambda: None
        self.disengaged: Callable[[Call], None] = lambda _call: None
        self._log = log
        self._role = role
        self._asked: dict[int, _Asked] = {}
        self._elsewhere: dict[bytes, Wire] = {}
        """Where requests under way are sent that don't go the terminal's own way: a retransmission goes there too."""
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self.listen(wire)

    @classmethod
    def of(cls, identity: Identity, wire: Wire, log: AnswerLog, role: str) -> Terminal:
        """A terminal with an ordinary endpoint, at the wire's address."""
        return cls(wire, Endpoint(identity, wire.address, os.urandom), log, role)

    def listen(self, wire: Wire) -> None:
        """Take what arrives on this wire, and answer there what is asked there."""

        def receive(datagram: bytes, arrived: Instant) -> None:
            self._carry_out(self.endpoint.receive(datagram, arrived), wire, arrived)

        wire.receiver = receive

    @property
    def waiting(self) -> int:
        """Requests without an answer yet."""
        return len(self._asked)

    @property
    def oldest(self) -> float:
        """When the request was sent that has waited longest for its answer, monotonic seconds; infinity for none."""
        return min((one.at for one in self._asked.values()), default=float("inf"))

    def ask(
        self,
        request: Request[Any],
        then: Then,
        *,
        role: str | None = None,
        wire: Wire | None = None,
        policy: RetransmissionPolicy | None = None,
        clean_up: bool = False,
    ) -> None:
        """Sign and send a request on this wire, its own unless said otherwise; `then` is called with its outcome."""
        moment = now()
        prepared = self.endpoint.prepare(request, moment.unix)
        wire = wire or self.wire
        self._asked[prepared.request_seq_num] = _Asked(then, wire, role or self._role, clean_up, moment.monotonic)
        if wire is not self.wire:
            self._elsewhere[prepared.datagram] = wire
        self._carry_out(self.endpoint.send(prepared, moment, policy), wire, moment)

    async def asked(self, request: Request[Any], *, role: str | None = None) -> Outcome[Any]:
        """As `ask`, and wait for the outcome."""
        future: asyncio.Future[Outcome[Any]] = self._loop.create_future()
        self.ask(request, lambda outcome, _arrived: future.set_result(outcome), role=role)
        return await future

    def wake(self) -> None:
        """Do what is due by now; also to be called when the endpoint was given something to do."""
        moment = now()
        self._carry_out(self.endpoint.timeout(moment), self.wire, moment)

    def close(self) -> None:
        """No more timers; the wires are their owner's to close."""
        if self._timer is not None:
            self._timer.cancel()

    def _carry_out(self, effects: list[Effect], wire: Wire, arrived: Instant) -> None:
        for effect in effects:
            if isinstance(effect, Transmit):
                self._elsewhere.get(effect.datagram, wire).send(effect.datagram)
            elif isinstance(effect, Finished):
                self._finished(effect, wire, arrived)
            elif isinstance(effect, Unregistered):
                self.unregistered()
            elif isinstance(effect, Disengaged):
                self.disengaged(effect.call)
        if self._timer is not None:
            self._timer.cancel()
        at = self.endpoint.next_timeout
        self._timer = self._loop.call_at(at, self.wake) if at is not None else None

    def _finished(self, finished: Finished, wire: Wire, arrived: Instant) -> None:
        asked = self._asked.pop(finished.prepared.request_seq_num)
        self._elsewhere.pop(finished.prepared.datagram, None)
        if is_durable(finished):
            answer = answer_of(
                finished,
                asked.wire.address,
                # Where it came from, whomever was asked: the verdict is to know.
                asked.wire.peer if isinstance(finished.outcome, NoAnswer) else wire.peer,
                arrived.unix,
                terminal_id=self.endpoint.identity.terminal_id,
                role=asked.role,
                clean_up=asked.clean_up,
            )
            self._log.note(answer)
        asked.then(finished.outcome, arrived)
