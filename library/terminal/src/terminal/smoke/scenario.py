"""The steps of the 8-guardian test."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from h323.council import CallProfile, CallType, RefusalName
from h323.h235 import ED25519_OID
from h323.ras import GatekeeperConfirm, encode

from terminal.client import Address, Client
from terminal.core import Confirmed, Identity, NoAnswer, Outcome, Refused
from terminal.smoke.council import Council

CONFERENCE_CAPACITY = 25
_LEG_BPS = 64_000
_OVER_QUOTA = 8
"""Calls of 2 Mbit/s, one of which at the latest is above a quota of 10 Mbit/s."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was expected, what came, and how long it took."""

    name: str
    expected: str
    got: str
    ok: bool | None
    """None: the step was left out, and `got` says why."""
    milliseconds: float


class StepFailedError(Exception):
    """Something else came than what was expected; the text says what."""


class Scenario:
    """One run against one gatekeeper."""

    def __init__(self, council: Council, gatekeeper: Address) -> None:
        self._council = council
        self._gatekeeper = gatekeeper
        self.clients = [Client(identity, gatekeeper) for identity in council.guardians]
        self._guests: list[Client] = []
        self._conference = os.urandom(16)
        self._calls: list[tuple[Client, bytes, bytes]] = []

    def steps(self) -> Iterable[tuple[str, str, Callable[[], Awaitable[str]]]]:
        """Name, expectation and function of each step, in order. A step's function gives what came."""
        # What needs calls in other conferences comes first: a full council may leave the MCU no free port.
        many = f"{len(self.clients)} guardians"
        refused = RefusalName
        return (
            ("discovery", "GCF with Ed25519", self._discover),
            (f"register {many}", "RCF", self._register),
            ("keepAlive", "RCF", self._keep_alive),
            ("retransmitted ARQ", "the identical answer", self._retransmit),
            ("above the quota", refused.BANDWIDTH_EXCEEDED.value, self._quota),
            (f"admit {many}", "ACF", self._admit),
            ("unsigned ARQ", refused.INVALID_SIGNATURE.value, self._unsigned),
            ("bad signature", refused.INVALID_SIGNATURE.value, self._bad_signature),
            ("unknown guardian", refused.INVALID_SIGNATURE.value, self._unknown_guardian),
            ("replay from elsewhere", refused.INVALID_SIGNATURE.value, self._replay),
            ("not registered", refused.NOT_REGISTERED.value, self._not_registered),
            ("suspended guardian", refused.SUSPENDED.value, self._suspended),
            ("PII in ESCALATE", refused.PII_POLICY_VIOLATION.value, self._pii),
            ("26th in the conference", refused.CAPACITY_EXCEEDED.value, self._capacity),
            ("unknown call", refused.UNKNOWN_CALL.value, self._unknown_call),
            ("disengage all", "DCF", self._disengage),
            ("unregister all", "UCF", self._unregister),
            ("ARQ afterwards", refused.NOT_REGISTERED.value, self._admit_afterwards),
        )

    async def _each(self, asks: Iterable[Awaitable[Outcome]], what: str) -> str:
        outcomes = await asyncio.gather(*asks)
        for outcome in outcomes:
            _confirmed(outcome)
        return f"{what} x{len(outcomes)}"

    async def _discover(self) -> str:
        client = self.clients[0]
        request = client.endpoint.discovery()
        message = _confirmed(await client.ask_octets(request, encode(request))).message
        if not isinstance(message, GatekeeperConfirm) or message.algorithm_oid != ED25519_OID:
            raise StepFailedError(f"{type(message).__name__} without Ed25519")
        return "GCF with Ed25519"

    async def _register(self) -> str:
        return await self._each([one.ask(one.endpoint.registration()) for one in self.clients], "RCF")

    async def _keep_alive(self) -> str:
        asks = [one.ask(one.endpoint.registration(keep_alive=True)) for one in self.clients]
        return await self._each(asks, "RCF")

    async def _call(self, client: Client, conference: bytes, bandwidth_bps: int) -> Outcome:
        call = os.urandom(16)
        outcome = await client.ask(client.endpoint.admission(conference, call, bandwidth_bps, CallProfile()))
        if isinstance(outcome, Confirmed):
            self._calls.append((client, conference, call))
        return outcome

    async def _admit(self) -> str:
        return await self._each([self._call(one, self._conference, _LEG_BPS) for one in self.clients], "ACF")

    async def _retransmit(self) -> str:
        client = self.clients[0]
        call = os.urandom(16)
        conference = os.urandom(16)
        request = client.endpoint.admission(conference, call, _LEG_BPS, CallProfile())
        datagram = client.endpoint.signed(request, time.time())
        first = _confirmed(await client.ask_octets(request, datagram))
        self._calls.append((client, conference, call))
        again = _confirmed(await client.ask_octets(request, datagram))
        if first.datagram != again.datagram:
            raise StepFailedError("another answer than the first time")
        await self._disengage()
        return "the identical answer"

    async def _unsigned(self) -> str:
        client = self.clients[0]
        request = client.endpoint.admission(self._conference, os.urandom(16), _LEG_BPS, CallProfile())
        return _refused(await client.ask_octets(request, encode(request)))

    async def _bad_signature(self) -> str:
        forger = self._guest(replace(self._council.guardians[0], key=Ed25519PrivateKey.generate()))
        forger.endpoint.endpoint_identifier = self.clients[0].endpoint.endpoint_identifier
        return _refused(await self._call(forger, self._conference, _LEG_BPS))

    async def _unknown_guardian(self) -> str:
        nobody = replace(self._council.guardians[0], terminal_id="if://guardian/nobody-at-all")
        client = self._guest(nobody)
        return _refused(await client.ask(client.endpoint.registration()))

    async def _replay(self) -> str:
        client = self.clients[0]
        request = client.endpoint.registration(keep_alive=True)
        datagram = client.endpoint.signed(request, time.time())
        _confirmed(await client.ask_octets(request, datagram))
        thief = self._guest(self._council.guardians[0])
        return _refused(await thief.ask_octets(request, datagram))

    async def _not_registered(self) -> str:
        # The key is right, and the guardian has a registration, but this isn't its endpointIdentifier.
        client = self._guest(self._council.guardians[0])
        return _refused(await self._call(client, self._conference, _LEG_BPS))

    async def _suspended(self) -> str:
        if self._council.suspended is None:
            raise LookupError("no suspended guardian with a key is enrolled")
        client = self._guest(self._council.suspended)
        return _refused(await client.ask(client.endpoint.registration()))

    async def _pii(self) -> str:
        client = self.clients[0]
        profile = CallProfile(CallType.ESCALATE, pii=True, purpose="8-guardian test")
        return _refused(
            await client.ask(client.endpoint.admission(self._conference, os.urandom(16), _LEG_BPS, profile))
        )

    async def _capacity(self) -> str:
        for number in range(len(self.clients), CONFERENCE_CAPACITY):
            client = self.clients[number % len(self.clients)]
            _confirmed(await self._call(client, self._conference, _LEG_BPS))
        return _refused(await self._call(self.clients[0], self._conference, _LEG_BPS))

    async def _quota(self) -> str:
        conference = os.urandom(16)
        for _ in range(_OVER_QUOTA):
            outcome = await self._call(self.clients[-1], conference, 2_000_000)
            if not isinstance(outcome, Confirmed):
                await self._disengage()
                return _refused(outcome)
        raise StepFailedError(f"{_OVER_QUOTA} calls of 2 Mbit/s were admitted")

    async def _unknown_call(self) -> str:
        client = self.clients[0]
        return _refused(await client.ask(client.endpoint.disengagement(self._conference, os.urandom(16))))

    async def _disengage(self) -> str:
        asks = []
        while self._calls:
            client, conference, call = self._calls.pop()
            # One request at a time from an endpoint, as terminals do.
            asks.append(_confirmed(await client.ask(client.endpoint.disengagement(conference, call))))
        return f"DCF x{len(asks)}"

    async def _unregister(self) -> str:
        return await self._each([one.ask(one.endpoint.unregistration()) for one in self.clients], "UCF")

    async def _admit_afterwards(self) -> str:
        return _refused(await self._call(self.clients[0], self._conference, _LEG_BPS))

    def _guest(self, identity: Identity) -> Client:
        client = Client(identity, self._gatekeeper)
        self._guests.append(client)
        return client

    async def clean_up(self) -> None:
        """Leave nothing behind, whatever happened: unregistering ends the calls too."""
        registered = [one for one in self.clients if one.endpoint.endpoint_identifier]
        await asyncio.gather(*(one.ask(one.endpoint.unregistration()) for one in registered))

    def close(self) -> None:
        """Close the sockets."""
        for client in (*self.clients, *self._guests):
            client.close()


def _confirmed(outcome: Outcome) -> Confirmed:
    if isinstance(outcome, Confirmed):
        return outcome
    raise StepFailedError(_say(outcome))


def _refused(outcome: Outcome) -> str:
    if isinstance(outcome, Refused) and outcome.refusal is not None:
        return outcome.refusal.name.value
    raise StepFailedError(_say(outcome))


def _say(outcome: Outcome) -> str:
    if isinstance(outcome, NoAnswer):
        return "no answer" + (f" ({outcome.ignored} datagrams not believed)" if outcome.ignored else "")
    if isinstance(outcome, Refused):
        why = f"{outcome.refusal.name.value}: {outcome.refusal.detail}" if outcome.refusal else "no name"
        return f"refused, {outcome.reason} ({why})"
    return f"confirmed by {type(outcome.message).__name__}"


async def run_scenario(council: Council, gatekeeper: Address, tell: Callable[[Step], None]) -> list[Step]:
    """Run all steps, telling each as it is done. After a failed one nothing else is tried, and all is cleaned up."""
    scenario = Scenario(council, gatekeeper)
    done: list[Step] = []
    try:
        for name, expected, act in scenario.steps():
            step = await _run_step(name, expected, act)
            done.append(step)
            tell(step)
            if step.ok is False:
                await scenario.clean_up()
                break
    finally:
        scenario.close()
    return done


async def _run_step(name: str, expected: str, act: Callable[[], Awaitable[str]]) -> Step:
    started = time.monotonic()
    try:
        got = await act()
        ok: bool | None = got == expected or got.startswith(f"{expected} x")
    except StepFailedError as error:
        got, ok = str(error), False
    except LookupError as error:
        got, ok = f"left out: {error}", None
    return Step(name, expected, got, ok, round((time.monotonic() - started) * 1000, 1))
