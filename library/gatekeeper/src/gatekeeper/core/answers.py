"""Answers given, kept for as long as their request could arrive again.

A retransmission is the identical datagram from the same address; it gets the identical answer (H.225.0 7.19), also
from the other gatekeeper after a failover, for which reason durable answers are kept in the store as well.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from h323.h235 import SignedToken, Token

from gatekeeper.core.effects import Address, Send
from gatekeeper.store import KeptAnswer


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

    def restore(self, kept: Iterable[bytes]) -> list[Token]:
        """Take over the answers in the store; the tokens that they answered, so that none is accepted again."""
        tokens: list[Token] = []
        for digest, answer, token in sorted(map(_decode, kept), key=lambda one: one[1].forget_at):
            self._answers[digest] = answer
            if token is not None:
                tokens.append(token)
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

    def prepare(self, digest: str, send: Send, token: Token | None, unix: float) -> KeptAnswer:
        """Announce a durable answer, and what the store is to keep of it."""
        forget_at = unix + self._seconds
        self._answers[digest] = Answer(None, forget_at, durable=True)
        return KeptAnswer(forget_at, _encode(digest, forget_at, send, token))

    def release(self, digest: str, send: Send) -> None:
        """The commit is durable: from now on a retransmission is answered."""
        answer = self._answers.get(digest)
        if answer is not None:
            self._answers[digest] = Answer(send, answer.forget_at, durable=True)

    def forget(self, unix: float) -> float | None:
        """Drop what is too old to be asked again; the time up to which the store can do so, if it has any of that."""
        kept = False
        while self._answers:
            digest, answer = next(iter(self._answers.items()))
            if answer.forget_at > unix or (answer.durable and answer.send is None):
                break
            del self._answers[digest]
            kept = kept or answer.durable
        return unix if kept else None


def _encode(digest: str, forget_at: float, send: Send, token: Token | None) -> bytes:
    """What the store keeps: everything but the answer itself as one line, which says how long it is."""
    host, port = send.destination
    # Hexadecimal, as an INTEGER of a signed request may have thousands of digits.
    seen = f"{token.time_stamp:x} {token.random:x} {token.senders_id}" if token is not None else ""
    head = f"{digest} {forget_at:.3f} {host} {port} {seen}".encode()
    return len(head).to_bytes(2, "big") + head + send.datagram


def _decode(octets: bytes) -> tuple[str, Answer, Token | None]:
    """The digest, the answer and the token that `_encode` was given."""
    end = 2 + int.from_bytes(octets[:2], "big")
    digest, forget_at, host, port, seen = octets[2:end].decode().split(" ", 4)
    answer = Answer(Send(octets[end:], (host, int(port))), float(forget_at), durable=True)
    if not seen:
        return digest, answer, None
    time_stamp, random, senders_id = seen.split(" ", 2)
    return digest, answer, SignedToken(senders_id, None, int(time_stamp, 16), int(random, 16), bytes(64))
