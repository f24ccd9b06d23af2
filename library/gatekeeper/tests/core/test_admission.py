"""What is admitted, what is refused, and under which name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gatekeeper.core import CoreSettings, Observe
from h323.council import CallProfile, CallType, RefusalName
from h323.ras import (
    AdmissionConfirm,
    AdmissionReject,
    CallIdentifier,
    DisengageConfirm,
    DisengageReject,
    RequestInProgress,
    encode,
)

from .zone import SETTINGS, Terminal, Zone, guardian, private_key, refusal_of


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    terminal = Terminal(zone, "alice")
    terminal.register()
    return terminal


def test_a_signed_call_to_the_council_is_admitted_to_an_mcu(alice: Terminal) -> None:
    answer = alice.ask(alice.admission())
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address[1].ip == bytes([192, 0, 2, 21])
    assert answer.band_width == 640


def test_an_unsigned_arq_is_refused(zone: Zone, alice: Terminal) -> None:
    answer = zone.exchange(encode(alice.admission()), alice.source)
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("securityDenial", None)
    assert refusal_of(answer) is RefusalName.INVALID_SIGNATURE
    assert zone.gatekeeper.calls == 0


def test_another_ones_key_is_refused(zone: Zone, alice: Terminal) -> None:
    forger = Terminal(zone, "alice", host=140, key=private_key("mallory"))
    forger.endpoint_identifier = alice.endpoint_identifier
    answer = forger.ask(forger.admission())
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("securityError", ("securityIntegrityFailed", None))
    assert refusal_of(answer) is RefusalName.INVALID_SIGNATURE


def test_a_replay_from_elsewhere_is_refused(zone: Zone, alice: Terminal) -> None:
    datagram = alice.signed(alice.admission())
    assert isinstance(zone.exchange(datagram, alice.source), AdmissionConfirm)
    answer = zone.exchange(datagram, ("192.0.2.66", 1719))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("securityError", ("securityReplay", None))


def test_an_old_request_is_refused(zone: Zone, alice: Terminal) -> None:
    answer = zone.exchange(alice.signed(alice.admission(), age=31), alice.source)
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("securityError", ("securityWrongSyncTime", None))


def test_a_request_signed_for_another_gatekeeper_is_refused(zone: Zone, alice: Terminal) -> None:
    answer = zone.exchange(alice.signed(alice.admission(), general_id="elsewhere"), alice.source)
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("securityError", ("securityWrongGeneralID", None))


def test_who_is_not_registered_is_refused(zone: Zone) -> None:
    bob = Terminal(zone, "bob")
    answer = bob.ask(bob.admission())
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("callerNotRegistered", None)
    assert refusal_of(answer) is RefusalName.NOT_REGISTERED


def test_nobody_uses_another_guardians_endpoint_identifier(zone: Zone, alice: Terminal) -> None:
    bob = Terminal(zone, "bob", host=102)
    bob.endpoint_identifier = alice.endpoint_identifier
    assert refusal_of(bob.ask(bob.admission())) is RefusalName.NOT_REGISTERED


def test_personal_data_in_an_escalation_is_refused(alice: Terminal) -> None:
    answer = alice.ask(alice.admission(profile=CallProfile(CallType.ESCALATE, pii=True)))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("requestDenied", None)
    assert refusal_of(answer) is RefusalName.PII_POLICY_VIOLATION


@pytest.mark.parametrize(
    "profile",
    [CallProfile(CallType.ESCALATE), CallProfile(CallType.ROUTINE, pii=True), CallProfile(CallType.EMERGENCY)],
)
def test_other_profiles_are_admitted(alice: Terminal, profile: CallProfile) -> None:
    assert isinstance(alice.ask(alice.admission(profile=profile)), AdmissionConfirm)


def test_the_26th_leg_of_a_conference_is_refused_until_one_leaves(alice: Terminal) -> None:
    for call in range(25):
        assert isinstance(alice.ask(alice.admission(call)), AdmissionConfirm)
    answer = alice.ask(alice.admission(25))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("resourceUnavailable", None)
    assert refusal_of(answer) is RefusalName.CAPACITY_EXCEEDED
    assert isinstance(alice.ask(alice.disengagement(3)), DisengageConfirm)
    assert isinstance(alice.ask(alice.admission(26)), AdmissionConfirm)


def test_more_than_the_limit_is_clamped_and_the_quota_is_enforced_and_freed(alice: Terminal) -> None:
    for call in range(5):
        answer = alice.ask(alice.admission(call, bandwidth_bps=10_000_000))
        assert isinstance(answer, AdmissionConfirm)
        assert answer.band_width == 20_000
    refused = alice.ask(alice.admission(5))
    assert isinstance(refused, AdmissionReject)
    assert refusal_of(refused) is RefusalName.BANDWIDTH_EXCEEDED
    assert isinstance(alice.ask(alice.disengagement(0)), DisengageConfirm)
    assert isinstance(alice.ask(alice.admission(6)), AdmissionConfirm)


def test_a_call_to_a_registered_guardian_goes_to_their_address(zone: Zone, alice: Terminal) -> None:
    bob = Terminal(zone, "bob", host=102)
    bob.register()
    answer = alice.ask(alice.admission(to="bob"))
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address[1].ip == bytes([192, 0, 2, 102])


def test_a_call_to_nobody_is_refused(alice: Terminal) -> None:
    answer = alice.ask(alice.admission(to="carol"))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("calledPartyNotRegistered", None)


def test_a_drq_for_an_unknown_call_is_refused(alice: Terminal) -> None:
    answer = alice.ask(alice.disengagement(9))
    assert isinstance(answer, DisengageReject)
    assert refusal_of(answer) is RefusalName.UNKNOWN_CALL


def test_nobody_ends_another_guardians_call(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    bob = Terminal(zone, "bob", host=102)
    bob.register()
    theirs = replace(alice.disengagement(), endpoint_identifier=bob.endpoint_identifier)
    assert isinstance(bob.ask(theirs), DisengageReject)
    assert zone.gatekeeper.calls == 1


def test_a_retransmission_gets_the_identical_answer_once_it_is_durable(zone: Zone, alice: Terminal) -> None:
    datagram = alice.signed(alice.admission())
    waiting = zone.gatekeeper.receive(datagram, alice.source, zone.now)
    assert isinstance(zone.exchange(datagram, alice.source), RequestInProgress)
    first = [effect for effect in zone.settle(waiting) if not isinstance(effect, Observe)]
    again = zone.exchange_octets(datagram, alice.source)
    assert [effect.datagram for effect in first] == [again]
    assert zone.gatekeeper.calls == 1


def test_after_a_failover_the_call_is_there_and_a_retransmission_is_answered_alike(zone: Zone, alice: Terminal) -> None:
    datagram = alice.signed(alice.admission())
    answer = zone.exchange_octets(datagram, alice.source)
    zone.fail_over()
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (1, 1)
    assert zone.exchange_octets(datagram, alice.source) == answer
    replayed = zone.exchange(datagram, ("192.0.2.66", 1719))
    assert isinstance(replayed, AdmissionReject)
    assert isinstance(alice.ask(alice.disengagement()), DisengageConfirm)


def test_no_answer_leaves_before_the_commit(zone: Zone, alice: Terminal) -> None:
    effects = zone.gatekeeper.receive(alice.signed(alice.admission()), alice.source, zone.now)
    assert [type(effect).__name__ for effect in effects] == ["Commit"]


def test_a_new_conference_goes_to_the_least_loaded_mcu_and_stays_there(alice: Terminal) -> None:
    alice.ask(alice.admission(1))
    other = replace(alice.admission(2), conference_id=bytes(16))
    answer = alice.ask(other)
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address[1].ip == bytes([192, 0, 2, 22])
    again = alice.ask(alice.admission(3))
    assert isinstance(again, AdmissionConfirm)
    assert again.dest_call_signal_address[1].ip == bytes([192, 0, 2, 21])


def test_without_an_mcu_the_council_cannot_be_called() -> None:
    zone = Zone(guardian("alice"), settings=replace_mcus(SETTINGS))
    alice = Terminal(zone, "alice")
    alice.register()
    assert refusal_of(alice.ask(alice.admission())) is RefusalName.CAPACITY_EXCEEDED


def replace_mcus(settings: CoreSettings) -> CoreSettings:
    return replace(settings, mcus=())


def test_a_call_asked_for_again_is_confirmed_in_full_and_counted_once(zone: Zone, alice: Terminal) -> None:
    bob = Terminal(zone, "bob", host=102)
    bob.register()
    first, again = (alice.ask(alice.admission(to="bob")) for _ in range(2))
    assert isinstance(first, AdmissionConfirm)
    assert isinstance(again, AdmissionConfirm)
    assert (again.dest_call_signal_address, again.destination_info) == (
        first.dest_call_signal_address,
        first.destination_info,
    )
    assert zone.gatekeeper.calls == 1


@pytest.mark.parametrize("identifier", [None, CallIdentifier(guid=bytes(16)), CallIdentifier(guid=bytes(range(16)))])
@pytest.mark.parametrize("change", [{"call_reference_value": 6}, {"destination_info": (("h323-ID", "carol"),)}])
def test_another_call_cannot_have_the_identifier_of_one_that_there_is(
    zone: Zone, alice: Terminal, identifier: CallIdentifier | None, change: dict[str, object]
) -> None:
    for number, name in enumerate(("bob", "carol")):
        Terminal(zone, name, host=102 + number).register()
    request = replace(alice.admission(call=5, to="bob"), call_identifier=identifier)
    assert isinstance(alice.ask(request), AdmissionConfirm)
    answer = alice.ask(replace(request, request_seq_num=alice.next_seq(), **change))
    assert isinstance(answer, AdmissionReject)
    assert (refusal_of(answer), answer.reject_reason[0]) == (RefusalName.UNKNOWN_CALL, "requestDenied")
    assert zone.gatekeeper.calls == 1
