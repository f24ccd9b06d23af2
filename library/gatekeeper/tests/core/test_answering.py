"""Both legs of a call: the caller's admission, and the answering endpoint's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from h323.council import RefusalName
from h323.ras import (
    AdmissionConfirm,
    AdmissionReject,
    AdmissionRequest,
    CallIdentifier,
    DisengageConfirm,
    EndpointType,
    McuInfo,
)

from .zone import CONFERENCE, SETTINGS, Terminal, Zone, guardian, refusal_of


@pytest.fixture
def zone() -> Zone:
    return Zone()


def registered(zone: Zone, name: str, host: int) -> Terminal:
    terminal = Terminal(zone, name, host)
    terminal.register()
    return terminal


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    return registered(zone, "alice", 101)


@pytest.fixture
def bob(zone: Zone) -> Terminal:
    return registered(zone, "bob", 102)


def answering(callee: Terminal, caller: Terminal, call: int = 1, **fields: object) -> AdmissionRequest:
    """The callee's ARQ for a call that has reached it; the port that it saw is any."""
    message = replace(
        callee.admission(call),
        answer_call=True,
        destination_info=(("h323-ID", callee.name),),
        src_info=(("h323-ID", caller.name),),
        src_call_signal_address=caller.address(40_001),
        dest_call_signal_address=callee.address(1720),
        call_identifier=CallIdentifier(guid=caller.call_identifier(call)),
        call_reference_value=call | 0x4000,
    )
    return replace(message, **fields)


def test_both_legs_have_one_call_identifier_and_count_each(zone: Zone, alice: Terminal, bob: Terminal) -> None:
    assert isinstance(alice.ask(alice.admission(to="bob")), AdmissionConfirm)
    answer = bob.ask(answering(bob, alice, band_width=1_280))
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address == bob.address(1720)
    assert answer.band_width == 1_280
    legs = zone.gatekeeper.list_calls()
    assert {leg.call_identifier for leg in legs} == {alice.call_identifier(1).hex()}
    assert sorted((leg.terminal_id, leg.answer_call, leg.bandwidth_bps) for leg in legs) == [
        (alice.terminal_id, False, 64_000),
        (bob.terminal_id, True, 128_000),
    ]


def test_each_leg_ends_by_itself(zone: Zone, alice: Terminal, bob: Terminal) -> None:
    alice.ask(alice.admission(to="bob"))
    bob.ask(answering(bob, alice))
    assert isinstance(alice.ask(alice.disengagement()), DisengageConfirm)
    assert zone.gatekeeper.calls == 1
    theirs = replace(
        bob.disengagement(), call_identifier=CallIdentifier(guid=alice.call_identifier(1)), answered_call=True
    )
    assert isinstance(bob.ask(theirs), DisengageConfirm)
    assert zone.gatekeeper.calls == 0


def test_a_call_whose_caller_was_not_admitted_is_not_answered(zone: Zone, alice: Terminal, bob: Terminal) -> None:
    answer = bob.ask(answering(bob, alice))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("invalidPermission", None)
    assert refusal_of(answer) is RefusalName.UNKNOWN_CALL
    assert zone.gatekeeper.calls == 0


def test_a_call_to_somebody_else_or_of_another_conference_is_not_answered(
    zone: Zone, alice: Terminal, bob: Terminal
) -> None:
    carol = registered(zone, "carol", 103)
    alice.ask(alice.admission(to="bob"))
    assert refusal_of(carol.ask(answering(carol, alice))) is RefusalName.UNKNOWN_CALL
    elsewhere = answering(bob, alice, conference_id=bytes(15) + b"\1")
    assert refusal_of(bob.ask(elsewhere)) is RefusalName.UNKNOWN_CALL
    assert isinstance(bob.ask(answering(bob, alice)), AdmissionConfirm)


def test_a_caller_of_another_zone_is_a_matter_of_policy(zone: Zone, bob: Terminal) -> None:
    stranger = Terminal(zone, "stranger", host=150)
    refused = bob.ask(answering(bob, stranger))
    assert isinstance(refused, AdmissionReject)
    assert refused.reject_reason == ("invalidPermission", None)
    open_zone = Zone(settings=replace(SETTINGS, outside_callers=True))
    bob = registered(open_zone, "bob", 102)
    alice = registered(open_zone, "alice", 101)
    assert isinstance(bob.ask(answering(bob, Terminal(open_zone, "stranger", host=150))), AdmissionConfirm)
    assert refusal_of(bob.ask(answering(bob, alice, call=2))) is RefusalName.UNKNOWN_CALL


def test_a_caller_with_a_granted_arq_needs_none(zone: Zone) -> None:
    granted = replace(guardian("alice"), pre_granted_arq=("make_call",))
    zone = Zone(granted, guardian("bob"), settings=replace(SETTINGS, outside_callers=True))
    alice, bob = registered(zone, "alice", 101), registered(zone, "bob", 102)
    assert isinstance(bob.ask(answering(bob, alice)), AdmissionConfirm)


def test_a_version_1_caller_is_known_by_the_conference(alice: Terminal, bob: Terminal) -> None:
    alice.ask(replace(alice.admission(to="bob"), call_identifier=None))
    answer = bob.ask(answering(bob, alice, call_identifier=CallIdentifier(guid=bytes(16))))
    assert isinstance(answer, AdmissionConfirm)
    assert isinstance(alice.ask(replace(alice.disengagement(), call_identifier=None)), DisengageConfirm)


def test_nobody_calls_under_anothers_call_identifier(alice: Terminal, bob: Terminal) -> None:
    alice.ask(alice.admission(to="bob"))
    stolen = replace(bob.admission(), call_identifier=CallIdentifier(guid=alice.call_identifier(1)))
    answer = bob.ask(stolen)
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("requestDenied", None)


def test_asking_again_in_a_fresh_message_admits_nothing_twice(zone: Zone, alice: Terminal) -> None:
    first, second = (alice.ask(alice.admission(bandwidth_bps=2_000_000)) for _ in range(2))
    assert isinstance(second, AdmissionConfirm)
    assert isinstance(first, AdmissionConfirm)
    assert second.band_width == first.band_width
    assert zone.gatekeeper.calls == 1


def test_an_endpoint_has_at_most_so_many_calls(zone: Zone) -> None:
    zone = Zone(settings=replace(SETTINGS, calls_per_endpoint=3))
    alice = registered(zone, "alice", 101)
    for call in range(3):
        alice.ask(replace(alice.admission(call), band_width=0))
    answer = alice.ask(replace(alice.admission(3), band_width=0))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("exceedsCallCapacity", None)


def test_an_mcus_own_end_takes_no_seat(zone: Zone) -> None:
    mixer_entry = replace(guardian("mixer"), endpoint_types=("mcu",), bandwidth_quota_bps=100_000_000)
    zone = Zone(guardian("alice"), mixer_entry, settings=replace(SETTINGS, mcus=(), conference_capacity=2))
    alice, mixer = registered(zone, "alice", 101), Terminal(zone, "mixer", 121)
    kind = EndpointType(mcu=McuInfo(), mc=True, undefined_node=False)
    mixer.register(terminal_type=kind)
    state = zone.gatekeeper._state
    conference = CONFERENCE.hex()
    for call in (1, 2):
        assert isinstance(alice.ask(alice.admission(call)), AdmissionConfirm)
        assert isinstance(mixer.ask(answering(mixer, alice, call)), AdmissionConfirm)
    assert (state.calls.participants(conference), state.calls.legs_of(mixer.terminal_id)) == (2, 2)
    assert refusal_of(alice.ask(alice.admission(3))) is RefusalName.CAPACITY_EXCEEDED


def test_a_call_from_the_mcu_takes_one_seat_and_one_port(zone: Zone) -> None:
    mixer_entry = replace(guardian("mixer"), endpoint_types=("mcu",))
    zone = Zone(guardian("alice"), mixer_entry, settings=replace(SETTINGS, mcus=()))
    alice, mixer = registered(zone, "alice", 101), Terminal(zone, "mixer", 121)
    kind = EndpointType(mcu=McuInfo(), mc=True, undefined_node=False)
    mixer.register(terminal_type=kind)
    assert isinstance(mixer.ask(mixer.admission(to="alice")), AdmissionConfirm)
    assert isinstance(alice.ask(answering(alice, mixer)), AdmissionConfirm)
    calls = zone.gatekeeper._state.calls
    assert (calls.participants(CONFERENCE.hex()), calls.legs_of(mixer.terminal_id)) == (1, 1)
    assert calls.mcu_of(CONFERENCE.hex()) == mixer.terminal_id
