"""LRQ: where a call would go, for endpoints and for the neighbours that the settings name; SCI."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gatekeeper.core import Address
from h323.asn1.types import ServiceControlSession
from h323.council import RefusalName
from h323.ras import (
    AliasAddress,
    LocationConfirm,
    LocationReject,
    LocationRequest,
    RasMessage,
    ServiceControlIndication,
    ServiceControlResponse,
    TransportAddressIpAddress,
    decode,
    encode,
)

from .zone import SETTINGS, Terminal, Zone, refusal_of, sent_to

NEIGHBOUR: Address = ("198.51.100.10", 1719)


def question(*aliases: AliasAddress, reply_to: Address = NEIGHBOUR, **fields: object) -> LocationRequest:
    ip = bytes(map(int, reply_to[0].split(".")))
    message = LocationRequest(
        request_seq_num=7,
        destination_info=aliases or (("h323-ID", "alice"),),
        reply_address=("ipAddress", TransportAddressIpAddress(ip=ip, port=reply_to[1])),
    )
    return replace(message, **fields)


def zone_with(*neighbours: str) -> tuple[Zone, Terminal]:
    zone = Zone(settings=replace(SETTINGS, neighbours=neighbours))
    alice = Terminal(zone, "alice")
    alice.register()
    return zone, alice


def answers(zone: Zone, message: LocationRequest, source: Address, to: Address) -> list[RasMessage]:
    return sent_to(to, zone.settle(zone.gatekeeper.receive(encode(message), source, zone.now)))


def test_nobody_is_answered_unless_the_settings_name_them() -> None:
    zone, _ = zone_with()
    assert answers(zone, question(), NEIGHBOUR, NEIGHBOUR) == []
    zone, _ = zone_with("198.51.100.11")
    assert answers(zone, question(), NEIGHBOUR, NEIGHBOUR) == []


def test_a_neighbour_is_told_where_a_guardian_is_and_the_log_has_it() -> None:
    zone, alice = zone_with("198.51.100.10")
    (answer,) = answers(zone, question(), NEIGHBOUR, NEIGHBOUR)
    assert isinstance(answer, LocationConfirm)
    assert answer.call_signal_address == alice.address(1720)
    assert answer.ras_address == alice.address(1719)
    assert answer.request_seq_num == 7
    asked, told = zone.store.records()[-2:]
    assert (asked["msg_type"], asked["destination"], told["msg_type"]) == ("LRQ", ["alice"], "LCF")
    assert told["authentication"] == "neighbour"


def test_a_neighbour_is_told_that_nobody_is_there() -> None:
    zone, _ = zone_with("198.51.100.10")
    (answer,) = answers(zone, question(("h323-ID", "zoe")), NEIGHBOUR, NEIGHBOUR)
    assert isinstance(answer, LocationReject)
    assert answer.reject_reason == ("notRegistered", None)
    (answer,) = answers(zone, question(("h323-ID", "alice"), ("h323-ID", "council")), NEIGHBOUR, NEIGHBOUR)
    assert isinstance(answer, LocationReject)
    assert answer.reject_reason == ("aliasesInconsistent", None)


def test_the_council_is_found_at_its_mcu() -> None:
    zone, _ = zone_with("198.51.100.10")
    (answer,) = answers(zone, question(("h323-ID", "council")), NEIGHBOUR, NEIGHBOUR)
    assert isinstance(answer, LocationConfirm)
    assert answer.call_signal_address[1].ip == bytes([192, 0, 2, 21])


def test_the_answer_goes_to_another_port_but_never_to_another_host() -> None:
    zone, _ = zone_with("198.51.100.10")
    port = ("198.51.100.10", 2_719)
    assert len(answers(zone, question(reply_to=port), NEIGHBOUR, port)) == 1
    victim = ("203.0.113.1", 1719)
    message = replace(question(reply_to=victim), request_seq_num=8)
    assert answers(zone, message, NEIGHBOUR, victim) == []
    assert len(answers(zone, message, NEIGHBOUR, NEIGHBOUR)) == 1


def test_an_answer_to_a_neighbour_is_not_larger_than_the_request() -> None:
    zone, _ = zone_with("198.51.100.10")
    for message in (question(), question(("h323-ID", "z")), question(("h323-ID", "council"))):
        datagram = encode(message)
        for effect in zone.settle(zone.gatekeeper.receive(datagram, NEIGHBOUR, zone.now)):
            assert len(getattr(effect, "datagram", b"")) <= len(datagram)


def test_an_endpoint_asks_with_its_signature() -> None:
    zone, alice = zone_with()
    bob = Terminal(zone, "bob", host=102)
    bob.register()
    answer = alice.ask(question(("h323-ID", "bob"), endpoint_identifier=alice.endpoint_identifier, can_map_alias=True))
    assert isinstance(answer, LocationConfirm)
    assert answer.call_signal_address == bob.address(1720)
    assert answer.destination_info == (("h323-ID", "bob"),)
    missing = alice.ask(replace(question(("h323-ID", "zoe")), request_seq_num=9))
    assert isinstance(missing, LocationReject)
    assert missing.reject_reason == ("notRegistered", None)
    assert refusal_of(missing) is RefusalName.UNKNOWN_ALIAS
    assert zone.gatekeeper.calls == 0


def test_a_stranger_among_guardians_is_refused_and_an_unsigned_question_is_not_answered() -> None:
    zone, alice = zone_with()
    carol = Terminal(zone, "carol", host=103)
    assert isinstance(carol.ask(question()), LocationReject)
    assert answers(zone, question(), alice.source, alice.source) == []


# SCI


@pytest.mark.parametrize(("reason", "result"), [("open", "notAvailable"), ("close", "stopped")])
def test_service_control_is_not_available(reason: str, result: str) -> None:
    _, alice = zone_with()
    session = ServiceControlSession(session_id=1, reason=(reason, None))
    message = ServiceControlIndication(
        request_seq_num=3, service_control=(session,), endpoint_identifier=alice.endpoint_identifier
    )
    answer = alice.ask(message)
    assert isinstance(answer, ServiceControlResponse)
    assert answer.result == (result, None)


def test_service_control_of_a_stranger_is_not_answered() -> None:
    zone, alice = zone_with()
    message = ServiceControlIndication(request_seq_num=3, service_control=(), endpoint_identifier="nobody")
    assert alice.ask(message) is None
    assert zone.exchange(encode(message), alice.source) is None
    assert isinstance(decode(encode(message)), ServiceControlIndication)
