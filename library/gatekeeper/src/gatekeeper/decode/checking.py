"""What proves who sent a message: what its token says, how fresh it is, whether it holds, and if not, why.

A receiver stops at the first reason (docs/protocol.md, "Order of checks"). This goes on: somebody who looks for a
cause wants to know that a message is too old and that its key is good.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from h323.h235 import HashedToken, SignedToken, Token, TokenError, challenge_of, read_hashed_token, read_token
from h323.ras import GatekeeperReject, GatekeeperRequest, RasMessage, RegistrationRequest

from gatekeeper.decode.capture import NANOSECONDS
from gatekeeper.decode.keys import Keys, Problem, quoted
from gatekeeper.decode.packets import Datagram
from gatekeeper.decode.pairing import Exchange, Relation
from gatekeeper.decode.reading import Message
from gatekeeper.decode.senders import Senders
from gatekeeper.decode.verification import verified
from gatekeeper.registry import NONE, Guardian

_MOST_REMEMBERED = 100_000
"""Tokens; further ones push out the oldest."""
_TO_STRANGERS = {"GCF", "GRJ", "RRJ", "URJ", "ARJ", "BRJ", "DRJ", "LRJ", "INAK", "XRS"}
"""Answers that the gatekeeper leaves unsigned where a signature would make them longer than the request."""


@dataclass(frozen=True, slots=True)
class Check:
    """What there is to say of who sent a message."""

    token: Token | None
    age: float | None
    """Seconds from the token's timeStamp to the capture; None where the capture has no times."""
    problems: tuple[Problem, ...]
    """In the order of a receiver's checks: the first decides."""
    verified: bool
    """Whether there was something to check with; then no problems means that it's to be believed."""
    key: str | None
    """What the proof holds for."""
    terminal: str | None
    """Whose exchange it is, as far as can be told."""
    not_verified: str | None = None
    """Why there was no check."""

    @property
    def good(self) -> bool:
        """Whether it was checked and is to be believed."""
        return self.verified and not self.problems


_Once = tuple[str, int, int]
"""What no two datagrams have in common: sendersID, timeStamp, random."""


class Checker:
    """Checks the messages of one capture, in their order."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._senders = Senders(keys)
        self._seen: OrderedDict[_Once, Datagram] = OrderedDict()

    def check(self, message: Message, datagram: Datagram, relation: Relation) -> Check:
        """Look at what proves who sent a message."""
        token, error = _read(message.value)
        terminal = self._senders.terminal(message.value, token, relation)
        self._senders.learn(message.value, terminal)
        if error is not None:
            problem = Problem("malformed token", f"not a token of this profile: {error}")
            return Check(None, None, (problem,), self._keys.any, None, terminal)
        if token is None:
            return self._unsigned(message, datagram, relation, terminal)
        age = None if datagram.time is None else datagram.time / NANOSECONDS - token.time_stamp
        asked = relation.exchange if relation.is_answer else None
        verdict = verified(self._keys, token, datagram, terminal)
        problems = (
            *self._general_id(message, token, asked),
            *_challenge(token, asked),
            *self._freshness(age),
            *self._replay(token, datagram),
            *(self._network(terminal, datagram, relation) if isinstance(token, HashedToken) else ()),
            *verdict.problems,
        )
        if not problems:
            self._remember(token, datagram)
        checked = verdict.not_checked is None
        return Check(token, age, problems, checked, verdict.key, terminal, verdict.not_checked)

    def _guardian(self, terminal: str | None) -> Guardian | None:
        registry = self._keys.registry
        return registry.by_terminal_id(terminal) if registry is not None and terminal is not None else None

    def _unsigned(self, message: Message, datagram: Datagram, relation: Relation, terminal: str | None) -> Check:
        guardian = self._guardian(terminal)
        if guardian is not None and guardian.authentication == NONE:
            problems = tuple(self._network(terminal, datagram, relation))
            return Check(None, None, problems, True, None if problems else "its network alone", terminal)
        may_be = isinstance(message.value, GatekeeperRequest) or message.name in _TO_STRANGERS
        if may_be or not self._keys.any:
            return Check(None, None, (), False, None, terminal, "there is none")
        proof = "a password token" if guardian is not None and guardian.authentication != "signed" else "a signature"
        return Check(None, None, (Problem("unsigned", f"it has no token, where {proof} is due"),), True, None, terminal)

    def _network(self, terminal: str | None, datagram: Datagram, relation: Relation) -> Iterator[Problem]:
        """Who doesn't sign has to come from a network that the registry names."""
        guardian = self._guardian(terminal)
        of_endpoint = not (relation.is_answer or relation.exchange is None)
        if guardian is None or datagram.source is None or not of_endpoint:
            return
        if guardian.networks and not guardian.is_near(datagram.source.host):
            yield Problem("wrong network", f"{datagram.source.host} is in none of the networks of {terminal}")

    def _general_id(self, message: Message, token: Token, asked: Exchange | None) -> Iterator[Problem]:
        identifier = self._keys.gatekeeper_identifier
        if token.senders_id == identifier:
            expected = asked.sender if asked is not None else None
            anybody = isinstance(message.value, GatekeeperReject)
        else:
            expected = identifier
            first = GatekeeperRequest if isinstance(token, SignedToken) else GatekeeperRequest | RegistrationRequest
            anybody = isinstance(message.value, first)
        said = token.general_id if isinstance(token, SignedToken) else (token.general_id or "").rstrip("\0") or None
        if expected is not None and said != expected and not (said is None and anybody):
            yield Problem("wrong generalID", f"signed for {quoted(token.general_id)}, not for {quoted(expected)}")

    def _freshness(self, age: float | None) -> Iterator[Problem]:
        if age is None or abs(math.floor(age)) <= self._keys.window:
            return
        side = "before" if age > 0 else "after"
        detail = f"its timeStamp is {abs(age):.0f} s {side} the capture's clock; {self._keys.window} s are allowed"
        yield Problem("wrong time", detail)

    def _replay(self, token: Token, datagram: Datagram) -> Iterator[Problem]:
        """The identical datagram from the same address is a retransmission; anything else is a replay."""
        first = self._seen.get(_once(token))
        if first is None or (first.octets, first.source) == (_digest(datagram), datagram.source):
            return
        yield Problem("replay", f"its sendersID, timeStamp and random were in #{first.number} before")

    def _remember(self, token: Token, datagram: Datagram) -> None:
        """Only what is believed is remembered: nobody can spend a number for somebody else."""
        if _once(token) in self._seen:
            return
        self._seen[_once(token)] = replace(datagram, octets=_digest(datagram))
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)


def _once(token: Token) -> _Once:
    return token.senders_id, token.time_stamp, token.random


def _digest(datagram: Datagram) -> bytes:
    return challenge_of(datagram.octets)


def _read(message: RasMessage) -> tuple[Token | None, TokenError | None]:
    """The signature, or else the password token; an error where there are tokens, but neither of the two."""
    try:
        return read_token(message), None
    except TokenError as error:
        not_signed = error
    try:
        token = read_hashed_token(message)
    except TokenError as error:
        return None, error
    return token, None if token is not None else not_signed


def _challenge(token: Token, asked: Exchange | None) -> Iterator[Problem]:
    """A signed answer is tied to the datagram that it answers."""
    if asked is None or not isinstance(token, SignedToken):
        return
    if token.challenge is None:
        yield Problem("wrong challenge", "it has no challenge, which would tie it to its request")
    elif token.challenge != asked.digest:
        detail = f"it answers another datagram than #{asked.number}, whose requestSeqNum it repeats"
        yield Problem("wrong challenge", detail)
