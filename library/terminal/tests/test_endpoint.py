"""The endpoint against the real gatekeeper's core, and against datagrams that no gatekeeper of ours sent."""

from __future__ import annotations

from typing import Any

import pytest
from h323.council import CallProfile, CallType, Refusal, RefusalName, refusal_generic_data
from h323.h235 import ED25519_OID, sign
from h323.ras import (
    AdmissionConfirm,
    GatekeeperReject,
    RasMessage,
    RegistrationConfirm,
    RegistrationReject,
    RequestInProgress,
    TransportAddressIp6Address,
    UnknownMessageResponse,
    UnregistrationConfirm,
    UnregistrationRequest,
    decode,
    encode,
)
from terminal.core import (
    Call,
    Confirmed,
    Effect,
    Endpoint,
    Finished,
    Ignored,
    NoAnswer,
    Outcome,
    Prepared,
    Refused,
    Transmit,
    Unregistered,
)
from terminal.core.endpoint import transport_address

from .pair import CONFERENCE, IDENTIFIER, START, Pair, from_gatekeeper, guardian, identity, private_key, random_source

ALICE = "if://guardian/alice"


@pytest.fixture
def pair() -> Pair:
    return Pair(guardian("alice"), guardian("bob"), guardian("mallory", "suspended"))


@pytest.fixture
def alice(pair: Pair) -> Endpoint:
    endpoint = pair.endpoint(identity("alice"))
    assert isinstance(pair.ask(endpoint, endpoint.registration()), Confirmed)
    return endpoint


def new_call() -> Call:
    return Call.new(CONFERENCE, random_source("call"))


def name_of(outcome: Outcome[AdmissionConfirm] | Outcome[RegistrationConfirm]) -> RefusalName | None:
    assert isinstance(outcome, Refused), outcome
    return outcome.name


# With the gatekeeper


def test_discovery_agrees_on_ed25519(pair: Pair) -> None:
    endpoint = pair.endpoint(identity("alice"))
    outcome = pair.ask(endpoint, endpoint.discovery())
    assert isinstance(outcome, Confirmed)
    assert outcome.message.algorithm_oid == ED25519_OID
    assert outcome.message.authentication_mode == ("certSign", None)


def test_discovery_that_goes_unsigned_gets_no_answer_that_can_be_believed(pair: Pair) -> None:
    endpoint = pair.endpoint(identity("alice"))
    prepared = endpoint.prepare_unsigned(endpoint.discovery(), pair.now.unix)
    endpoint.send(prepared, pair.now)
    (answer,) = pair.answers(endpoint, prepared.datagram)
    assert len(answer) <= len(prepared.datagram), "a stranger's address may be forged"
    assert endpoint.receive(answer, pair.now) == []
    assert endpoint.ignored == {Ignored.UNSIGNED: 1}


def test_a_whole_call(pair: Pair, alice: Endpoint) -> None:
    call = new_call()
    admitted = pair.ask(alice, alice.admission(call, 10_000_000))
    assert isinstance(admitted, Confirmed)
    assert admitted.message.band_width == 20_000, "clamped to 2 Mbit/s, and said so"
    assert admitted.message.dest_call_signal_address == transport_address(("192.0.2.21", 1720))
    assert isinstance(pair.ask(alice, alice.keep_alive()), Confirmed)
    assert isinstance(pair.ask(alice, alice.disengagement(call)), Confirmed)
    assert isinstance(pair.ask(alice, alice.unregistration()), Confirmed)
    assert alice.endpoint_identifier is None
    assert (pair.gatekeeper.registrations, pair.gatekeeper.calls) == (0, 0)


def test_a_refusal_has_name_detail_and_reason(pair: Pair, alice: Endpoint) -> None:
    profile = CallProfile(CallType.ESCALATE, pii=True)
    outcome = pair.ask(alice, alice.admission(new_call(), 64_000, profile))
    assert isinstance(outcome, Refused)
    assert (outcome.name, outcome.reason) == (RefusalName.PII_POLICY_VIOLATION, "requestDenied")
    assert outcome.summary.startswith("PII_POLICY_VIOLATION: ")


def test_a_suspended_guardian_is_told_so(pair: Pair) -> None:
    endpoint = pair.endpoint(identity("mallory"), 103)
    assert name_of(pair.ask(endpoint, endpoint.registration())) is RefusalName.SUSPENDED


def test_a_forger_is_told_that_the_signature_is_bad(pair: Pair) -> None:
    endpoint = pair.endpoint(identity("alice", key=private_key("forger")), 104)
    assert name_of(pair.ask(endpoint, endpoint.registration())) is RefusalName.INVALID_SIGNATURE


def test_an_unsigned_request_is_refused_and_the_answer_is_addressed_to_nobody(pair: Pair, alice: Endpoint) -> None:
    # So long that a signed refusal is no longer.
    request = alice.admission(new_call(), 64_000, CallProfile(purpose="x" * 128))
    prepared = alice.prepare_unsigned(request, pair.now.unix)
    assert name_of(pair.deliver(alice, prepared)) is RefusalName.INVALID_SIGNATURE


def test_the_same_datagram_from_elsewhere_is_a_replay(pair: Pair, alice: Endpoint) -> None:
    prepared = pair.prepare(alice, alice.admission(new_call(), 64_000))
    assert isinstance(pair.deliver(alice, prepared), Confirmed)
    outcome = pair.deliver(pair.endpoint(identity("alice"), 105), prepared)
    assert isinstance(outcome, Refused)
    assert outcome.name is RefusalName.INVALID_SIGNATURE
    assert "replay" in outcome.detail
    assert outcome.reason == "securityError.securityReplay"


def test_the_same_datagram_from_here_is_a_retransmission(pair: Pair, alice: Endpoint) -> None:
    prepared = pair.prepare(alice, alice.admission(new_call(), 64_000))
    first, again = pair.deliver(alice, prepared), pair.deliver(alice, prepared)
    assert isinstance(first, Confirmed)
    assert isinstance(again, Confirmed)
    assert first.datagram == again.datagram
    assert pair.gatekeeper.calls == 1


def test_a_terminal_whose_clock_is_wrong_is_told_so(pair: Pair) -> None:
    endpoint = pair.endpoint(identity("alice"))
    prepared = endpoint.prepare(endpoint.registration(), pair.now.unix - 3_600)
    outcome = pair.deliver(endpoint, prepared)
    assert isinstance(outcome, Refused)
    assert outcome.name is RefusalName.INVALID_SIGNATURE
    assert outcome.reason == "securityError.securityWrongSyncTime"


def test_the_gatekeeper_ends_a_registration(pair: Pair, alice: Endpoint) -> None:
    from_now_on = Pair(guardian("alice", "suspended")).registry
    instant = pair._instant()
    (urq,) = pair.sent(pair.gatekeeper.use_registry(from_now_on, instant))
    transmitted, told = alice.receive(urq, pair.now)
    assert isinstance(transmitted, Transmit)
    assert isinstance(decode(transmitted.datagram), UnregistrationConfirm)
    assert told == Unregistered("securityDenial")
    assert alice.endpoint_identifier is None
    assert alice.receive(urq, pair.now) == [transmitted], "a second time it ends nothing"


# Datagrams that don't count


class Waiting:
    """An endpoint with an RRQ under way."""

    def __init__(self) -> None:
        self.endpoint = Endpoint(identity("alice"), ("192.0.2.101", 1719), random_source("alice"))
        self.prepared: Prepared[RegistrationConfirm] = self.endpoint.prepare(self.endpoint.registration(), START.unix)
        self.endpoint.send(self.prepared, START)

    def receive(self, datagram: bytes) -> list[Effect]:
        return self.endpoint.receive(datagram, START)

    def answer(self, message: RasMessage, general_id: str | None = ALICE, **fields: Any) -> bytes:
        return from_gatekeeper(message, general_id, self.prepared.datagram, **fields)

    def rcf(self, seq: int | None = None) -> RegistrationConfirm:
        return RegistrationConfirm(
            request_seq_num=self.prepared.request_seq_num if seq is None else seq,
            protocol_identifier="0.0.8.2250.0.7",
            call_signal_address=(),
            endpoint_identifier="0123456789ABCDEF",
            will_respond_to_irr=False,
            maintain_connection=False,
        )

    def ignored_as(self, datagram: bytes, why: Ignored) -> None:
        """It's ignored, counted, and the true answer still counts afterwards."""
        assert self.receive(datagram) == []
        assert self.endpoint.ignored == {why: 1}
        assert self.endpoint.endpoint_identifier is None
        (finished,) = self.receive(self.answer(self.rcf()))
        assert isinstance(finished, Finished)
        assert isinstance(finished.outcome, Confirmed)


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


def test_an_answer_by_another_key_is_ignored(waiting: Waiting) -> None:
    forged = waiting.answer(waiting.rcf(), key=private_key("forger"))
    waiting.ignored_as(forged, Ignored.BAD_SIGNATURE)


def test_an_answer_that_was_changed_on_its_way_is_ignored(waiting: Waiting) -> None:
    datagram = waiting.answer(waiting.rcf())
    changed = datagram.replace("0123456789ABCDEF".encode("utf-16-be"), "0123456789ABCDE0".encode("utf-16-be"))
    assert changed != datagram
    waiting.ignored_as(changed, Ignored.BAD_SIGNATURE)


def test_an_unsigned_answer_is_ignored(waiting: Waiting) -> None:
    waiting.ignored_as(encode(waiting.rcf()), Ignored.UNSIGNED)


def test_an_answer_to_somebody_else_is_ignored(waiting: Waiting) -> None:
    waiting.ignored_as(waiting.answer(waiting.rcf(), "if://guardian/bob"), Ignored.OTHER_ADDRESSEE)


def test_a_confirmation_to_nobody_is_ignored(waiting: Waiting) -> None:
    waiting.ignored_as(waiting.answer(waiting.rcf(), None), Ignored.OTHER_ADDRESSEE)


def test_an_answer_in_another_gatekeepers_name_is_ignored(waiting: Waiting) -> None:
    waiting.ignored_as(waiting.answer(waiting.rcf(), senders_id="another"), Ignored.OTHER_GATEKEEPER)


def test_an_answer_to_another_request_is_ignored(waiting: Waiting) -> None:
    other = waiting.rcf(waiting.prepared.request_seq_num ^ 1)
    waiting.ignored_as(waiting.answer(other), Ignored.UNEXPECTED)


def test_an_answer_to_another_datagram_of_the_same_number_is_ignored(waiting: Waiting) -> None:
    another = encode(waiting.prepared.request.message)
    waiting.ignored_as(from_gatekeeper(waiting.rcf(), ALICE, another), Ignored.OTHER_REQUEST)


def test_an_answer_that_is_tied_to_no_datagram_is_ignored(waiting: Waiting) -> None:
    waiting.ignored_as(from_gatekeeper(waiting.rcf(), ALICE, None), Ignored.OTHER_REQUEST)


def test_a_refusal_that_somebody_else_provoked_is_ignored(pair: Pair, alice: Endpoint) -> None:
    """Who spoofs alice's address and guesses her requestSeqNum gets a refusal with the gatekeeper's signature.

    It reaches alice before the answer that she waits for, and must not end her exchange.
    """
    prepared = pair.prepare(alice, alice.admission(new_call(), 64_000))
    alice.send(prepared, pair.now)
    spoofed = sign(
        prepared.request.message,
        key=private_key("attacker"),
        senders_id=ALICE,
        general_id=IDENTIFIER,
        time_stamp=int(pair.now.unix),
        random=7,
    )
    (provoked,) = pair.answers(alice, spoofed)
    assert alice.receive(provoked, pair.now) == []
    assert alice.ignored == {Ignored.OTHER_REQUEST: 1}
    (answer,) = pair.answers(alice, prepared.datagram)
    (finished,) = alice.receive(answer, pair.now)
    assert isinstance(finished, Finished)
    assert isinstance(finished.outcome, Confirmed)


def test_a_confirmation_of_another_kind_is_ignored(waiting: Waiting) -> None:
    ucf = UnregistrationConfirm(request_seq_num=waiting.prepared.request_seq_num)
    waiting.ignored_as(waiting.answer(ucf), Ignored.UNEXPECTED)


def test_a_confirmation_recorded_long_ago_is_ignored(waiting: Waiting) -> None:
    waiting.ignored_as(waiting.answer(waiting.rcf(), unix=START.unix - 31), Ignored.STALE)


def test_garbage_is_ignored(waiting: Waiting) -> None:
    waiting.ignored_as(b"\xff" * 40, Ignored.MALFORMED)


def test_a_second_answer_finishes_nothing(waiting: Waiting) -> None:
    datagram = waiting.answer(waiting.rcf())
    assert len(waiting.receive(datagram)) == 1
    assert waiting.receive(datagram) == []
    assert waiting.endpoint.ignored == {Ignored.UNEXPECTED: 1}


def test_an_urq_for_another_registration_is_ignored(waiting: Waiting) -> None:
    waiting.receive(waiting.answer(waiting.rcf()))

    def urq(endpoint_identifier: str) -> RasMessage:
        return UnregistrationRequest(request_seq_num=1, call_signal_address=(), endpoint_identifier=endpoint_identifier)

    own, other = urq("0123456789ABCDEF"), urq("FFFFFFFFFFFFFFFF")
    assert waiting.receive(from_gatekeeper(other, ALICE, None)) == []
    assert waiting.receive(from_gatekeeper(own, ALICE, None, key=private_key("forger"))) == []
    assert waiting.receive(from_gatekeeper(own, ALICE, None, START.unix - 31)) == []
    assert waiting.receive(from_gatekeeper(own, "if://guardian/bob", None)) == []
    assert waiting.endpoint.endpoint_identifier == "0123456789ABCDEF"


def test_what_was_ignored_is_told_in_the_end(waiting: Waiting) -> None:
    waiting.receive(encode(waiting.rcf()))
    (finished,) = waiting.endpoint.timeout(START._replace(monotonic=START.monotonic + 5))
    assert isinstance(finished, Finished)
    assert isinstance(finished.outcome, NoAnswer)
    assert finished.outcome.summary == "no answer within 5.0 s; datagrams ignored: 1 unsigned"


# Other answers


def test_a_stale_refusal_is_passed_on(waiting: Waiting) -> None:
    rrj = RegistrationReject(
        request_seq_num=waiting.prepared.request_seq_num,
        protocol_identifier="0.0.8.2250.0.7",
        reject_reason=("securityDenial", None),
        generic_data=(refusal_generic_data(Refusal(RefusalName.INVALID_SIGNATURE, "wrong sync time")),),
    )
    (finished,) = waiting.receive(waiting.answer(rrj, unix=START.unix + 3_600))
    assert isinstance(finished, Finished)
    assert isinstance(finished.outcome, Refused)


def test_a_request_that_is_not_understood_is_refused(waiting: Waiting) -> None:
    xrs = UnknownMessageResponse(request_seq_num=waiting.prepared.request_seq_num, message_not_understood=b"")
    (finished,) = waiting.receive(waiting.answer(xrs))
    assert isinstance(finished, Finished)
    assert isinstance(finished.outcome, Refused)
    assert finished.outcome.summary == "refused (messageNotUnderstood)"


def test_a_standbys_redirect_ends_discovery() -> None:
    endpoint = Endpoint(identity("alice"), ("192.0.2.101", 1719), random_source("alice"))
    prepared = endpoint.prepare(endpoint.discovery(), START.unix)
    endpoint.send(prepared, START)
    grj = GatekeeperReject(
        request_seq_num=prepared.request_seq_num,
        protocol_identifier="0.0.8.2250.0.7",
        gatekeeper_identifier=IDENTIFIER,
        reject_reason=("resourceUnavailable", None),
    )
    (finished,) = endpoint.receive(from_gatekeeper(grj, None, prepared.datagram), START)
    assert isinstance(finished, Finished)
    assert isinstance(finished.outcome, Refused)


def test_a_request_in_progress_is_waited_for(waiting: Waiting) -> None:
    rip = RequestInProgress(request_seq_num=waiting.prepared.request_seq_num, delay=6_000)
    assert waiting.receive(waiting.answer(rip)) == []
    assert waiting.endpoint.timeout(START._replace(monotonic=START.monotonic + 5.5)) == []
    due = waiting.endpoint.timeout(START._replace(monotonic=START.monotonic + 6))
    assert due == [Transmit(waiting.prepared.datagram)]


def test_one_request_of_a_number_at_a_time(waiting: Waiting) -> None:
    with pytest.raises(ValueError, match="is under way"):
        waiting.endpoint.send(waiting.prepared, START)


def test_numbers_go_round_and_step_over_those_under_way() -> None:
    endpoint = Endpoint(identity("alice"), ("192.0.2.101", 1719), lambda size: b"\xff" * size)
    first = endpoint.prepare(endpoint.keep_alive(), START.unix)
    assert first.request_seq_num == 1, "behind 65535 comes 1: 0 is no number"
    endpoint.send(first, START)
    numbers = {endpoint.discovery().message.request_seq_num for _ in range(65_534)}
    assert numbers == set(range(2, 65_536))
    assert endpoint.discovery().message.request_seq_num == 2


def test_ipv6_addresses_are_written_as_such() -> None:
    ip = bytes.fromhex("20010db8000000000000000000000001")
    assert transport_address(("2001:db8::1", 1719)) == ("ip6Address", TransportAddressIp6Address(ip=ip, port=1719))
