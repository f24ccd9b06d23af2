"""Without a quorum nothing is granted and nothing is ended; who proves nothing gets no more octets than they sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gatekeeper.core import State, WithoutQuorum
from gatekeeper.core.answers import request_digest
from gatekeeper.core.effects import Commit, Instant
from gatekeeper.core.gatekeeper import Gatekeeper
from gatekeeper.core.without_quorum import ASKED_FOR, CLOCKS_DIFFER, HELD_FOR
from gatekeeper.registry import Registry
from h323.council import RefusalName, read_refusal
from h323.ras import (
    AdmissionConfirm,
    AdmissionReject,
    GatekeeperReject,
    GatekeeperRequest,
    RegistrationConfirm,
    RegistrationReject,
    RequestInProgress,
    encode,
)

from .equipment import OUTSIDE, NoneSystem, PasswordSystem, none_entry, password_entry
from .zone import IDENTIFIER, SETTINGS, Terminal, Zone, guardian, private_key, refusal_of


class Caretaker(Zone):
    """A zone whose gatekeeper has lost the quorum after some were registered."""

    def lose_quorum(self, *, ago: float = 60.0) -> None:
        """The last moment at which anything may have been handed to the store was so many seconds ago."""
        if isinstance(self.gatekeeper, Gatekeeper):
            self.term = self.gatekeeper
        self.gatekeeper = WithoutQuorum(self.settings, self.registry, private_key(IDENTIFIER), self.random_bytes)
        self.gatekeeper.in_office(self.term.answers, Instant(self.now.monotonic - ago, self.now.unix - ago))
        self.gatekeeper.remember(self.term.state)

    def hand_over(self, datagram: bytes, terminal: Terminal) -> Commit:
        """The term of office asks for a commit, and the store says nothing."""
        (commit,) = self.gatekeeper.receive(datagram, terminal.source, self.now)
        assert isinstance(commit, Commit)
        return commit

    def pass_time(self, seconds: float) -> None:
        """A caretaker has nothing to do by itself."""
        self.now = Instant(self.now.monotonic + seconds, self.now.unix + seconds)

    def regain_quorum(self) -> None:
        """This node takes office again."""
        caretaker = self.gatekeeper
        self.fail_over()
        caretaker.in_office(self.gatekeeper.answers, self.now)


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


def is_held(answer: object) -> bool:
    """Whether it is asked for patience; what is neither that nor a refusal for want of a quorum fails."""
    if isinstance(answer, RequestInProgress):
        return True
    assert isinstance(answer, AdmissionReject | RegistrationReject)
    assert refusal_of(answer) is RefusalName.GATEKEEPER_ERROR
    return False


@pytest.mark.parametrize(
    ("signed_after", "held"),
    [(-10, True), (0, True), (CLOCKS_DIFFER, True), (CLOCKS_DIFFER + 1, False), (20, False), (22, False), (23, True)],
)
def test_what_may_have_been_handed_over_by_the_time_of_its_signature_is_held(
    zone: Caretaker, alice: Terminal, signed_after: int, held: bool
) -> None:
    """By any node. The last two are of clocks that are ahead: by what may be, and by more."""
    zone.lose_quorum(ago=20)
    room = PasswordSystem(zone, "room")
    asked = alice.signed(alice.admission(2), age=20 - signed_after)
    assert is_held(zone.exchange(asked, alice.source)) is held
    asked = alice.signed(alice.registration(), age=20 - signed_after)
    assert is_held(zone.exchange(asked, alice.source)) is held
    asked = room.hashed(room.registration(), age=20 - signed_after)
    answer = zone.exchange_octets(asked, room.source)
    assert answer is not None
    assert is_held(room.believed(answer, "room")) is held


def test_what_was_held_once_is_never_refused_later(zone: Caretaker, alice: Terminal) -> None:
    zone.lose_quorum(ago=0)
    asked = alice.signed(alice.admission(2))
    for _ in range(4):
        assert is_held(zone.exchange(asked, alice.source))
        zone.pass_time(5)
    assert not is_held(alice.ask(alice.admission(3)))


def test_whoever_may_hand_something_over_later_moves_the_time(zone: Caretaker, alice: Terminal) -> None:
    assert not is_held(alice.ask(alice.admission(2)))
    zone.gatekeeper.suspect(zone.now.monotonic)
    assert is_held(alice.ask(alice.admission(3)))
    zone.gatekeeper.suspect(zone.now.monotonic - 60)
    assert is_held(alice.ask(alice.admission(4)))


def test_what_this_node_handed_over_is_held_whatever_its_time_says(zone: Caretaker, alice: Terminal) -> None:
    zone.fail_over()
    ahead = -(CLOCKS_DIFFER + 3)
    under_way, answered = (alice.signed(alice.admission(call), age=ahead) for call in (2, 3))
    assert zone.exchange(answered, alice.source) is not None
    commit = zone.hand_over(under_way, alice)
    zone.lose_quorum(ago=0)
    zone.pass_time(4)
    other = alice.signed(alice.admission(4), age=1)
    assert not is_held(zone.exchange(other, alice.source)), "by the time alone all three would be refused"
    assert is_held(zone.exchange(under_way, alice.source))
    assert is_held(zone.exchange(answered, alice.source))
    # etcd carries it out after all, and the next term knows the answer.
    zone.store.commit(commit.batch)
    zone.regain_quorum()
    assert isinstance(zone.exchange(under_way, alice.source), AdmissionConfirm)
    assert zone.gatekeeper.calls == 3


def test_what_was_refused_stays_refused_when_the_quorum_is_back(zone: Caretaker, alice: Terminal) -> None:
    """A second copy of it may be on its way: the terminal believes the refusal, and would not know of its call."""
    asked = alice.signed(alice.admission(2))
    refused = zone.exchange_octets(asked, alice.source)
    zone.regain_quorum()
    calls = zone.gatekeeper.calls
    assert refused is not None
    assert zone.exchange_octets(asked, alice.source) == refused
    assert zone.gatekeeper.calls == calls
    assert isinstance(alice.ask(alice.admission(2)), AdmissionConfirm), "asked anew"
    zone.wait(2 * SETTINGS.signature_window + 2)
    assert isinstance(zone.gatekeeper, Gatekeeper)
    assert zone.gatekeeper.answers.find(request_digest(asked, alice.source), alice.source) is None


def test_without_a_time_patience_ends_when_nobody_asks_the_same_any_more(zone: Caretaker) -> None:
    phone = NoneSystem(zone, "phone", 102)
    zone.lose_quorum(ago=0)
    first = phone.registration()
    assert is_held(phone.ask(first))
    zone.pass_time(ASKED_FOR)
    assert is_held(phone.ask(phone.registration()))
    zone.pass_time(1)
    assert not is_held(phone.ask(phone.registration()))
    assert is_held(phone.ask(first)), "what was held once"


@pytest.mark.parametrize("system", [PasswordSystem, NoneSystem])
def test_equipment_that_calls_itself_by_its_endpoint_identifier_is_asked_for_patience(
    zone: Caretaker, system: type[PasswordSystem | NoneSystem]
) -> None:
    equipment = system(zone, "room" if system is PasswordSystem else "phone")
    equipment.register()
    equipment.ask(equipment.admission())
    zone.lose_quorum()
    for message in (
        equipment.registration(keep_alive=True),
        equipment.disengagement(),
        equipment.bandwidth(128_000),
        equipment.report(1, need_response=True),
        equipment.unregistration(),
    ):
        assert isinstance(equipment.ask(message), RequestInProgress)
    assert not is_held(equipment.ask(equipment.admission(2)))
    zone.regain_quorum()
    assert zone.gatekeeper.calls == 1
    assert isinstance(equipment.ask(equipment.registration(keep_alive=True)), RegistrationConfirm)


@pytest.mark.parametrize("system", [PasswordSystem, NoneSystem])
def test_an_endpoint_identifier_that_nobody_remembers_or_from_elsewhere_is_told_nothing(
    zone: Caretaker, system: type[PasswordSystem | NoneSystem]
) -> None:
    name = "room" if system is PasswordSystem else "phone"
    equipment = system(zone, name)
    equipment.register()
    zone.lose_quorum()
    elsewhere = system(zone, name, OUTSIDE)
    elsewhere.endpoint_identifier = equipment.endpoint_identifier
    assert elsewhere.ask(elsewhere.registration(keep_alive=True)) is None
    assert isinstance(equipment.ask(equipment.registration(keep_alive=True)), RequestInProgress)
    zone.gatekeeper.remember(State())
    assert equipment.ask(equipment.registration(keep_alive=True)) is None
    assert equipment.ask(equipment.disengagement()) is None
