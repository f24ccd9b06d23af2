"""Answers kept: given again to the same request, in the next term as well, and forgotten in time."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from gatekeeper.core import Address, Instant, Send
from gatekeeper.core.answers import PENDING, AnswerCache, decode_kept, request_digest
from gatekeeper.core.received import Received
from h323.h235 import SignedToken
from h323.ras import UnregistrationRequest
from hypothesis import given
from hypothesis import strategies as st

SECONDS = 61
SOURCE: Address = ("192.0.2.101", 1719)
TOKENS = st.builds(
    SignedToken,
    st.text(min_size=1, max_size=128),
    st.none(),
    st.integers(1, 2**32),
    # An INTEGER of a signed request can have more digits than int() reads.
    st.one_of(st.integers(), st.just(-(7**9_000))),
    st.just(bytes(64)),
)
ADDRESSES = st.tuples(st.ip_addresses().map(str), st.integers(1, 65_535))


def received(number: int, unix: float = 1_000.0, source: Address = SOURCE) -> Received:
    message = UnregistrationRequest(request_seq_num=1, call_signal_address=())
    datagram = b"%d" % number
    return Received(message, datagram, request_digest(datagram, source), source, Instant(unix, unix))


def at(seconds: float) -> Instant:
    return Instant(seconds, seconds)


@given(TOKENS | st.none(), ADDRESSES, ADDRESSES, st.binary(min_size=1, max_size=300))
def test_the_next_term_gives_the_same_answer(
    token: SignedToken | None, source: Address, destination: Address, datagram: bytes
) -> None:
    old, new = AnswerCache(SECONDS, 10), AnswerCache(SECONDS, 10)
    request, send = received(1, source=source), Send(datagram, destination)
    kept = old.prepare(request, send, token)
    old.release(request.digest, send)
    assert new.restore([decode_kept(kept.octets)], at(5.0)) == ([token] if token is not None else [])
    assert old.find(request.digest, source) == new.find(request.digest, source) == send


def test_an_answer_is_pending_until_its_commit() -> None:
    cache = AnswerCache(SECONDS, 10)
    request, send = received(1), Send(b"answer", SOURCE)
    assert cache.find(request.digest, SOURCE) is None
    cache.prepare(request, send, None)
    assert cache.find(request.digest, SOURCE) == Send(PENDING, SOURCE)
    cache.release(request.digest, send)
    assert cache.find(request.digest, SOURCE) == send


def test_answers_are_forgotten_in_their_own_time() -> None:
    cache = AnswerCache(SECONDS, 10)
    late, passing, early = received(1, 1_000.5), received(2, 1_001.5), received(3, 1_000.5)
    for request in (early, late):
        cache.prepare(request, Send(b"answer", ("192.0.2.102", 1719)), None)
    cache.release(early.digest, Send(b"answer", SOURCE))
    cache.keep(passing, Send(b"answer", SOURCE))
    assert cache.forget(at(1_000.5 + SECONDS)) is None
    assert len(cache) == 3
    assert cache.forget(at(1_001.0 + SECONDS)) == 1_001.0 + SECONDS
    assert cache.find(passing.digest, SOURCE) is not None
    assert cache.forget(at(1_002.0 + SECONDS)) is None
    assert len(cache) == 0
    # Its commit took longer than that: nobody asks any more.
    cache.release(late.digest, Send(b"answer", SOURCE))
    assert cache.find(late.digest, SOURCE) is None


@pytest.mark.parametrize("step", [3_600.0, -3_600.0])
def test_a_stepped_clock_makes_nobody_forget(step: float) -> None:
    cache = AnswerCache(SECONDS, 10)
    request = received(1, 1_000.0)
    cache.prepare(request, Send(b"answer", SOURCE), None)
    assert cache.forget(Instant(1_030.0, 1_030.0 + step)) is None
    assert len(cache) == 1
    # And what is answered meanwhile is forgotten after as long as ever.
    cache.prepare(replace(received(2), now=Instant(1_030.0, 1_030.0 + step)), Send(b"answer", SOURCE), None)
    assert cache.forget(Instant(1_062.0, 1_062.0 + step)) == 1_062.0
    assert len(cache) == 1
    assert cache.forget(Instant(1_092.0, 1_092.0)) == 1_092.0
    assert len(cache) == 0


@pytest.mark.parametrize("step", [3_600.0, -3_600.0])
def test_the_next_term_forgets_by_the_newest_answer_and_not_by_its_clock(step: float) -> None:
    old, new = AnswerCache(SECONDS, 10), AnswerCache(SECONDS, 10)
    kept = [old.prepare(received(one, 1_000.0 + one), Send(b"answer", SOURCE), None) for one in (0, 20)]
    # Another host's monotonic clock, too.
    new.restore([decode_kept(one.octets) for one in kept], Instant(7.0, 1_021.0 + step))
    assert new.forget(Instant(8.0, 1_022.0 + step)) is None
    # 42 s later: the older one has been there for over a minute.
    assert new.forget(Instant(49.0, 1_063.0 + step)) == 1_062.0
    assert new.find(received(0).digest, SOURCE) is None
    assert new.find(received(20).digest, SOURCE) is not None
    assert new.prepare(received(3, 50.0), Send(b"answer", SOURCE), None).forget_at > kept[-1].forget_at


def test_where_there_are_too_many_the_oldest_without_a_commit_gives_way() -> None:
    cache = AnswerCache(SECONDS, 3)
    cache.prepare(received(0), Send(b"answer", SOURCE), None)
    for number in (1, 2, 3):
        cache.keep(received(number, 1_000.0 + number), Send(b"answer", SOURCE))
    assert [cache.find(received(number).digest, SOURCE) is not None for number in range(4)] == [True, False, True, True]
    for number in (4, 5, 6):
        cache.prepare(received(number), Send(b"answer", SOURCE), None)
    for number in (7, 8, 9):
        cache.keep(received(number), Send(b"answer", SOURCE))
    # What is committed stays, however many there are; what isn't finds no place.
    assert [number for number in range(10) if cache.find(received(number).digest, SOURCE)] == [0, 4, 5, 6]


def test_a_digest_is_of_the_datagram_and_where_it_came_from() -> None:
    digests = {
        request_digest(b"a", SOURCE),
        request_digest(b"b", SOURCE),
        request_digest(b"a", ("192.0.2.101", 1720)),
        request_digest(b"a", ("192.0.2.10", 1719)),
        request_digest(b"9 a", ("192.0.2.101", 171)),
    }
    assert len(digests) == 5
    expected = hashlib.blake2b(b"192.0.2.101 1719 a", digest_size=16).digest()
    assert request_digest(b"a", SOURCE) == expected
