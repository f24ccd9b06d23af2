"""What the gatekeeper asks of endpoints: sent again, answered by whom it asked, given up; and calls that it clears."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gatekeeper.core import Commit, Observe, Send
from gatekeeper.core.supervision import Selection
from h323.council import RefusalName
from h323.ras import (
    DisengageConfirm,
    DisengageReject,
    DisengageRequest,
    InfoRequest,
    InfoRequestAck,
    InfoRequestNak,
    RasMessage,
    RegistrationConfirm,
    UnknownMessageResponse,
    UnregistrationRequest,
    decode,
    encode,
)

from .zone import SETTINGS, Terminal, Zone, guardian, private_key, refusal_of, sent_to


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    terminal = Terminal(zone, "alice")
    terminal.register()
    return terminal


def clear(zone: Zone, alice: Terminal) -> DisengageRequest:
    """An operator clears alice's first call; the DRQ that she gets."""
    alice.ask(alice.admission())
    selection = Selection(call_identifier=alice.call_identifier(1).hex())
    cleared, effects = zone.gatekeeper.clear_calls(selection, zone.now)
    assert cleared == 1
    (request,) = sent_to(alice.source, zone.settle(effects))
    assert isinstance(request, DisengageRequest)
    return request


def confirmation(request: RasMessage) -> DisengageConfirm:
    assert isinstance(request, DisengageRequest)
    return DisengageConfirm(request_seq_num=request.request_seq_num)


def sent(zone: Zone, alice: Terminal, seconds: float) -> list[RasMessage]:
    """What alice gets while so much time passes, looked at every quarter of a second."""
    effects = []
    for _ in range(round(4 * seconds)):
        effects += zone.wait(0.25)
    return sent_to(alice.source, effects)


def test_a_cleared_call_is_durable_before_its_endpoint_hears_of_it(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    _, effects = zone.gatekeeper.clear_calls(Selection(terminal_id=alice.terminal_id), zone.now)
    (commit,) = effects
    assert isinstance(commit, Commit)
    assert zone.gatekeeper.timeout(zone.now) == []
    released = zone.settle(effects)
    assert [type(effect) for effect in released] == [Send, Observe]
    (request,) = sent_to(alice.source, released)
    assert isinstance(request, DisengageRequest)
    assert request.disengage_reason == ("forcedDrop", None)
    assert request.endpoint_identifier == alice.endpoint_identifier
    assert request.call_identifier is not None
    assert request.call_identifier.guid == alice.call_identifier(1)
    record = zone.store.records()[-1]
    assert (record["msg_type"], record["detail"]) == ("CLEARED", "cleared by an operator")
    assert zone.gatekeeper.calls == 0
    assert not [key for key in zone.store.items if key.startswith("call/")]


def test_a_conference_is_cleared_with_all_its_calls(zone: Zone, alice: Terminal) -> None:
    bob = Terminal(zone, "bob", host=102)
    bob.register()
    for terminal in (alice, bob):
        terminal.ask(terminal.admission())
    other = replace(alice.admission(2), conference_id=bytes(15) + b"\1")
    alice.ask(other)
    cleared, effects = zone.gatekeeper.clear_calls(Selection(conference_id=bytes(range(16)).hex()), zone.now)
    told = zone.settle(effects)
    assert (cleared, len(sent_to(alice.source, told)), len(sent_to(bob.source, told))) == (2, 1, 1)
    assert [call.conference_id for call in zone.gatekeeper.list_calls()] == [other.conference_id.hex()]


@pytest.mark.parametrize("selection", [Selection(), Selection(call_identifier="00"), Selection(terminal_id="nobody")])
def test_a_selection_that_names_no_call_clears_none(zone: Zone, alice: Terminal, selection: Selection) -> None:
    alice.ask(alice.admission())
    assert zone.gatekeeper.clear_calls(selection, zone.now) == (0, [])
    assert zone.gatekeeper.calls == 1


def test_a_drq_is_sent_again_until_it_is_answered(zone: Zone, alice: Terminal) -> None:
    request = clear(zone, alice)
    assert sent(zone, alice, 1) == [request]
    assert zone.deliver(alice.signed(confirmation(request)), alice.source) == []
    record = zone.store.records()[-1]
    assert (record["msg_type"], record["answers"], record["terminal_id"]) == ("DCF", "DRQ", alice.terminal_id)
    assert sent(zone, alice, 10) == []


def test_a_drq_that_nobody_answers_is_given_up(zone: Zone, alice: Terminal) -> None:
    request = clear(zone, alice)
    assert sent(zone, alice, 20) == [request, request]
    assert zone.store.records()[-1]["msg_type"] == "NO_ANSWER"
    assert len(zone.gatekeeper._outgoing) == 0


def test_a_reject_is_an_answer_too(zone: Zone, alice: Terminal) -> None:
    request = clear(zone, alice)
    reject = DisengageReject(request_seq_num=request.request_seq_num, reject_reason=("requestToDropOther", None))
    assert zone.deliver(alice.signed(reject), alice.source) == []
    assert zone.store.records()[-1]["msg_type"] == "DRJ"


def test_only_the_endpoint_that_was_asked_answers(zone: Zone, alice: Terminal) -> None:
    request = clear(zone, alice)
    bob = Terminal(zone, "bob", host=102)
    bob.register()
    assert zone.deliver(bob.signed(confirmation(request)), alice.source) == []
    assert zone.observed[-1] == Observe("DCF", "unexpected", "signed")
    assert zone.deliver(encode(confirmation(request)), alice.source) == []
    forger = Terminal(zone, "alice", host=103, key=private_key("mallory"))
    assert zone.deliver(forger.signed(confirmation(request)), alice.source) == []
    assert zone.observed[-1] == Observe("DCF", "dropped")
    assert sent(zone, alice, 1) == [request]


@pytest.mark.parametrize("number", [0, 1])
def test_an_answer_of_another_kind_or_number_is_none(zone: Zone, alice: Terminal, number: int) -> None:
    request = clear(zone, alice)
    wrong = confirmation(replace(request, request_seq_num=request.request_seq_num % 65_535 + 1))
    kind = alice.report(seq=request.request_seq_num)
    zone.deliver(alice.signed((wrong, kind)[number]), alice.source)
    assert sent(zone, alice, 1) == [request]


def test_what_nobody_answers_is_bounded_and_leaves_nothing_behind() -> None:
    zone = Zone(guardian("alice"), settings=replace(SETTINGS, max_initiated=5))
    alice = Terminal(zone, "alice")
    alice.register()
    for call in range(20):
        alice.ask(alice.admission(call))
    cleared, effects = zone.gatekeeper.clear_calls(Selection(terminal_id=alice.terminal_id), zone.now)
    assert (cleared, len(sent_to(alice.source, zone.settle(effects)))) == (20, 20)
    assert len(zone.gatekeeper._outgoing) == 5
    assert len(sent(zone, alice, 10)) == 10
    assert len(zone.gatekeeper._outgoing) == 0


def test_an_expired_registration_is_told_to_its_endpoint(zone: Zone, alice: Terminal) -> None:
    effects = zone.wait(61)
    (request,) = sent_to(alice.source, effects)
    assert isinstance(request, UnregistrationRequest)
    assert request.reason == ("ttlExpired", None)


# IRR


def test_an_irr_of_its_own_accord_is_a_sign_of_life(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    records = len(zone.store.records())
    zone.wait(50)
    assert zone.deliver(alice.signed(alice.report(1)), alice.source) == []
    zone.wait(50)
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (1, 1)
    assert len(zone.store.records()) == records


def test_an_irr_that_wants_an_answer_gets_one(alice: Terminal) -> None:
    message = alice.report(need_response=True)
    answer = alice.ask(message)
    assert isinstance(answer, InfoRequestAck)
    assert answer.request_seq_num == message.request_seq_num


def test_an_irr_of_an_unknown_endpoint_that_wants_an_answer_gets_inak(zone: Zone, alice: Terminal) -> None:
    bob = Terminal(zone, "bob", host=102)
    answer = bob.ask(bob.report(need_response=True))
    assert isinstance(answer, InfoRequestNak)
    assert answer.nak_reason == ("notRegistered", None)
    bob.endpoint_identifier = alice.endpoint_identifier
    assert isinstance(bob.ask(bob.report(need_response=True)), InfoRequestNak)


def test_an_unsigned_irr_that_wants_an_answer_gets_inak_and_is_no_sign_of_life(zone: Zone, alice: Terminal) -> None:
    zone.wait(50)
    answer = zone.exchange(encode(alice.report(need_response=True)), alice.source)
    assert isinstance(answer, InfoRequestNak)
    assert answer.nak_reason == ("securityDenial", None)
    assert zone.exchange(encode(alice.report()), alice.source) is None
    zone.wait(11)
    assert zone.gatekeeper.registrations == 0


def test_a_call_that_was_cleared_but_goes_on_is_cleared_again(zone: Zone, alice: Terminal) -> None:
    clear(zone, alice)
    sent(zone, alice, 20)
    (again,) = zone.deliver(alice.signed(alice.report(1)), alice.source)
    assert isinstance(again, DisengageRequest)
    assert zone.store.records()[-1]["detail"] == "reported, but not admitted"


def test_a_call_that_was_granted_beforehand_is_kept_within_the_quota() -> None:
    granted = replace(guardian("alice"), pre_granted_arq=("make_call",), bandwidth_quota_bps=64_000)
    zone = Zone(granted)
    alice = Terminal(zone, "alice")
    alice.register()
    (told,) = zone.deliver(alice.signed(alice.report(1, 2)), alice.source)
    assert isinstance(told, DisengageRequest)
    assert told.call_reference_value == 2
    (call,) = zone.gatekeeper.list_calls()
    assert (call.call_identifier, call.bandwidth_bps) == (alice.call_identifier(1).hex(), 64_000)
    assert [line["msg_type"] for line in zone.store.records()[-2:]] == ["ADOPTED", "CLEARED"]
    zone.fail_over()
    assert zone.gatekeeper.list_calls() == (call,)


# Calls of which nothing is heard


def keep_alive(zone: Zone, alice: Terminal, seconds: int) -> list[RasMessage]:
    """Let time pass for an endpoint that is alive and says nothing of its calls."""
    messages = []
    for _ in range(seconds // 30):
        messages += sent(zone, alice, 30)
        assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
    return messages


def ask_after_call(zone: Zone, alice: Terminal) -> InfoRequest:
    alice.ask(alice.admission())
    requests = keep_alive(zone, alice, 150) + sent(zone, alice, 30)
    assert len(requests) == 1
    assert isinstance(requests[0], InfoRequest)
    return requests[0]


def test_a_silent_endpoint_is_asked_after_its_call_and_keeps_it_by_saying_so(zone: Zone, alice: Terminal) -> None:
    request = ask_after_call(zone, alice)
    assert request.call_identifier is not None
    assert (request.call_identifier.guid, request.call_reference_value) == (alice.call_identifier(1), 1)
    assert zone.deliver(alice.signed(alice.report(1, seq=request.request_seq_num)), alice.source) == []
    assert sent(zone, alice, 10) == []
    assert zone.gatekeeper.calls == 1


def test_a_call_that_its_endpoint_no_longer_reports_is_cleared(zone: Zone, alice: Terminal) -> None:
    request = ask_after_call(zone, alice)
    answer = alice.report(seq=request.request_seq_num, irr_status=("invalidCall", None))
    assert zone.deliver(alice.signed(answer), alice.source) == []
    assert zone.gatekeeper.calls == 0
    record = zone.store.records()[-1]
    assert (record["msg_type"], record["detail"]) == ("CLEARED", "its endpoint no longer reports it")


def test_an_incomplete_report_clears_nothing(zone: Zone, alice: Terminal) -> None:
    request = ask_after_call(zone, alice)
    answer = alice.report(seq=request.request_seq_num, irr_status=("incomplete", None))
    zone.deliver(alice.signed(answer), alice.source)
    assert zone.gatekeeper.calls == 1


def test_an_endpoint_that_does_not_know_irq_keeps_its_call(zone: Zone, alice: Terminal) -> None:
    request = ask_after_call(zone, alice)
    answer = UnknownMessageResponse(request_seq_num=request.request_seq_num, message_not_understood=b"IRQ")
    assert zone.deliver(alice.signed(answer), alice.source) == []
    assert sent(zone, alice, 10) == []
    assert zone.gatekeeper.calls == 1


def test_a_call_whose_endpoint_does_not_answer_is_cleared_and_its_bandwidth_free(zone: Zone, alice: Terminal) -> None:
    ask_after_call(zone, alice)
    alice.ask(alice.registration(keep_alive=True))
    messages = sent(zone, alice, 8)
    assert isinstance(messages[-1], DisengageRequest)
    assert zone.gatekeeper.calls == 0
    for call in range(2, 7):
        assert refusal_of_or_none(alice, call) is None


def refusal_of_or_none(alice: Terminal, call: int) -> RefusalName | None:
    answer = alice.ask(alice.admission(call, bandwidth_bps=2_000_000))
    return refusal_of(answer) if type(answer).__name__.endswith("Reject") else None


def test_reports_keep_a_call_without_a_question(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    for _ in range(10):
        assert sent(zone, alice, 55) == []
        zone.deliver(alice.signed(alice.report(1)), alice.source)
    assert zone.gatekeeper.calls == 1


def test_a_new_active_gives_calls_a_whole_period(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    keep_alive(zone, alice, 150)
    zone.fail_over()
    assert keep_alive(zone, alice, 150) == []
    assert zone.gatekeeper.calls == 1


def test_a_call_that_one_report_lists_many_times_is_dropped_by_one_drq() -> None:
    zone = Zone()
    alice = Terminal(zone, "alice")
    alice.register()
    report = alice.report(1)
    assert report.per_call_info is not None
    datagram = alice.signed(replace(report, per_call_info=report.per_call_info * 40))
    asked = [one for one in zone.deliver(datagram, alice.source) if isinstance(one, DisengageRequest)]
    assert len(asked) == 1


def test_a_report_of_a_call_granted_beforehand_is_acknowledged_once_the_call_is_durable() -> None:
    zone = Zone(replace(guardian("alice"), pre_granted_arq=("make_call",)))
    alice = Terminal(zone, "alice")
    alice.register()
    effects = zone.gatekeeper.receive(alice.signed(alice.report(1, need_response=True)), alice.source, zone.now)
    assert [type(effect) for effect in effects] == [Commit]
    (acknowledged,) = [effect for effect in zone.settle(effects) if isinstance(effect, Send)]
    assert isinstance(decode(acknowledged.datagram), InfoRequestAck)
