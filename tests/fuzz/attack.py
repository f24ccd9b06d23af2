"""What an adversary sends: valid messages of all kinds, signed and not, spoilt, and from everywhere."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from gatekeeper.core import Address
from h323.ras import CallIdentifier, RasMessage, encode

from library.gatekeeper.tests.core.zone import CONFERENCE, IDENTIFIER, Terminal
from library.h323.tests.erlang.samples import Sampler

from .mutation import mutate

VECTORS = Path(__file__).parents[2] / "library" / "h323" / "tests" / "data" / "h225_ras.json"
_FRESH_FOR = 10_000
"""Messages after which signed material is made anew: its timeStamp has nearly left the window."""
_RANDOM_MESSAGES = 600
_KEPT = 200
"""Datagrams seen on the wire that are kept for replays."""


class Hostile(NamedTuple):
    """One datagram of the attack."""

    kind: str
    datagram: bytes
    source: Address


class Attack:
    """Makes datagrams without end, the same for the same seed.

    `insider` is a guardian whose key is valid, and who abuses it: only what is signed well gets past the signature.
    `register` registers the insider, so that more than the registration is reached.
    """

    def __init__(self, insider: Terminal, register: Callable[[], object], seed: int) -> None:
        self._insider = insider
        self._register = register
        self._chance = random.Random(seed)
        self._sampler = Sampler(seed)
        vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
        self._vectors = [bytes.fromhex(octets) for octets in vectors.values()]
        self._messages: list[RasMessage] = []
        self._signed: list[bytes] = []
        self._overheard: list[bytes] = []
        self._sources = [self._anywhere() for _ in range(20)]
        self._made = 0

    def overhear(self, datagram: bytes) -> None:
        """Take note of an honest datagram, to replay and to spoil it."""
        self._overheard = [*self._overheard[-_KEPT:], datagram]

    def next(self) -> Hostile:
        """The next datagram."""
        kind, datagram = mutate(self._chance, self.valid(), self.valid())
        return Hostile(kind, datagram, self._source())

    def valid(self) -> bytes:
        """The datagram of a valid message, signed or not."""
        if self._made >= _FRESH_FOR or not self._signed:
            self.renew()
        self._made += 1
        pools = (self._vectors, self._signed, self._signed, self._overheard or self._vectors)
        if self._chance.random() < 0.1:
            return encode(self._chance.choice(self._messages))
        return self._chance.choice(self._chance.choice(pools))

    def renew(self) -> None:
        """Register the insider and make the material anew: after a time, or when its endpointIdentifier isn't valid."""
        self._register()
        self._made = 0
        values = [self._sampler.sample("RasMessage", 60, density).value[1] for density in _densities()]
        self._messages = [value for value in values if _encodable(value)]
        plausible = [self._plausible(value) for value in self._messages if hasattr(value, "crypto_tokens")]
        requests: list[Callable[[], RasMessage]] = [
            self._insider.registration,
            lambda: self._insider.registration(keep_alive=True),
            lambda: self._insider.admission(self._chance.randrange(100)),
            lambda: self._insider.disengagement(self._chance.randrange(100)),
        ]
        usual = [self._insider.unregistration(), *(make() for make in requests for _ in range(20))]
        self._signed = [self._insider.signed(message) for message in (*usual, *plausible) if _encodable(message)]

    def _plausible(self, message: Any) -> RasMessage:
        """With some of what a gatekeeper looks at first being right, so that it looks further."""
        right = {
            "endpoint_identifier": self._insider.endpoint_identifier or None,
            "gatekeeper_identifier": IDENTIFIER,
            "conference_id": CONFERENCE,
            "call_identifier": CallIdentifier(guid=self._insider.call_identifier(self._chance.randrange(100))),
            "destination_info": (("h323-ID", self._chance.choice(("council", "alice", "bob"))),),
            "call_signal_address": (self._insider.address(1720),),
            "ras_address": (self._insider.address(1719),),
            "terminal_alias": (("h323-ID", "eve"),),
        }
        fitting = {
            name: value
            for name, value in right.items()
            if value is not None and _same_shape(getattr(message, name, None), value) and self._chance.random() < 0.7
        }
        changed: RasMessage = replace(message, **fitting)
        return changed

    def _anywhere(self) -> Address:
        if self._chance.random() < 0.2:
            return f"2001:db8::{self._chance.randrange(1 << 16):x}:{self._chance.randrange(1 << 16):x}", 1719
        low = self._chance.randrange(1 << 17)
        return f"198.{18 + (low >> 16)}.{low >> 8 & 255}.{low & 255}", self._chance.randrange(1, 65_536)

    def _source(self) -> Address:
        """Mostly somebody new, sometimes one of a few, or the insider."""
        choice = self._chance.random()
        if choice < 0.6:
            return self._anywhere()
        return self._chance.choice(self._sources) if choice < 0.8 else self._insider.source


def _densities() -> list[float]:
    return [number / _RANDOM_MESSAGES for number in range(_RANDOM_MESSAGES)]


def _encodable(message: RasMessage) -> bool:
    return len(encode(message)) < 4_000


def _same_shape(present: object, value: object) -> bool:
    """RRQ's call_signal_address is a list, for example, ARQ's is one."""
    if isinstance(value, tuple) and isinstance(present, tuple):
        return bool(value) and bool(present) and type(value[0]) is type(present[0])
    return type(present) is type(value)
