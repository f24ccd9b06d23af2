"""BRQ: more within the quota, less always, nobody else's call; and what the gatekeeper lowers by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gatekeeper.registry import Registry
from h323.council import RefusalName
from h323.ras import (
    AdmissionConfirm,
    AdmissionReject,
    BandwidthConfirm,
    BandwidthReject,
    BandwidthRequest,
    DisengageRequest,
    encode,
)

from .zone import Terminal, Zone, guardian, refusal_of, sent_to


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    terminal = Terminal(zone, "alice")
    terminal.register()
    return terminal


def test_more_is_granted_within_the_quota_and_a_call_never_has_more_than_the_limit(alice: Terminal) -> None:
    alice.ask(alice.admission())
    raised = alice.ask(alice.bandwidth(128_000))
    assert isinstance(raised, BandwidthConfirm)
    assert raised.band_width == 1_280
    clamped = alice.ask(alice.bandwidth(10_000_000))
    assert isinstance(clamped, BandwidthConfirm)
    assert clamped.band_width == 20_000


def test_more_than_the_quota_is_refused_and_the_answer_says_what_is_allowed(zone: Zone, alice: Terminal) -> None:
    for call in range(5):
        alice.ask(alice.admission(call, bandwidth_bps=1_900_000))
    answer = alice.ask(alice.bandwidth(2_000_000, 0))
    assert isinstance(answer, BandwidthConfirm)
    alice.ask(alice.admission(5, bandwidth_bps=350_000))
    refused = alice.ask(alice.bandwidth(2_000_000, 1))
    assert isinstance(refused, BandwidthReject)
    assert refused.reject_reason == ("insufficientResources", None)
    assert refused.allowed_band_width == 19_500
    assert refusal_of(refused) is RefusalName.BANDWIDTH_EXCEEDED
    allowed = alice.ask(alice.bandwidth(100 * refused.allowed_band_width, 1))
    assert isinstance(allowed, BandwidthConfirm)
    assert sum(call.bandwidth_bps for call in zone.gatekeeper.list_calls()) == 10_000_000


def test_a_brq_that_lowers_bandwidth_frees_it(alice: Terminal) -> None:
    for call in range(5):
        alice.ask(alice.admission(call, bandwidth_bps=2_000_000))
    assert isinstance(alice.ask(alice.admission(5, bandwidth_bps=1_000_000)), AdmissionReject)
    lowered = alice.ask(alice.bandwidth(1_000_000, 0))
    assert isinstance(lowered, BandwidthConfirm)
    assert lowered.band_width == 10_000
    assert isinstance(alice.ask(alice.admission(6, bandwidth_bps=1_000_000)), AdmissionConfirm)


def test_bandwidth_survives_a_failover(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    alice.ask(alice.bandwidth(1_000_000))
    zone.fail_over()
    (call,) = zone.gatekeeper.list_calls()
    assert call.bandwidth_bps == 1_000_000


def test_a_brq_for_an_unknown_call_is_refused(alice: Terminal) -> None:
    answer = alice.ask(alice.bandwidth(64_000, 7))
    assert isinstance(answer, BandwidthReject)
    assert answer.reject_reason == ("invalidConferenceID", None)
    assert refusal_of(answer) is RefusalName.UNKNOWN_CALL


def test_a_brq_for_anothers_call_is_refused(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    bob = Terminal(zone, "bob", host=102)
    bob.register()
    theirs = replace(alice.bandwidth(2_000_000), endpoint_identifier=bob.endpoint_identifier)
    assert refusal_of(bob.ask(theirs)) is RefusalName.UNKNOWN_CALL
    as_alice = replace(theirs, endpoint_identifier=alice.endpoint_identifier)
    answer = bob.ask(as_alice)
    assert isinstance(answer, BandwidthReject)
    assert answer.reject_reason == ("notBound", None)


def test_an_unsigned_brq_is_refused(zone: Zone, alice: Terminal) -> None:
    alice.ask(alice.admission())
    answer = zone.exchange(encode(alice.bandwidth(64_000)), alice.source)
    assert isinstance(answer, BandwidthReject)
    assert answer.reject_reason == ("securityDenial", None)


def lower_quota(zone: Zone, alice: Terminal) -> BandwidthRequest:
    """Two calls of 1 Mbit/s, and a quota of 1 Mbit/s from now on; the BRQ for the first of them."""
    for call in (1, 2):
        alice.ask(alice.admission(call, bandwidth_bps=1_000_000))
    poorer = replace(guardian("alice"), bandwidth_quota_bps=1_000_000)
    effects = zone.settle(zone.gatekeeper.use_registry(Registry((poorer, guardian("bob"))), zone.now))
    first, second = sent_to(alice.source, effects)
    assert isinstance(first, BandwidthRequest)
    assert isinstance(second, BandwidthRequest)
    assert (first.band_width, second.band_width) == (5_000, 5_000)
    return first


def test_a_lower_quota_lowers_the_calls_at_once(zone: Zone, alice: Terminal) -> None:
    request = lower_quota(zone, alice)
    assert sum(call.bandwidth_bps for call in zone.gatekeeper.list_calls()) == 1_000_000
    confirm = BandwidthConfirm(request_seq_num=request.request_seq_num, band_width=request.band_width)
    assert zone.deliver(alice.signed(confirm), alice.source) == []
    assert zone.gatekeeper.calls == 2
    assert zone.store.records()[-1]["msg_type"] == "BCF"


def test_an_endpoint_that_keeps_to_its_bandwidth_loses_the_call(zone: Zone, alice: Terminal) -> None:
    request = lower_quota(zone, alice)
    refusal = BandwidthReject(
        request_seq_num=request.request_seq_num, reject_reason=("undefinedReason", None), allowed_band_width=10_000
    )
    (told,) = zone.deliver(alice.signed(refusal), alice.source)
    assert isinstance(told, DisengageRequest)
    assert told.call_reference_value == request.call_reference_value
    assert zone.gatekeeper.calls == 1
