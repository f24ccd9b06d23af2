"""What the gatekeeper asks of a terminal, both cores face to face: DRQ, BRQ, IRQ, reports, RIP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from gatekeeper.core import Commit, Selection
from gatekeeper.registry import Registry
from h323.ras import (
    BandwidthConfirm,
    BandwidthReject,
    BandwidthRequest,
    CallIdentifier,
    DisengageConfirm,
    DisengageReject,
    DisengageRequest,
    InfoRequest,
    InfoRequestResponse,
    RasMessage,
    decode,
)
from terminal.core import (
    BandwidthChanged,
    Call,
    Confirmed,
    Disengaged,
    Effect,
    Endpoint,
    Finished,
    Ignored,
    NoAnswer,
    Refused,
    Transmit,
)

from .pair import CONFERENCE, START, Pair, from_gatekeeper, guardian, identity, private_key, random_source

ALICE = "if://guardian/alice"


@pytest.fixture
def pair() -> Pair:
    return Pair(guardian("alice"), guardian("bob"))


@pytest.fixture
def alice(pair: Pair) -> Endpoint:
    endpoint = pair.endpoint(identity("alice"))
    assert isinstance(pair.ask(endpoint, endpoint.registration()), Confirmed)
    return endpoint


@pytest.fixture
def call(pair: Pair, alice: Endpoint) -> Call:
    admitted = Call.new(CONFERENCE, random_source("call"))
    assert isinstance(pair.ask(alice, alice.admission(admitted, 64_000)), Confirmed)
    return admitted


def transmitted(effects: list[Effect]) -> list[RasMessage]:
    return [decode(effect.datagram) for effect in effects if isinstance(effect, Transmit)]


def deliver(pair: Pair, endpoint: Endpoint, datagrams: list[bytes]) -> list[Effect]:
    """Carry datagrams to and fro until both sides are silent; what the terminal's driver is told."""
    told: list[Effect] = []
    while datagrams:
        effects = endpoint.receive(datagrams.pop(0), pair.now)
        for effect in effects:
            if isinstance(effect, Transmit):
                datagrams += pair.answers(endpoint, effect.datagram)
            else:
                told.append(effect)
    return told


def pass_time(pair: Pair, endpoint: Endpoint, seconds: int) -> list[Effect]:
    """Both notice the time; what each sends reaches the other."""
    told: list[Effect] = []
    for _ in range(seconds):
        pair.wait(1)
        told += deliver(pair, endpoint, pair.sent(pair.gatekeeper.timeout(pair._instant())))
        for effect in endpoint.timeout(pair.now):
            if isinstance(effect, Transmit):
                told += deliver(pair, endpoint, pair.answers(endpoint, effect.datagram))
            else:
                told.append(effect)
    return told


def test_a_call_that_an_operator_clears_is_dropped(pair: Pair, alice: Endpoint, call: Call) -> None:
    _, effects = pair.gatekeeper.clear_calls(Selection(terminal_id=ALICE), pair._instant())
    (drq,) = pair.sent(effects)
    told = deliver(pair, alice, [drq])
    assert told == [Disengaged(call, "forcedDrop")]
    assert alice.calls == ()
    assert pair.sent(pair.gatekeeper.timeout(pair._instant())) == []
    assert len(pair.gatekeeper._outgoing) == 0, "the DCF was believed"


def test_a_request_that_comes_again_is_answered_alike_and_does_nothing_again(
    pair: Pair, alice: Endpoint, call: Call
) -> None:
    _, effects = pair.gatekeeper.clear_calls(Selection(terminal_id=ALICE), pair._instant())
    (drq,) = pair.sent(effects)
    first = alice.receive(drq, pair.now)
    assert isinstance(decode(first[0].datagram), DisengageConfirm)
    assert alice.receive(drq, pair.now) == first[:1]
    assert first[1:] == [Disengaged(call, "forcedDrop")]


def test_a_lower_quota_lowers_the_terminals_call(pair: Pair, alice: Endpoint, call: Call) -> None:
    poorer = replace(guardian("alice"), bandwidth_quota_bps=32_000)
    effects = pair.gatekeeper.use_registry(Registry((poorer, guardian("bob"))), pair._instant())
    assert deliver(pair, alice, pair.sent(effects)) == [BandwidthChanged(call, 32_000)]
    assert [held.bandwidth_bps for held in alice.calls] == [32_000]
    assert len(pair.gatekeeper._outgoing) == 0


def test_a_terminal_asks_for_more_and_less(pair: Pair, alice: Endpoint, call: Call) -> None:
    outcome = pair.ask(alice, alice.bandwidth(call, 10_000_000))
    assert isinstance(outcome, Confirmed)
    assert [held.bandwidth_bps for held in alice.calls] == [2_000_000]
    assert isinstance(pair.ask(alice, alice.bandwidth(call, 64_000)), Confirmed)
    assert [held.bandwidth_bps for held in alice.calls] == [64_000]
    unknown = Call.new(CONFERENCE, random_source("another call"))
    refused = pair.ask(alice, alice.bandwidth(unknown, 64_000))
    assert isinstance(refused, Refused)
    assert refused.reason == "invalidConferenceID"


def test_reports_keep_a_call_alive(pair: Pair, alice: Endpoint, call: Call) -> None:
    for _ in range(10):
        assert pass_time(pair, alice, 55) == []
        assert isinstance(pair.ask(alice, alice.keep_alive()), Confirmed)
    assert (pair.gatekeeper.calls, [held.call for held in alice.calls]) == (1, [call])


def test_a_report_is_due_as_often_as_the_gatekeeper_wants(pair: Pair, alice: Endpoint, call: Call) -> None:
    assert alice.next_timeout == pair.now.monotonic + 60
    pair.wait(60)
    (report,) = transmitted(alice.timeout(pair.now))
    assert isinstance(report, InfoRequestResponse)
    assert report.unsolicited
    assert report.per_call_info is not None
    assert report.per_call_info[0].call_identifier == CallIdentifier(guid=call.call_identifier)
    assert alice.timeout(pair.now) == []
    pair.ask(alice, alice.disengagement(call))
    assert alice.next_timeout is None


def test_a_call_that_the_gatekeeper_never_heard_the_end_of_is_cleared(pair: Pair, alice: Endpoint, call: Call) -> None:
    lost = pair.prepare(alice, alice.disengagement(call))
    alice.send(lost, pair.now)
    ended = pass_time(pair, alice, 6)
    assert isinstance(ended[0], Finished)
    for _ in range(4):
        pair.ask(alice, alice.keep_alive())
        pass_time(pair, alice, 50)
    assert (pair.gatekeeper.calls, pair.gatekeeper.registrations) == (0, 1)


def test_a_request_in_progress_of_the_gatekeeper_makes_the_terminal_wait(pair: Pair, alice: Endpoint) -> None:
    call = Call.new(CONFERENCE, random_source("slow"))
    prepared = pair.prepare(alice, alice.admission(call, 64_000))
    alice.send(prepared, pair.now)
    source = pair._addresses[id(alice)]
    (commit,) = pair.gatekeeper.receive(prepared.datagram, source, pair._instant())
    assert isinstance(commit, Commit)
    pair.wait(0.5)
    (rip,) = pair.sent(pair.gatekeeper.timeout(pair._instant()))
    assert alice.receive(rip, pair.now) == []
    pair.wait(0.9)
    assert alice.timeout(pair.now) == []
    (answer,) = pair.sent(pair.gatekeeper.committed(commit.number, pair._instant()))
    (finished,) = alice.receive(answer, pair.now)
    assert isinstance(finished, Finished)
    assert isinstance(finished.outcome, Confirmed)
    assert finished.outcome.attempts == 1


def test_progress_that_goes_on_outlasts_the_terminals_patience(pair: Pair, alice: Endpoint) -> None:
    """A commit of 20 seconds: each retransmission is answered by RIP, and in the end the ACF counts."""
    call = Call.new(CONFERENCE, random_source("very slow"))
    prepared = pair.prepare(alice, alice.admission(call, 64_000))
    source = pair._addresses[id(alice)]
    alice.send(prepared, pair.now)
    (commit,) = pair.gatekeeper.receive(prepared.datagram, source, pair._instant())
    for _ in range(80):
        pair.wait(0.25)
        sends = pair.sent(pair.gatekeeper.timeout(pair._instant()))
        for effect in alice.timeout(pair.now):
            assert isinstance(effect, Transmit), effect
            sends += pair.sent(pair.gatekeeper.receive(effect.datagram, source, pair._instant()))
        for datagram in sends:
            assert alice.receive(datagram, pair.now) == []
    (answer,) = pair.sent(pair.gatekeeper.committed(commit.number, pair._instant()))
    (finished,) = alice.receive(answer, pair.now)
    assert isinstance(finished, Finished)
    assert not isinstance(finished.outcome, NoAnswer)


# Requests that can't be our gatekeeper's


def request(kind: type[Any], alice: Endpoint, call: Call) -> RasMessage:
    fields: dict[str, Any] = {"request_seq_num": 9, "call_identifier": CallIdentifier(guid=call.call_identifier)}
    if kind is InfoRequest:
        return InfoRequest(call_reference_value=call.reference, **fields)
    fields |= {
        "endpoint_identifier": alice.endpoint_identifier,
        "conference_id": call.conference_id,
        "call_reference_value": call.reference,
    }
    if kind is BandwidthRequest:
        return BandwidthRequest(band_width=1, **fields)
    return DisengageRequest(disengage_reason=("forcedDrop", None), **fields)


@pytest.mark.parametrize("kind", [DisengageRequest, BandwidthRequest, InfoRequest])
def test_a_forged_request_does_nothing_and_is_not_answered(alice: Endpoint, call: Call, kind: type[Any]) -> None:
    message = request(kind, alice, call)
    forgeries = {
        Ignored.BAD_SIGNATURE: from_gatekeeper(message, ALICE, None, key=private_key("forger")),
        Ignored.OTHER_ADDRESSEE: from_gatekeeper(message, "if://guardian/bob", None),
        Ignored.OTHER_GATEKEEPER: from_gatekeeper(message, ALICE, None, senders_id="another"),
        Ignored.STALE: from_gatekeeper(message, ALICE, None, START.unix - 31),
    }
    for why, datagram in forgeries.items():
        assert alice.receive(datagram, START) == []
        assert alice.ignored[why] == 1
    assert [held.bandwidth_bps for held in alice.calls] == [64_000]
    (answer, *_) = alice.receive(from_gatekeeper(message, ALICE, None), START)
    assert isinstance(answer, Transmit)


def test_what_is_not_ours_is_refused(alice: Endpoint, call: Call) -> None:
    other = Call.new(CONFERENCE, random_source("other"))
    expected = {DisengageRequest: DisengageReject, BandwidthRequest: BandwidthReject, InfoRequest: InfoRequestResponse}
    for number, (kind, answer) in enumerate(expected.items()):
        datagram = from_gatekeeper(request(kind, alice, other), ALICE, None, START.unix + number)
        (message,) = transmitted(alice.receive(datagram, START))
        assert isinstance(message, answer)
    assert isinstance(message, InfoRequestResponse)
    assert message.irr_status == ("invalidCall", None)
    assert [held.call for held in alice.calls] == [call]


def test_without_a_call_reference_all_calls_are_reported(pair: Pair, alice: Endpoint, call: Call) -> None:
    second = Call.new(CONFERENCE, random_source("second"))
    pair.ask(alice, alice.admission(second, 64_000))
    message = InfoRequest(request_seq_num=3, call_reference_value=0)
    (report,) = transmitted(alice.receive(from_gatekeeper(message, ALICE, None), pair.now))
    assert isinstance(report, InfoRequestResponse)
    assert (report.request_seq_num, report.unsolicited) == (3, False)
    references = [item.call_reference_value for item in report.per_call_info or ()]
    assert references == [call.reference, second.reference]


def test_a_bandwidth_request_is_confirmed_with_what_it_wants(alice: Endpoint, call: Call) -> None:
    datagram = from_gatekeeper(request(BandwidthRequest, alice, call), ALICE, None)
    effects = alice.receive(datagram, START)
    (confirm,) = transmitted(effects)
    assert isinstance(confirm, BandwidthConfirm)
    assert confirm.band_width == 1
    assert effects[1:] == [BandwidthChanged(call, 100)]
