"""Answers given, kept for as long as their request could arrive again.

A retransmission is the identical datagram from the same address; it gets the identical answer (H.225.0 7.19), also
from the other gatekeeper after a failover, for which reason durable answers are kept in the store as well.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from h323.h235 import SignedToken

from gatekeeper.core.effects import Address, Send
from gatekeeper.store import Change

ANSWER = "answer/"
_MOST_DELETIONS = 64
"""At a time: one commit should not carry the clean-up of a whole burst."""


def request_digest(datagram: bytes, source: Address) -> str:
    """Names a datagram from a source: 32 hexadecimal digits."""
    return hashlib.blake2b(f"{source[0]} {source[1]} ".encode() + datagram, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `send` is None until it may leave, which for a durable one is after its commit."""

    send: Send | None
    forget_at: float
    """Unix seconds."""
    durable: bool


class AnswerCache:
    """Answers by the digest of their request."""

    def __init__(self, seconds: int, capacity: int) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def restore(self, items: Mapping[str, bytes]) -> list[SignedToken]:
        """Take over the answers in the store; the tokens that they answered, so that none is accepted again."""
        tokens = []
        stored = [(key, json.loads(value)) for key, value in items.items() if key.startswith(ANSWER)]
        for key, fields in sorted(stored, key=lambda item: float(item[1]["forget_at"])):
            host, port = fields["destination"]
            send = Send(bytes.fromhex(fields["answer"]), (host, port))
            self._answers[key.removeprefix(ANSWER)] = Answer(send, fields["forget_at"], durable=True)
            if fields["token"] is not None:
                senders_id, time_stamp, random = fields["token"]
                tokens.append(SignedToken(senders_id, None, time_stamp, random, bytes(64)))
        return tokens

    def find(self, digest: str) -> Answer | None:
        """The answer to this request, if it was seen before."""
        return self._answers.get(digest)

    def keep(self, digest: str, send: Send, unix: float) -> None:
        """Remember an answer that left without a commit; the oldest gives way where there are too many."""
        if len(self._answers) >= self._capacity and not next(iter(self._answers.values())).durable:
            self._answers.popitem(last=False)
        if len(self._answers) < self._capacity:
            self._answers[digest] = Answer(send, unix + self._seconds, durable=False)

    def prepare(self, digest: str, send: Send, token: SignedToken | None, unix: float) -> Change:
        """Announce a durable answer, and the change that keeps it."""
        forget_at = unix + self._seconds
        self._answers[digest] = Answer(None, forget_at, durable=True)
        fields = {
            "answer": send.datagram.hex(),
            "destination": send.destination,
            "forget_at": forget_at,
            "token": (token.senders_id, token.time_stamp, token.random) if token is not None else None,
        }
        return Change(ANSWER + digest, json.dumps(fields).encode())

    def release(self, digest: str, send: Send) -> None:
        """The commit is durable: from now on a retransmission is answered."""
        answer = self._answers.get(digest)
        if answer is not None:
            self._answers[digest] = Answer(send, answer.forget_at, durable=True)

    def forget(self, unix: float) -> tuple[Change, ...]:
        """Drop what is too old to be asked again; the changes that drop it from the store."""
        changes: list[Change] = []
        while self._answers and len(changes) < _MOST_DELETIONS:
            digest, answer = next(iter(self._answers.items()))
            if answer.forget_at > unix or (answer.durable and answer.send is None):
                break
            del self._answers[digest]
            if answer.durable:
                changes.append(Change(ANSWER + digest, None))
        return tuple(changes)
