"""The signature token of a message: what it says, how fresh it is, whether it holds, and if not, why.

A receiver stops at the first reason (docs/protocol.md, "Order of checks"). This goes on: somebody who looks for a
cause wants to know that a message is too old and that its key is good.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from h323.h235 import PublicKey, SignedToken, TokenError, read_token, verify
from h323.ras import GatekeeperReject, GatekeeperRequest

from gatekeeper.decode.capture import NANOSECONDS
from gatekeeper.decode.packets import Datagram
from gatekeeper.decode.pairing import Exchange, Relation
from gatekeeper.decode.reading import Message
from gatekeeper.registry import Guardian, KeySlot, Registry

_MOST_REMEMBERED = 100_000
"""Tokens; further ones push out the oldest."""
_MOST_STRANGERS = 200
"""Other guardians' keys that are tried to say whose a signature is."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What signatures are checked against; what isn't given isn't checked."""

    registry: Registry | None = None
    gatekeeper: PublicKey | None = None
    gatekeeper_identifier: str = "guardian-council"
    window: int = 30
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a signature doesn't count."""

    name: str
    """For programs: "bad signature"."""
    detail: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Check:
    """What there is to say of a message's signature."""

    token: SignedToken | None
    age: float | None
    """Seconds from the token's timeStamp to the capture; None where the capture has no times."""
    problems: tuple[Problem, ...]
    """In the order of a receiver's checks: the first decides."""
    verified: bool
    """Whether there was a key to check with; then no problems means that the signature is good."""
    key: str | None
    """Which key the signature holds for."""
    not_verified: str | None = None
    """Why there was no check."""

    @property
    def good(self) -> bool:
        """Whether the signature was checked and holds."""
        return self.verified and not self.problems


class Checker:
    """Checks the messages of one capture, in their order."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._seen: OrderedDict[tuple[str, int, int], int] = OrderedDict()

    def check(self, message: Message, datagram: Datagram, relation: Relation) -> Check | None:
        """Look at a message's token; None where there is none, and none is called for."""
        try:
            token = read_token(message.value)
        except TokenError as error:
            problem = Problem("malformed token", f"not a token of this profile: {error}")
            return Check(None, None, (problem,), self._any_key(), None)
        if token is None:
            return self._unsigned(message)
        age = None if datagram.time is None else datagram.time / NANOSECONDS - token.time_stamp
        asked = relation.exchange if relation.is_answer else None
        problems = [*self._general_id(message, token, asked), *_challenge(token, asked), *self._freshness(age)]
        # Of a retransmission the token was seen before, of course.
        if relation.repeats is None:
            problems += self._replay(token, datagram)
        return self._verified(token, datagram, age, problems)

    def _any_key(self) -> bool:
        return self._keys.registry is not None or self._keys.gatekeeper is not None

    def _unsigned(self, message: Message) -> Check | None:
        if isinstance(message.value, GatekeeperRequest) or not self._any_key():
            return None
        return Check(None, None, (Problem("unsigned", "it has no signature token"),), True, None)

    def _general_id(self, message: Message, token: SignedToken, asked: Exchange | None) -> Iterator[Problem]:
        identifier = self._keys.gatekeeper_identifier
        addressee = asked.terminal if asked is not None else None
        if token.senders_id != identifier:
            anybody = token.general_id is None and isinstance(message.value, GatekeeperRequest)
            if token.general_id != identifier and not anybody:
                yield Problem(
                    "wrong generalID", f"signed for {_quoted(token.general_id)}, not for {_quoted(identifier)}"
                )
        elif addressee is not None and token.general_id != addressee:
            anybody = token.general_id is None and isinstance(message.value, GatekeeperReject)
            if not anybody:
                yield Problem(
                    "wrong generalID", f"signed for {_quoted(token.general_id)}, not for {_quoted(addressee)}"
                )

    def _freshness(self, age: float | None) -> Iterator[Problem]:
        if age is None or abs(math.floor(age)) <= self._keys.window:
            return
        side = "before" if age > 0 else "after"
        detail = f"its timeStamp is {abs(age):.0f} s {side} the capture's clock; {self._keys.window} s are allowed"
        yield Problem("wrong time", detail)

    def _replay(self, token: SignedToken, datagram: Datagram) -> Iterator[Problem]:
        once = (token.senders_id, token.time_stamp, token.random)
        first = self._seen.get(once)
        if first is not None:
            yield Problem("replay", f"its sendersID, timeStamp and random were in #{first} before")
            return
        self._seen[once] = datagram.number
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)

    def _verified(self, token: SignedToken, datagram: Datagram, age: float | None, problems: list[Problem]) -> Check:
        missing = self._no_key(token, datagram)
        if missing is not None:
            return Check(token, age, tuple(problems), False, None, missing)
        if token.senders_id == self._keys.gatekeeper_identifier:
            key, why = self._by_gatekeeper(token, datagram)
        else:
            key, why = self._by_guardian(token, datagram)
        return Check(token, age, (*problems, *why), True, key)

    def _no_key(self, token: SignedToken, datagram: Datagram) -> str | None:
        if datagram.missing or datagram.fragment:
            return "the capture doesn't have the whole datagram"
        if token.senders_id == self._keys.gatekeeper_identifier:
            return None if self._keys.gatekeeper is not None else "no --gatekeeper-key"
        return None if self._keys.registry is not None else "no --registry"

    def _by_gatekeeper(self, token: SignedToken, datagram: Datagram) -> tuple[str | None, list[Problem]]:
        if self._keys.gatekeeper is not None and verify(datagram.octets, token, self._keys.gatekeeper):
            return "the gatekeeper's key", []
        return None, [
            Problem("bad signature", "it doesn't hold for --gatekeeper-key: another gatekeeper's key, or altered")
        ]

    def _by_guardian(self, token: SignedToken, datagram: Datagram) -> tuple[str | None, list[Problem]]:
        registry = self._keys.registry or Registry(())
        guardian = registry.by_terminal_id(token.senders_id)
        if guardian is None:
            return None, [Problem("unknown key", f"{_quoted(token.senders_id)} is not on the registry")]
        slot = _holds_for(guardian, token, datagram)
        if slot is None:
            return None, [Problem("bad signature", self._whose(registry, guardian, token, datagram))]
        name = f"key epoch {slot.epoch}"
        unix = token.time_stamp if datagram.time is None else datagram.time / NANOSECONDS
        why = _not_usable(slot, unix)
        return name, [Problem("expired key", f"made with {name}, which {why}")] if why else []

    @staticmethod
    def _whose(registry: Registry, guardian: Guardian, token: SignedToken, datagram: Datagram) -> str:
        if datagram.octets.count(token.signature) != 1:
            return "the signature's octets stand in the datagram more than once"
        for other in registry.guardians[:_MOST_STRANGERS]:
            if other is not guardian and _holds_for(other, token, datagram) is not None:
                return f"made with a key of {other.terminal_id}, not of {guardian.terminal_id}"
        epochs = ", ".join(str(slot.epoch) for slot in guardian.keys)
        return f"it holds for no key that the registry has for {guardian.terminal_id} (epoch {epochs}), or was altered"


def _challenge(token: SignedToken, asked: Exchange | None) -> Iterator[Problem]:
    """An answer is tied to the datagram that it answers."""
    if asked is None:
        return
    if token.challenge is None:
        yield Problem("wrong challenge", "it has no challenge, which would tie it to its request")
    elif token.challenge != asked.digest:
        detail = f"it answers another datagram than #{asked.number}, whose requestSeqNum it repeats"
        yield Problem("wrong challenge", detail)


def _holds_for(guardian: Guardian, token: SignedToken, datagram: Datagram) -> KeySlot | None:
    return next((slot for slot in guardian.keys if verify(datagram.octets, token, slot.public_key)), None)


def _not_usable(slot: KeySlot, unix: float) -> str | None:
    if slot.state != "active":
        return f"is {slot.state} on the registry"
    if unix < slot.not_before:
        return f"is not valid before {_utc(slot.not_before)}"
    if slot.not_after is not None and unix >= slot.not_after:
        return f"was valid until {_utc(slot.not_after)}"
    return None


def _utc(unix: float) -> str:
    return datetime.fromtimestamp(unix, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _quoted(name: str | None) -> str:
    return "nobody" if name is None else f"'{name}'"
