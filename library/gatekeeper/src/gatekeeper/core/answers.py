"""Answers given, kept for as long as their request could arrive again.

A retransmission is the identical datagram from the same address; it gets the identical answer (H.225.0 7.19), also
from the other gatekeeper after a failover, for which reason durable answers are kept in the store as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from h323.h235 import SignedToken, Token

from gatekeeper.core.effects import Address, Instant, Send
from gatekeeper.core.received import Received
from gatekeeper.store import KeptAnswer

PENDING = b""
"""Stands for an answer until it may leave; no datagram is empty."""


def request_digest(datagram: bytes, source: Address) -> bytes:
    """Names a datagram from a source: 16 octets."""
    return hashlib.blake2b(f"{source[0]} {source[1]} ".encode() + datagram, digest_size=16).digest()


class _Due:
    """Digests by the whole second of the cache's time after which they are forgotten. The seconds come in order."""

    def __init__(self) -> None:
        self._by_second: dict[int, list[bytes]] = {}

    def add(self, digest: bytes, forget_at: float) -> None:
        """Forget it once `forget_at` has passed."""
        second = int(forget_at) + 1
        group = self._by_second.get(second)
        if group is None:
            group = self._by_second[second] = []
        group.append(digest)

    def seconds(self) -> Iterable[tuple[int, list[bytes]]]:
        """All of them, by second."""
        return self._by_second.items()

    def passed(self, time: float) -> list[bytes]:
        """What is to be forgotten now."""
        passed: list[bytes] = []
        while self._by_second:
            second = next(iter(self._by_second))
            if second > time:
                break
            passed += self._by_second.pop(second)
        return passed

    def first(self) -> bytes | None:
        """Take one of those that would be forgotten first."""
        while self._by_second:
            second, group = next(iter(self._by_second.items()))
            if group:
                return group.pop()
            del self._by_second[second]
        return None


class AnswerCache:
    """Answers by the digest of their request.

    There are 60 seconds' worth of them, some 300,000 under full load: each is its datagram and two entries, no more.

    They grow old by a time of their own, which passes as the monotonic clock does. It begins with Unix time where
    nothing was kept and goes on from the newest answer otherwise, so that a stepped clock makes nobody forget anything.
    What passes between two terms doesn't count: an answer is kept somewhat too long rather than not long enough.
    """

    def __init__(self, seconds: int, capacity: int) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._answers: dict[bytes, bytes] = {}
        self._elsewhere: dict[bytes, Address] = {}
        """Where answers go that don't go back to where their request came from."""
        self._durable = _Due()
        self._passing = _Due()
        """Those that no store keeps."""
        self._ahead: float | None = None
        """Seconds that the cache's time is ahead of the monotonic clock; None before it begins."""

    def __len__(self) -> int:
        return len(self._answers)

    def _time(self, now: Instant) -> float:
        if self._ahead is None:
            self._ahead = now.unix - now.monotonic
        return now.monotonic + self._ahead

    def take_over(self, other: AnswerCache, now: Instant) -> None:
        """Give the same answers as another one gave without a commit, where there is none yet."""
        ahead = self._time(now) - other._time(now)
        for second, digests in other._passing.seconds():
            for digest in digests:
                if digest not in self._answers and len(self._answers) < self._capacity:
                    self._answers[digest] = other._answers[digest]
                    self._passing.add(digest, second - 1 + ahead)

    def restore(self, kept: Iterable[Kept], now: Instant) -> list[Token]:
        """Take over the answers in the store; the tokens that they answered, so that none is accepted again."""
        tokens: list[Token] = []
        in_order = sorted(kept, key=attrgetter("forget_at"))
        if in_order:
            self._ahead = in_order[-1].forget_at - self._seconds - now.monotonic
        for one in in_order:
            self._answers[one.digest] = one.datagram
            self._durable.add(one.digest, one.forget_at)
            if one.elsewhere is not None:
                self._elsewhere[one.digest] = one.elsewhere
            if one.token is not None:
                tokens.append(one.token)
        return tokens

    def find(self, digest: bytes, source: Address) -> Send | None:
        """What answered this request from `source`, its datagram PENDING until it may leave; None for a new one."""
        datagram = self._answers.get(digest)
        return None if datagram is None else Send(datagram, self._elsewhere.get(digest, source))

    def keep(self, received: Received, send: Send) -> None:
        """Remember an answer that left without a commit; the oldest gives way where there are too many."""
        if len(self._answers) >= self._capacity:
            oldest = self._passing.first()
            if oldest is not None:
                del self._answers[oldest]
        if len(self._answers) >= self._capacity:
            return
        self._answers[received.digest] = send.datagram
        self._passing.add(received.digest, self._time(received.now) + self._seconds)

    def prepare(self, received: Received, send: Send, token: Token | None) -> KeptAnswer:
        """Announce a durable answer, and what the store is to keep of it."""
        forget_at = self._time(received.now) + self._seconds
        elsewhere = send.destination if send.destination != received.source else None
        self._answers[received.digest] = PENDING
        self._durable.add(received.digest, forget_at)
        if elsewhere is not None:
            self._elsewhere[received.digest] = elsewhere
        return KeptAnswer(forget_at, encode_kept(Kept(received.digest, forget_at, elsewhere, token, send.datagram)))

    def release(self, digest: bytes, send: Send) -> None:
        """The commit is durable: from now on a retransmission is answered."""
        if digest in self._answers:
            self._answers[digest] = send.datagram

    def forget(self, now: Instant) -> float | None:
        """Drop what is too old to be asked again; the time up to which the store can do so, if it has any of that."""
        time = self._time(now)
        durable = self._durable.passed(time)
        for digest in (*durable, *self._passing.passed(time)):
            self._answers.pop(digest, None)
            self._elsewhere.pop(digest, None)
        return time if durable else None


class Kept(NamedTuple):
    """What the store keeps of an answer."""

    digest: bytes
    forget_at: float
    elsewhere: Address | None
    token: Token | None
    datagram: bytes


def encode_kept(kept: Kept) -> bytes:
    """An answer for the store: everything but the datagram as one line, which says how long it is."""
    host, port = kept.elsewhere or ("-", 0)
    token = kept.token
    # Hexadecimal, as an INTEGER of a signed request may have thousands of digits.
    seen = f"{token.time_stamp:x} {token.random:x} {token.senders_id}" if token is not None else ""
    head = f"{kept.digest.hex()} {kept.forget_at:.3f} {host} {port} {seen}".encode()
    return len(head).to_bytes(2, "big") + head + kept.datagram


def decode_kept(octets: bytes) -> Kept:
    """An answer as the store keeps it."""
    end = 2 + int.from_bytes(octets[:2], "big")
    digest, forget_at, host, port, seen = octets[2:end].decode().split(" ", 4)
    elsewhere = (host, int(port)) if host != "-" else None
    token: Token | None = None
    if seen:
        time_stamp, random, senders_id = seen.split(" ", 2)
        token = SignedToken(senders_id, None, int(time_stamp, 16), int(random, 16), bytes(64))
    return Kept(bytes.fromhex(digest), float(forget_at), elsewhere, token, octets[end:])
