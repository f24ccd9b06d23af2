"""A commit that takes long: whoever waits is told so (RIP, H.225.0 7.19)."""

from __future__ import annotations

import pytest
from gatekeeper.core import Effect, Instant, Send
from h323.ras import AdmissionConfirm, RequestInProgress, decode, encode

from .zone import Terminal, Zone, sent_to


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    terminal = Terminal(zone, "alice")
    terminal.register()
    return terminal


def later(zone: Zone, seconds: float) -> list[Effect]:
    """Time passes without the commits becoming durable."""
    zone.now = Instant(zone.now.monotonic + seconds, zone.now.unix + seconds)
    return zone.gatekeeper.timeout(zone.now)


def test_who_waits_for_a_slow_commit_is_told_once(zone: Zone, alice: Terminal) -> None:
    message = alice.admission()
    waiting = zone.gatekeeper.receive(alice.signed(message), alice.source, zone.now)
    assert zone.gatekeeper.next_timeout <= zone.now.monotonic + 0.5
    assert sent_to(alice.source, later(zone, 0.49)) == []
    (progress,) = sent_to(alice.source, later(zone, 0.01))
    assert isinstance(progress, RequestInProgress)
    assert (progress.request_seq_num, progress.delay) == (message.request_seq_num, 1_000)
    assert sent_to(alice.source, later(zone, 5)) == []
    (answer,) = sent_to(alice.source, zone.settle(waiting))
    assert isinstance(answer, AdmissionConfirm)


def test_who_asks_again_meanwhile_is_told_again_in_the_same_octets(zone: Zone, alice: Terminal) -> None:
    datagram = alice.signed(alice.admission())
    waiting = zone.gatekeeper.receive(datagram, alice.source, zone.now)
    told = [zone.exchange_octets(datagram, alice.source) for _ in range(3)]
    assert told[0] is not None
    assert len(set(told)) == 1
    assert isinstance(decode(told[0]), RequestInProgress)
    zone.settle(waiting)
    assert isinstance(zone.exchange(datagram, alice.source), AdmissionConfirm)


def test_nothing_is_said_of_a_commit_that_is_done_in_time(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    assert not [effect for effect in later(zone, 10) if isinstance(effect, Send)]


def test_who_has_not_proven_who_they_are_is_told_nothing(zone: Zone, alice: Terminal) -> None:
    datagram = encode(alice.admission())
    zone.gatekeeper.receive(datagram, alice.source, zone.now)
    assert sent_to(alice.source, later(zone, 1)) == []
    assert zone.exchange_octets(datagram, alice.source) is None
