"""An endpoint on a UDP socket of its own, in asyncio."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from h323.council import CallProfile
from h323.ras import (
    AdmissionConfirm,
    DisengageConfirm,
    GatekeeperConfirm,
    RegistrationConfirm,
    UnregistrationConfirm,
)

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
    Prepared,
    Request,
    RetransmissionPolicy,
    Transmit,
    Unregistered,
)
from terminal.core.endpoint import Address
from terminal.core.outcome import ConfirmT
from terminal.errors import TerminalError


@dataclass(slots=True)
class Statistics:
    """What a client has seen so far."""

    requests: int = 0
    retries: int = 0
    unregistered: int = 0
    """How often the gatekeeper ended the registration by itself."""
    disengaged: int = 0
    """How often it ended a call by itself."""
    latencies: list[float] = field(default_factory=list)
    """Seconds from the first sending to the answer, of each request that was answered."""

    def note(self, outcome: Outcome[Any]) -> None:
        """Count the outcome of one request."""
        self.requests += 1
        self.retries += outcome.attempts - 1
        if not isinstance(outcome, NoAnswer):
            self.latencies.append(outcome.seconds)


class _Wire(asyncio.DatagramProtocol):
    """Hands on what arrives."""

    def __init__(self) -> None:
        self.receiver: Callable[[bytes], None] = lambda _datagram: None

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Part of asyncio's protocol."""
        del addr
        self.receiver(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody is there at the moment, or there's no route: a retransmission will tell."""


class Client:
    """A guardian's endpoint, talking to one gatekeeper. Make it with `Client.open`, end it with `close`."""

    def __init__(self, transport: asyncio.DatagramTransport, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.statistics = Statistics()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, asyncio.Future[Outcome[Any]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, identity: Identity, gatekeeper: Address, policy: RetransmissionPolicy | None = None) -> Client:
        """A client for this guardian at this gatekeeper (name or address, and port).

        Raises:
            TerminalError: the name can't be resolved, or there's no way there.
        """
        return await cls.open_for(lambda address: Endpoint(identity, address, os.urandom, policy), gatekeeper)

    @classmethod
    async def open_for(cls, make: Callable[[Address], Endpoint], gatekeeper: Address) -> Client:
        """As `open`, for the endpoint that `make` makes for the address that it will have.

        Raises:
            TerminalError: as `open`.
        """
        loop = asyncio.get_running_loop()
        try:
            # Connected: the kernel drops what others than the gatekeeper send, and tells us our own address.
            transport, wire = await loop.create_datagram_endpoint(_Wire, remote_addr=gatekeeper)
        except OSError as error:
            why = error.strerror or str(error)
            where = f"{gatekeeper[0]} port {gatekeeper[1]}"
            raise TerminalError(f"{where} cannot be reached ({why}); give the gatekeeper as HOST[:PORT]") from error
        host, port = transport.get_extra_info("sockname")[:2]
        client = cls(transport, make((host, port)))
        wire.receiver = client.receive
        return client

    def close(self) -> None:
        """Close the socket. Whoever still waits for an answer is cancelled."""
        if self._timer is not None:
            self._timer.cancel()
        for future in self._waiting.values():
            future.cancel()
        self._transport.close()

    async def discover(self) -> Outcome[GatekeeperConfirm]:
        """Ask the gatekeeper who it is and how to sign."""
        return await self.ask(self.endpoint.discovery())

    async def register(self) -> Outcome[RegistrationConfirm]:
        """Register in full."""
        return await self.ask(self.endpoint.registration())

    async def keep_alive(self) -> Outcome[RegistrationConfirm]:
        """Keep the registration alive."""
        return await self.ask(self.endpoint.keep_alive())

    async def admit(
        self, call: Call, bandwidth_bps: int, profile: CallProfile | None = None, to: str = "council"
    ) -> Outcome[AdmissionConfirm]:
        """Ask for admission of a call; `bandwidth_bps` in bit/s."""
        return await self.ask(self.endpoint.admission(call, bandwidth_bps, profile, to))

    async def disengage(self, call: Call) -> Outcome[DisengageConfirm]:
        """End a call."""
        return await self.ask(self.endpoint.disengagement(call))

    async def unregister(self) -> Outcome[UnregistrationConfirm]:
        """End the registration and all its calls."""
        return await self.ask(self.endpoint.unregistration())

    async def ask(self, request: Request[ConfirmT]) -> Outcome[ConfirmT]:
        """Sign a request, send it, and wait for its outcome."""
        return await self.deliver(self.prepare(request))

    def prepare(self, request: Request[ConfirmT]) -> Prepared[ConfirmT]:
        """Sign a request with the present time."""
        return self.endpoint.prepare(request, time.time())

    def prepare_unsigned(self, request: Request[ConfirmT]) -> Prepared[ConfirmT]:
        """A request without a signature."""
        return self.endpoint.prepare_unsigned(request, time.time())

    async def deliver(self, prepared: Prepared[ConfirmT]) -> Outcome[ConfirmT]:
        """Send a prepared request and wait for its outcome; one that was sent before is a retransmission."""
        future: asyncio.Future[Outcome[ConfirmT]] = self._loop.create_future()
        effects = self.endpoint.send(prepared, self._now())
        self._waiting[prepared.request_seq_num] = future
        self._carry_out(effects)
        return await future

    def receive(self, datagram: bytes) -> None:
        """Take what arrived on the socket."""
        self._carry_out(self.endpoint.receive(datagram, self._now()))

    def wake(self) -> None:
        """Do what is due by now; also to be called when the endpoint was given something to do."""
        self._carry_out(self.endpoint.timeout(self._now()))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Transmit):
                self._transport.sendto(effect.datagram)
            elif isinstance(effect, Finished):
                self.statistics.note(effect.outcome)
                future = self._waiting.pop(effect.prepared.request_seq_num)
                if not future.done():
                    future.set_result(effect.outcome)
            elif isinstance(effect, Unregistered):
                self.statistics.unregistered += 1
            elif isinstance(effect, Disengaged):
                self.statistics.disengaged += 1
        if self._timer is not None:
            self._timer.cancel()
        at = self.endpoint.next_timeout
        self._timer = self._loop.call_at(at, self.wake) if at is not None else None

    def _now(self) -> Instant:
        return Instant(self._loop.time(), time.time())
