"""The mistakes found in existing gatekeepers that concern calls; each of these tests is named after one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from h323.council import RefusalName
from h323.ras import (
    AdmissionConfirm,
    AdmissionReject,
    BandwidthConfirm,
    CallIdentifier,
    DisengageReject,
    InfoRequestAck,
    InfoRequestNak,
    RasMessage,
    encode,
)

from .zone import Terminal, Zone, private_key, refusal_of


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    terminal = Terminal(zone, "alice")
    terminal.register()
    return terminal


def unsigned(terminal: Terminal, message: RasMessage) -> RasMessage | None:
    return terminal.zone.exchange(encode(message), terminal.source)


@pytest.mark.parametrize("answer_call", [False, True])
def test_unsigned_arq_admitted(zone: Zone, alice: Terminal, answer_call: bool) -> None:
    """A tri-state result was squeezed into a boolean."""
    answer = unsigned(alice, replace(alice.admission(), answer_call=answer_call))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("securityDenial", None)
    forger = Terminal(zone, "alice", host=140, key=private_key("mallory"))
    forger.endpoint_identifier = alice.endpoint_identifier
    assert refusal_of(forger.ask(forger.admission())) is RefusalName.INVALID_SIGNATURE
    assert zone.gatekeeper.calls == 0


def test_unsigned_brq_drq_and_irr_obeyed(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    for message in (alice.bandwidth(0), alice.disengagement(), alice.report()):
        answer = unsigned(alice, message)
        assert answer is None or refusal_of(answer) is RefusalName.INVALID_SIGNATURE
    assert [call.bandwidth_bps for call in zone.gatekeeper.list_calls()] == [64_000]


def test_brq_that_lowers_bandwidth_never_frees_it(zone: Zone, alice: Terminal) -> None:
    for call in range(5):
        alice.ask(alice.admission(call, bandwidth_bps=2_000_000))
    assert refusal_of(alice.ask(alice.admission(5))) is RefusalName.BANDWIDTH_EXCEEDED
    assert isinstance(alice.ask(alice.bandwidth(1_936_000, 0)), BandwidthConfirm)
    assert isinstance(alice.ask(alice.admission(6)), AdmissionConfirm)
    zone.fail_over()
    assert refusal_of(alice.ask(alice.admission(7))) is RefusalName.BANDWIDTH_EXCEEDED


def test_drq_for_an_unknown_call_confirmed(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    unknown = alice.ask(alice.disengagement(2))
    assert isinstance(unknown, DisengageReject)
    assert unknown.reject_reason == ("requestToDropOther", None)
    bob = Terminal(zone, "bob", host=102)
    identifier = CallIdentifier(guid=alice.call_identifier(1))
    stranger = bob.ask(replace(bob.disengagement(), endpoint_identifier="nobody", call_identifier=identifier))
    assert isinstance(stranger, DisengageReject)
    assert stranger.reject_reason == ("notRegistered", None)
    bob.register()
    anothers = bob.ask(replace(bob.disengagement(), call_identifier=identifier))
    assert isinstance(anothers, DisengageReject)
    assert anothers.reject_reason == ("requestToDropOther", None)
    assert zone.gatekeeper.calls == 1


def test_drq_of_a_call_that_has_ended_confirmed(alice: Terminal) -> None:
    alice.ask(alice.admission())
    alice.ask(alice.disengagement())
    assert refusal_of(alice.ask(alice.disengagement())) is RefusalName.UNKNOWN_CALL


def test_irr_that_asks_for_an_answer_ignored(zone: Zone, alice: Terminal) -> None:
    stranger = Terminal(zone, "bob", host=102)
    answer = stranger.ask(stranger.report(need_response=True))
    assert isinstance(answer, InfoRequestNak)
    assert answer.nak_reason == ("notRegistered", None)
    assert isinstance(alice.ask(alice.report(need_response=True)), InfoRequestAck)


def test_bandwidth_counted_as_it_is_asked_for(alice: Terminal) -> None:
    """One popular stack asks for 10 Mbit/s in every ARQ: one call would use up the quota."""
    answers = [alice.ask(alice.admission(call, bandwidth_bps=10_000_000)) for call in range(5)]
    assert [getattr(answer, "band_width", None) for answer in answers] == [20_000] * 5
