"""Which request a message answers, and whether it was sent before.

A request and its answers have the same two addresses and the same requestSeqNum (H.225.0 7.1). What is remembered is
bounded: in a long capture the oldest exchanges give way.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from h323.h235 import challenge_of
from h323.ras import InfoRequestResponse

from gatekeeper.decode.packets import Address, Datagram
from gatekeeper.decode.reading import Message

_MOST_EXCHANGES = 32_768
_TWICE = 20_000_000
"""Nanoseconds within which a packet passes all interfaces of a host, and no endpoint sends again."""

_ANSWERS: Mapping[str, tuple[str, ...]] = {
    "GRQ": ("GCF", "GRJ"),
    "RRQ": ("RCF", "RRJ"),
    "URQ": ("UCF", "URJ"),
    "ARQ": ("ACF", "ARJ", "ACS"),
    "BRQ": ("BCF", "BRJ"),
    "DRQ": ("DCF", "DRJ"),
    "LRQ": ("LCF", "LRJ"),
    "IRQ": ("IRR",),
    "IRR": ("IACK", "INAK"),
    "RAI": ("RAC",),
    "SCI": ("SCR",),
    "NSM": (),
}
_TO_ANY_REQUEST = ("RIP", "XRS")
_PLAIN_ANSWERS = {name for names in _ANSWERS.values() for name in names} - {"IRR"} | set(_TO_ANY_REQUEST)


@dataclass(slots=True)
class Exchange:
    """A request and what became of it."""

    name: str
    number: int
    """Of its first frame."""
    request_seq_num: int
    time: int | None
    digest: bytes
    """`challenge_of` the datagram, which a signed answer repeats."""
    expects_answer: bool
    requester: Address | None
    responder: Address | None
    terminal: str | None = None
    """The guardian's terminal_id, as far as can be told."""
    sender: str | None = None
    """The sendersID of the request's token."""
    doubted: bool = False
    """Its request was checked, and isn't proven to be of that guardian."""
    calls: tuple[str, ...] = ()
    """Its callIdentifier and conferenceID."""
    attempts: int = 1
    asked: Datagram | None = None
    """The last transmission of the request."""
    answered: Datagram | None = None
    """The last of an answer."""
    answer: str | None = None
    """The name of the answer."""
    answer_number: int = 0
    answers: dict[bytes, int] = field(default_factory=dict)
    """The frames of its answers, by digest."""


@dataclass(frozen=True, slots=True)
class Relation:
    """How a message stands to those before it."""

    exchange: Exchange | None
    """The exchange that it belongs to; None for an answer whose request isn't there."""
    is_answer: bool
    round_trip: int | None = None
    """Nanoseconds from the first transmission of the request."""
    repeats: int | None = None
    """The frame that had the identical datagram."""
    attempt: int = 1
    captured_twice: bool = False
    """It repeats so soon that two interfaces saw the same packet."""
    contradicts: int | None = None
    """The frame that gave a different answer to the same request."""


_Key = tuple[Address | None, Address | None, int]


def is_answer(message: Message) -> bool:
    """Whether it can be nothing but an answer."""
    return message.name in _PLAIN_ANSWERS


class Pairing:
    """The exchanges of a capture."""

    def __init__(self) -> None:
        self._exchanges: OrderedDict[_Key, Exchange] = OrderedDict()
        self._unanswered: list[Exchange] = []
        self.forgotten = 0
        """Exchanges that gave way."""

    def add(self, message: Message, datagram: Datagram) -> Relation:
        """Say how a message stands to those before it, and remember it."""
        digest = challenge_of(datagram.octets)
        if is_answer(message):
            return self._answer(message, datagram, digest)
        if message.name == "IRR" and self._asked(datagram, message.request_seq_num):
            if _expects_answer(message):
                self._request(message, datagram, digest)
            return self._answer(message, datagram, digest)
        return self._request(message, datagram, digest)

    def unanswered(self) -> Iterator[Exchange]:
        """The requests without an answer so far."""
        yield from self._unanswered
        yield from (one for one in self._exchanges.values() if one.expects_answer and one.answer is None)

    def _asked(self, datagram: Datagram, number: int) -> bool:
        exchange = self._exchanges.get((datagram.destination, datagram.source, number))
        return exchange is not None and exchange.name == "IRQ"

    def _request(self, message: Message, datagram: Datagram, digest: bytes) -> Relation:
        key = (datagram.source, datagram.destination, message.request_seq_num)
        old = self._exchanges.get(key)
        if old is not None and old.digest == digest:
            return self._again(old, datagram)
        if old is not None:
            self._forget(self._exchanges.pop(key))
        exchange = Exchange(
            name=message.name,
            number=datagram.number,
            request_seq_num=message.request_seq_num,
            time=datagram.time,
            digest=digest,
            expects_answer=_expects_answer(message),
            requester=datagram.source,
            responder=datagram.destination,
            asked=_without_octets(datagram),
        )
        self._exchanges[key] = exchange
        if len(self._exchanges) > _MOST_EXCHANGES:
            self.forgotten += 1
            self._forget(self._exchanges.popitem(last=False)[1])
        return Relation(exchange, is_answer=False)

    def _forget(self, exchange: Exchange) -> None:
        if exchange.expects_answer and exchange.answer is None and len(self._unanswered) < _MOST_EXCHANGES:
            self._unanswered.append(exchange)

    @staticmethod
    def _again(exchange: Exchange, datagram: Datagram) -> Relation:
        twice = _captured_twice(exchange.asked, datagram)
        if not twice:
            exchange.attempts += 1
            exchange.asked = _without_octets(datagram)
        number = exchange.number
        return Relation(exchange, False, repeats=number, attempt=exchange.attempts, captured_twice=twice)

    def _answer(self, message: Message, datagram: Datagram, digest: bytes) -> Relation:
        exchange = self._exchanges.get((datagram.destination, datagram.source, message.request_seq_num))
        if exchange is None or message.name not in (*_ANSWERS.get(exchange.name, ()), *_TO_ANY_REQUEST):
            return Relation(None, is_answer=True)
        round_trip = _between(exchange.time, datagram.time)
        repeats = exchange.answers.get(digest)
        if repeats is not None:
            twice = _captured_twice(exchange.answered, datagram)
            if not twice:
                exchange.answered = _without_octets(datagram)
            return Relation(exchange, True, round_trip, repeats, captured_twice=twice)
        contradicts = exchange.answer_number if exchange.answer is not None and message.name != "RIP" else None
        if len(exchange.answers) < 8:
            exchange.answers[digest] = datagram.number
        if message.name != "RIP" and exchange.answer is None:
            exchange.answer, exchange.answer_number = message.name, datagram.number
        exchange.answered = _without_octets(datagram)
        return Relation(exchange, True, round_trip, attempt=exchange.attempts, contradicts=contradicts)


def _expects_answer(message: Message) -> bool:
    if isinstance(message.value, InfoRequestResponse):
        return bool(message.value.need_response)
    return message.name != "NSM"


def _between(start: int | None, end: int | None) -> int | None:
    return None if start is None or end is None else end - start


def _without_octets(datagram: Datagram) -> Datagram:
    """What is remembered of it."""
    return replace(datagram, octets=b"")


def _captured_twice(last: Datagram | None, datagram: Datagram) -> bool:
    """Whether another interface saw the same packet."""
    if last is None or last.seen_by == datagram.seen_by:
        return False
    between = _between(last.time, datagram.time)
    return between is not None and between < _TWICE
