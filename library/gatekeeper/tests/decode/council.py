"""A council in memory: real messages of our terminal and our gatekeeper, no socket and no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gatekeeper.core import Commit, CoreSettings, Gatekeeper, Instant, Mcu, Send
from gatekeeper.registry import Guardian, KeySlot, Registry
from gatekeeper.store import Snapshot, Term
from h323.council import CallProfile, CallType
from h323.h235 import PrivateKey, sign
from h323.ras import (
    AdmissionRequest,
    DisengageRequest,
    RasMessage,
    RegistrationConfirm,
    RegistrationRequest,
    decode,
    encode,
)
from terminal.core import Call, Endpoint, Identity

from .captures import GATEKEEPER, Sent

IDENTIFIER = "guardian-council"
START = 1_800_000_000
"""Unix seconds."""
ANSWER_TIME = 1_234_000
"""Nanoseconds that the gatekeeper takes."""
CONFERENCE = bytes(range(16))
PURPOSE = "Budget of Anna Example"
SIP = b"OPTIONS sip:anna@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.66\r\n\r\n"
SETUP = bytes.fromhex("0300000d08020001050403 8890".replace(" ", ""))
"""A Q.931 SETUP that begins with a bearer capability, in TPKT."""
NAMES = ("alice", "bob", "carol")


def private_key(name: str) -> PrivateKey:
    """A key of this name, the same in every run."""
    return PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def random_source(seed: str) -> Callable[[int], bytes]:
    """Octets that look random and are the same in every run."""
    count = 0

    def random_bytes(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.sha256(f"{seed} {count}".encode()).digest()[:size]

    return random_bytes


def registry() -> Registry:
    def guardian(name: str) -> Guardian:
        slot = KeySlot(1, private_key(name).public_key(), "active", 0.0, None, None)
        return Guardian(f"if://guardian/{name}", (name,), "guardian", "active", 10_000_000, 0.0, (slot,))

    return Registry(tuple(map(guardian, NAMES)))


class Terminal:
    """A guardian's terminal, whose messages are signed as the test wants."""

    def __init__(self, name: str, host: int = 101, key: PrivateKey | None = None) -> None:
        self.source = (f"192.0.2.{host}", 1719)
        self._identity = Identity(
            f"if://guardian/{name}", key or private_key(name), IDENTIFIER, private_key(IDENTIFIER).public_key()
        )
        self.endpoint = Endpoint(self._identity, self.source, random_source(f"{name} {host}"))
        self.endpoint._request_seq_num = 0
        self._random = host * 1_000_000

    def signed(self, message: RasMessage, unix: int = START, general_id: str | None = IDENTIFIER) -> bytes:
        self._random += 1
        return sign(
            message,
            key=self._identity.key,
            senders_id=self._identity.terminal_id,
            general_id=general_id,
            time_stamp=unix,
            random=self._random,
        )

    def discovery(self) -> RasMessage:
        return self.endpoint.discovery().message

    def registration(self) -> RegistrationRequest:
        message = self.endpoint.registration().message
        assert isinstance(message, RegistrationRequest)
        return message

    def admission(
        self, call: int = 1, profile: CallProfile | None = None, bandwidth_bps: int = 64_000
    ) -> AdmissionRequest:
        message = self.endpoint.admission(_call(call), bandwidth_bps, profile).message
        assert isinstance(message, AdmissionRequest)
        return message

    def disengagement(self, call: int = 1) -> DisengageRequest:
        message = self.endpoint.disengagement(_call(call)).message
        assert isinstance(message, DisengageRequest)
        return message

    def unregistration(self) -> RasMessage:
        return self.endpoint.unregistration().message


def _call(number: int) -> Call:
    return Call(CONFERENCE, hashlib.sha256(bytes([number])).digest()[:16], number)


class Evening:
    """What a capture on the gatekeeper's host would have."""

    def __init__(self, whom: Registry | None = None) -> None:
        self.now = Instant(1_000.0, float(START))
        self.sent: list[Sent] = []
        settings = CoreSettings("gk1", IDENTIFIER, GATEKEEPER, mcus=(Mcu("mcu1", ("192.0.2.21", 1720)),))
        snapshot = Snapshot(Term(1, "gk1", 0.0, 0.0), None, {}, {"h323_ras": 0, "failover": 0})
        key, entropy = private_key(IDENTIFIER), random_source("gatekeeper")
        self._gatekeeper = Gatekeeper(settings, whom or registry(), key, snapshot, self.now, entropy)

    @property
    def unix(self) -> int:
        return int(self.now.unix)

    @property
    def time(self) -> int:
        """Nanoseconds since 1970."""
        return round(self.now.unix * 10) * 100_000_000

    def send(self, terminal: Terminal, datagram: bytes, seconds: float = 1.0) -> None:
        """A datagram that the gatekeeper never sees."""
        self.now = Instant(self.now.monotonic + seconds, self.now.unix + seconds)
        self.sent.append(Sent(datagram, terminal.source, GATEKEEPER, self.time))

    def carry(self, terminal: Terminal, datagram: bytes, seconds: float = 1.0) -> bytes:
        """A datagram to the gatekeeper, and its answer back."""
        self.send(terminal, datagram, seconds)
        (answer,) = self._answers(self._gatekeeper.receive(datagram, terminal.source, self.now))
        self.sent.append(Sent(answer, GATEKEEPER, terminal.source, self.time + ANSWER_TIME))
        return answer

    def _answers(self, effects: list[Any]) -> list[bytes]:
        answers: list[bytes] = []
        for effect in effects:
            if isinstance(effect, Commit):
                answers += self._answers(self._gatekeeper.committed(effect.number, self.now))
            elif isinstance(effect, Send):
                answers.append(effect.datagram)
        return answers

    def ask(self, terminal: Terminal, message: RasMessage, late: int = 0, general_id: str = IDENTIFIER) -> bytes:
        """A signed request and its answer; `late` is by how many seconds the terminal's clock is behind."""
        return self.carry(terminal, terminal.signed(message, self.unix + 1 - late, general_id))

    def register(self, terminal: Terminal) -> None:
        confirm = decode(self.ask(terminal, terminal.registration()))
        assert isinstance(confirm, RegistrationConfirm)
        terminal.endpoint.endpoint_identifier = confirm.endpoint_identifier


def evening() -> list[Sent]:
    """Good exchanges, every kind of bad one, and things that don't belong on the port."""
    one = Evening()
    alice, bob, carol = (Terminal(name, host) for name, host in zip(NAMES, (101, 102, 103), strict=True))
    stranger = Terminal("alice", 166, private_key("mallory"))
    one.carry(alice, encode(alice.discovery()))
    one.register(alice)
    profile = CallProfile(CallType.ESCALATE, pii=False, purpose=PURPOSE)
    request = alice.signed(alice.admission(1, profile, bandwidth_bps=384_000), one.unix + 1)
    one.carry(alice, request)
    one.carry(alice, request, 0.2)
    one.ask(alice, alice.admission(2, replace(profile, pii=True)))
    one.carry(stranger, request)
    stranger.endpoint.endpoint_identifier = alice.endpoint.endpoint_identifier
    one.ask(stranger, stranger.admission(3))
    one.carry(alice, encode(alice.admission(4)))
    one.ask(bob, bob.registration(), late=45)
    one.ask(bob, bob.registration(), general_id="other-council")
    one.send(bob, request[:120])
    one.send(stranger, SIP)
    one.send(stranger, SETUP)
    one.ask(alice, alice.disengagement(1))
    silent = carol.signed(carol.registration(), one.unix + 1)
    one.send(carol, silent)
    one.send(carol, silent, 0.2)
    return one.sent
