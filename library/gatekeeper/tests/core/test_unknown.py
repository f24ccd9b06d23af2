"""Messages that are not served: answered once, to whom we know, and never in a circle."""

from __future__ import annotations

import pytest
from gatekeeper.core import Observe
from h323.asn1.types import NonStandardParameter
from h323.ras import (
    AdmissionConfirm,
    AdmissionReject,
    BandwidthConfirm,
    DisengageConfirm,
    GatekeeperConfirm,
    InfoRequest,
    LocationReject,
    NonStandardMessage,
    RasMessage,
    RegistrationReject,
    RequestInProgress,
    ServiceControlResponse,
    UnknownMessageResponse,
    UnregistrationConfirm,
    encode,
)

from .zone import SETTINGS, Terminal, Zone


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    return Terminal(zone, "alice")


def non_standard_message(terminal: Terminal) -> NonStandardMessage:
    data = NonStandardParameter(non_standard_identifier=("object", "1.3.6.1.4.1.1"), data=b"Who goes there?")
    return NonStandardMessage(request_seq_num=terminal.next_seq(), non_standard_data=data)


def test_a_non_standard_message_is_not_understood(zone: Zone, alice: Terminal) -> None:
    datagram = alice.signed(non_standard_message(alice))
    answer = zone.exchange(datagram, alice.source)
    assert isinstance(answer, UnknownMessageResponse)
    assert answer.request_seq_num == 1
    assert answer.message_not_understood == datagram


def test_its_retransmission_gets_the_same_answer(zone: Zone, alice: Terminal) -> None:
    datagram = alice.signed(non_standard_message(alice))
    first = zone.exchange_octets(datagram, alice.source)
    assert first is not None
    assert zone.exchange_octets(datagram, alice.source) == first


def test_an_info_request_is_the_gatekeepers_to_ask(alice: Terminal) -> None:
    message = InfoRequest(request_seq_num=alice.next_seq(), call_reference_value=0)
    assert isinstance(alice.ask(message), UnknownMessageResponse)


def test_strangers_get_no_answer_to_what_is_not_served(zone: Zone, alice: Terminal) -> None:
    """An XRS is larger than what it answers: it would be of use to whoever forges a source address."""
    message = non_standard_message(alice)
    assert zone.exchange_octets(encode(message), alice.source) is None
    assert zone.exchange_octets(Terminal(zone, "mallory").signed(message), alice.source) is None
    assert zone.observed == [Observe("NSM", "dropped")] * 2


ANSWERS: tuple[RasMessage, ...] = (
    UnknownMessageResponse(request_seq_num=1, message_not_understood=b"?"),
    UnregistrationConfirm(request_seq_num=1),
    DisengageConfirm(request_seq_num=1),
    BandwidthConfirm(request_seq_num=1, band_width=640),
    AdmissionReject(request_seq_num=1, reject_reason=("undefinedReason", None)),
    LocationReject(request_seq_num=1, reject_reason=("undefinedReason", None)),
    RegistrationReject(
        request_seq_num=1, protocol_identifier="0.0.8.2250.0.7", reject_reason=("undefinedReason", None)
    ),
    GatekeeperConfirm(
        request_seq_num=1,
        protocol_identifier="0.0.8.2250.0.7",
        ras_address=Terminal(Zone(), "alice").address(1719),
    ),
    RequestInProgress(request_seq_num=1, delay=100),
    ServiceControlResponse(request_seq_num=1),
)
SEQUENCE = AdmissionConfirm(
    request_seq_num=1,
    band_width=640,
    call_model=("direct", None),
    dest_call_signal_address=Terminal(Zone(), "alice").address(1720),
)


@pytest.mark.parametrize("message", ANSWERS, ids=lambda message: type(message).__name__)
def test_an_answer_is_never_answered(zone: Zone, alice: Terminal, message: RasMessage) -> None:
    """Or two gatekeepers that don't understand each other would go on forever."""
    alice.register()
    assert zone.exchange_octets(alice.signed(message), alice.source) is None


def test_two_gatekeepers_do_not_answer_each_other(alice: Terminal) -> None:
    """What one sends as XRS ends at the other."""
    answer = alice.zone.exchange_octets(alice.signed(non_standard_message(alice)), alice.source)
    assert answer is not None
    assert Zone(settings=SETTINGS).exchange_octets(answer, SETTINGS.ras_address) is None


def test_a_sequence_of_confirmations_is_an_answer_too(zone: Zone, alice: Terminal) -> None:
    """It's the one message that is a list of others, and can't carry a token of its own."""
    alice.register()
    assert zone.exchange_octets(encode((SEQUENCE, SEQUENCE)), alice.source) is None
    assert zone.gatekeeper.calls == 0
