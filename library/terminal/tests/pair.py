"""A terminal's endpoint and a gatekeeper's core, face to face in memory: real messages, no socket, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from gatekeeper.core import Commit, CoreSettings, Gatekeeper, Mcu, Send
from gatekeeper.core import Instant as GatekeeperInstant
from gatekeeper.registry import Guardian, KeySlot, Registry
from gatekeeper.store import Snapshot, Term
from h323.h235 import PrivateKey, challenge_of, sign
from h323.ras import RasMessage
from terminal.core import (
    Effect,
    Endpoint,
    Finished,
    Identity,
    Instant,
    Outcome,
    Prepared,
    Request,
    RetransmissionPolicy,
    Transmit,
)
from terminal.core.endpoint import Address
from terminal.core.outcome import ConfirmT

IDENTIFIER = "guardian-council"
START = Instant(1_000.0, 1_800_000_000.0)
CONFERENCE = bytes(range(16))


def private_key(name: str) -> PrivateKey:
    """A key of this name, the same in every run."""
    return PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def identity(name: str, key: PrivateKey | None = None) -> Identity:
    gatekeeper_key = private_key(IDENTIFIER).public_key()
    return Identity(f"if://guardian/{name}", key or private_key(name), IDENTIFIER, gatekeeper_key)


def guardian(name: str, status: str = "active") -> Guardian:
    slot = KeySlot(1, private_key(name).public_key(), "active", 0.0, None, None)
    return Guardian(f"if://guardian/{name}", (name,), "guardian", status, 10_000_000, 0.0, (slot,))


def random_source(seed: str) -> Callable[[int], bytes]:
    """Octets that look random and are the same in every run."""
    count = 0

    def random_bytes(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.sha256(f"{seed} {count}".encode()).digest()[:size]

    return random_bytes


def from_gatekeeper(
    message: RasMessage,
    general_id: str | None,
    answered: bytes | None,
    unix: float = START.unix,
    key: PrivateKey | None = None,
    senders_id: str = IDENTIFIER,
) -> bytes:
    """A datagram as the gatekeeper signs it, unless told otherwise; `answered` is the request that it answers."""
    return sign(
        message,
        key=key or private_key(IDENTIFIER),
        senders_id=senders_id,
        general_id=general_id,
        time_stamp=int(unix),
        random=1,
        challenge=challenge_of(answered) if answered is not None else None,
    )


class Pair:
    """A gatekeeper, and any number of endpoints."""

    def __init__(self, *guardians: Guardian, policy: RetransmissionPolicy | None = None) -> None:
        self.now = START
        self.policy = policy
        self.registry = Registry(guardians or (guardian("alice"), guardian("bob")))
        settings = CoreSettings(
            node="gk1",
            gatekeeper_identifier=IDENTIFIER,
            ras_address=("192.0.2.10", 1719),
            mcus=(Mcu("mcu1", ("192.0.2.21", 1720)),),
        )
        snapshot = Snapshot(Term(1, "gk1", 0.0, 0.0), None, {}, {"h323_ras": 0, "failover": 0})
        key, entropy = private_key(IDENTIFIER), random_source("gatekeeper")
        self.gatekeeper = Gatekeeper(settings, self.registry, key, snapshot, self._instant(), entropy)
        self._addresses: dict[int, Address] = {}

    def _instant(self) -> GatekeeperInstant:
        return GatekeeperInstant(self.now.monotonic, self.now.unix)

    def endpoint(self, who: Identity, host: int = 101) -> Endpoint:
        address = (f"192.0.2.{host}", 1719)
        endpoint = Endpoint(who, address, random_source(f"{who.terminal_id} {host}"), self.policy)
        self._addresses[id(endpoint)] = address
        return endpoint

    def wait(self, seconds: float) -> None:
        self.now = Instant(self.now.monotonic + seconds, self.now.unix + seconds)

    def answers(self, endpoint: Endpoint, datagram: bytes) -> list[bytes]:
        """What the gatekeeper sends to this endpoint for a datagram."""
        effects = self.gatekeeper.receive(datagram, self._addresses[id(endpoint)], self._instant())
        return self.sent(effects)

    def sent(self, effects: list[Any]) -> list[bytes]:
        """Datagrams among the gatekeeper's effects, once its commits are durable."""
        sent: list[bytes] = []
        for effect in effects:
            if isinstance(effect, Commit):
                sent += self.sent(self.gatekeeper.committed(effect.number, self._instant()))
            elif isinstance(effect, Send):
                sent.append(effect.datagram)
        return sent

    def prepare(self, endpoint: Endpoint, request: Request[ConfirmT]) -> Prepared[ConfirmT]:
        return endpoint.prepare(request, self.now.unix)

    def ask(self, endpoint: Endpoint, request: Request[ConfirmT]) -> Outcome[ConfirmT]:
        return self.deliver(endpoint, self.prepare(endpoint, request))

    def deliver(self, endpoint: Endpoint, prepared: Prepared[ConfirmT]) -> Outcome[ConfirmT]:
        """Carry datagrams to and fro until the request has its outcome."""
        effects: list[Effect] = endpoint.send(prepared, self.now)
        while effects:
            effect = effects.pop(0)
            if isinstance(effect, Finished):
                outcome: Outcome[ConfirmT] = effect.outcome
                return outcome
            if isinstance(effect, Transmit):
                for answer in self.answers(endpoint, effect.datagram):
                    effects += endpoint.receive(answer, self.now)
        raise AssertionError("the gatekeeper kept silent")
