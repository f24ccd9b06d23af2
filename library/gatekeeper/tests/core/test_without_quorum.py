"""Without a quorum nothing is granted and nothing is ended; who proves nothing gets no more octets than they sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gatekeeper.core import WithoutQuorum
from gatekeeper.core.without_quorum import HELD_FOR
from gatekeeper.registry import Registry
from h323.council import RefusalName, read_refusal
from h323.ras import (
    AdmissionReject,
    GatekeeperReject,
    GatekeeperRequest,
    RegistrationReject,
    RequestInProgress,
    encode,
)

from .equipment import none_entry, password_entry
from .zone import IDENTIFIER, SETTINGS, Terminal, Zone, guardian, private_key, refusal_of

NOBODY = "0000000000000000"


class Caretaker(Zone):
    """A zone whose gatekeeper has lost the quorum after some were registered."""

    def lose_quorum(self) -> None:
        self.gatekeeper = WithoutQuorum(self.settings, self.registry, private_key(IDENTIFIER), self.random_bytes)


@pytest.fixture
def zone() -> Caretaker:
    return Caretaker(guardian("alice"), password_entry("room"), none_entry("phone"), settings=SETTINGS)


@pytest.fixture
def alice(zone: Caretaker) -> Terminal:
    terminal = Terminal(zone, "alice")
    terminal.register()
    terminal.ask(terminal.admission())
    zone.lose_quorum()
    return terminal


def test_what_is_new_is_refused_with_the_reason_and_in_the_gatekeepers_name(alice: Terminal) -> None:
    answer = alice.ask(alice.admission(2))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("undefinedReason", None)
    assert refusal_of(answer) is RefusalName.GATEKEEPER_ERROR
    refusal = read_refusal(answer.generic_data)
    assert refusal is not None
    assert refusal.detail == "no quorum: two of three store members are gone; tell the operators"
    answer = alice.ask(alice.registration())
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("undefinedReason", None)
    assert refusal_of(answer) is RefusalName.GATEKEEPER_ERROR


def test_registrations_and_calls_are_asked_for_patience(alice: Terminal) -> None:
    for message in (
        alice.registration(keep_alive=True),
        alice.disengagement(),
        alice.bandwidth(128_000),
        alice.report(1, need_response=True),
        alice.unregistration(),
    ):
        answer = alice.ask(message)
        assert answer == replace(answer, request_seq_num=message.request_seq_num)
        assert isinstance(answer, RequestInProgress)
        assert answer.delay == HELD_FOR
    assert alice.ask(alice.report(1)) is None


def test_a_datagram_that_comes_twice_gets_the_same_answer_twice(alice: Terminal) -> None:
    datagram = alice.signed(alice.admission(2))
    first = alice.zone.exchange_octets(datagram, alice.source)
    assert first is not None
    assert alice.zone.exchange_octets(datagram, alice.source) == first
    assert alice.zone.observed[-1].result == "retransmission"
    # From elsewhere it is somebody else's.
    assert alice.zone.exchange_octets(datagram, ("192.0.2.99", 1719)) is None


def test_whoever_proves_nothing_is_told_nothing(zone: Caretaker, alice: Terminal) -> None:
    forger = Terminal(zone, "alice", 66, private_key("forger"))
    for message in (forger.admission(), forger.registration(), forger.registration(keep_alive=True)):
        assert zone.exchange_octets(encode(message), forger.source) is None
        assert zone.exchange_octets(forger.signed(message), forger.source) is None
    assert {one.result for one in zone.observed[-6:]} == {"dropped"}
    zone.gatekeeper.use_registry(Registry((guardian("bob"),)))
    assert alice.ask(alice.admission(3)) is None


def test_discovery_is_refused_within_a_budget_and_never_longer_than_it_was(zone: Caretaker, alice: Terminal) -> None:
    request = GatekeeperRequest(
        request_seq_num=1,
        protocol_identifier=alice.registration().protocol_identifier,
        ras_address=alice.address(1719),
        endpoint_type=alice.registration().terminal_type,
    )
    answer = zone.exchange(encode(request), ("192.0.2.99", 1719))
    assert isinstance(answer, GatekeeperReject)
    assert answer.reject_reason == ("undefinedReason", None)
    sent = [
        zone.exchange_octets(encode(replace(request, request_seq_num=number)), ("192.0.2.99", 1719))
        for number in range(2, 100)
    ]
    assert sum(one is not None for one in sent) == SETTINGS.refusals_per_source - 1
    assert all(len(one) <= len(encode(request)) + 1 for one in sent if one is not None)


def test_floods_and_what_is_no_message_are_dropped(zone: Caretaker, alice: Terminal) -> None:
    for number in range(2_000):
        assert zone.exchange_octets(number.to_bytes(2, "big"), ("192.0.2.99", 1719)) is None
    assert zone.exchange_octets(bytes(5_000), ("192.0.2.98", 1719)) is None
    assert {one.result for one in zone.observed[-1_500:]} >= {"malformed", "rate_limited", "too_large"}
    assert isinstance(alice.ask(alice.admission(4)), AdmissionReject)
