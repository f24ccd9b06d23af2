"""Whom a call reaches: by each kind of alias, by address, through a gateway, at an MCU."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gatekeeper.core import Mcu
from gatekeeper.registry import Guardian
from h323.asn1.types import GatewayInfo, PublicPartyNumber
from h323.council import RefusalName
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AdmissionConfirm,
    AdmissionReject,
    AliasAddress,
    EndpointType,
    McuInfo,
    RasMessage,
    ResourcesAvailableConfirm,
    ResourcesAvailableIndicate,
    TerminalInfo,
    TransportAddressIp6Address,
    TransportAddressIpAddress,
    encode,
)

from .zone import SETTINGS, Terminal, Zone, guardian, refusal_of

BOB = ("ipAddress", TransportAddressIpAddress(ip=bytes([192, 0, 2, 102]), port=1720))
NUMBER = PublicPartyNumber(public_type_of_number=("unknown", None), public_number_digits="1002")
MCU_TYPE = EndpointType(mcu=McuInfo(), mc=True, undefined_node=False)
GATEWAY_TYPE = EndpointType(gateway=GatewayInfo(), mc=False, undefined_node=False)


def named(name: str, *aliases: str, **fields: object) -> Guardian:
    return replace(guardian(name), aliases=(name, *aliases), **fields)


@pytest.fixture
def zone() -> Zone:
    return Zone(
        guardian("alice"),
        named("bob", "1002", "bob@council.example"),
        named("mixer", endpoint_types=("mcu",)),
        named("gw1", endpoint_types=("gateway",), prefixes=("0",)),
        named("gw2", endpoint_types=("gateway",), prefixes=("0", "0041")),
    )


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    terminal = Terminal(zone, "alice")
    terminal.register()
    return terminal


@pytest.fixture
def bob(zone: Zone) -> Terminal:
    terminal = Terminal(zone, "bob", host=102)
    terminal.register(terminal_alias=None)
    return terminal


def call(caller: Terminal, *aliases: AliasAddress, number: int = 1, **fields: object) -> RasMessage | None:
    message = replace(caller.admission(number), destination_info=aliases or None, **fields)
    return caller.ask(message)


def register_as(zone: Zone, name: str, host: int, kind: EndpointType) -> Terminal:
    terminal = Terminal(zone, name, host)
    terminal.register(terminal_type=kind)
    return terminal


@pytest.mark.parametrize(
    "alias",
    [
        ("h323-ID", "bob"),
        ("h323-ID", "bob\0"),
        ("dialledDigits", "1002"),
        (
            "partyNumber",
            ("e164Number", PublicPartyNumber(public_type_of_number=("unknown", None), public_number_digits="1002")),
        ),
        ("email-ID", "bob@council.example"),
        ("url-ID", "h323:bob"),
        ("url-ID", "H323:bob"),
        ("url-ID", "h323:b%6Fb;transport=tcp"),
        ("url-ID", "h323:bob@council.example"),
        ("url-ID", "h323:bob@192.0.2.10"),
        ("url-ID", "h323:bob@guardian-council"),
        ("url-ID", "if://guardian/bob"),
        ("url-ID", "h323:192.0.2.102"),
        ("url-ID", "h323:whoever@192.0.2.102:1720"),
        ("transportID", BOB),
    ],
)
def test_a_guardian_is_found_by_each_kind_of_alias(alice: Terminal, bob: Terminal, alias: AliasAddress) -> None:
    del bob
    answer = call(alice, alias)
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address == BOB
    assert answer.call_model == ("direct", None)
    assert answer.destination_type == EndpointType(terminal=TerminalInfo(), mc=False, undefined_node=False)
    assert answer.will_respond_to_irr is True
    assert answer.irr_frequency == 60


@pytest.mark.parametrize(
    "alias",
    [
        ("h323-ID", "carol"),
        ("url-ID", "h323:bob@elsewhere.example"),
        ("url-ID", "h323:192.0.2.102:1721"),
        ("url-ID", "h323:192.0.2.102:99999"),
        ("url-ID", "h323:[::1"),
        ("url-ID", "h323:"),
        ("transportID", ("ipAddress", TransportAddressIpAddress(ip=bytes(4), port=0))),
        ("dialledDigits", "1"),
    ],
)
def test_nobody_else_is(alice: Terminal, bob: Terminal, alias: AliasAddress) -> None:
    del bob
    answer = call(alice, alias)
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("calledPartyNotRegistered", None)
    assert refusal_of(answer) is RefusalName.UNKNOWN_ALIAS


def test_by_address_alone(alice: Terminal, bob: Terminal) -> None:
    del bob
    answer = call(alice, dest_call_signal_address=BOB)
    assert isinstance(answer, AdmissionConfirm)
    assert answer.destination_info == (
        ("h323-ID", "bob"),
        ("dialledDigits", "1002"),
        ("h323-ID", "bob@council.example"),
    )
    unmapped = call(alice, dest_call_signal_address=BOB, number=2, can_map_alias=False)
    assert isinstance(unmapped, AdmissionConfirm)
    assert unmapped.destination_info is None


def test_an_unknown_alias_falls_back_to_the_address(alice: Terminal, bob: Terminal) -> None:
    del bob
    answer = call(alice, ("h323-ID", "nobody"), dest_call_signal_address=BOB)
    assert isinstance(answer, AdmissionConfirm)


def test_no_destination_at_all_is_incomplete(alice: Terminal) -> None:
    answer = call(alice)
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("incompleteAddress", None)


def test_aliases_of_different_endpoints_are_inconsistent(alice: Terminal, bob: Terminal) -> None:
    del bob
    answer = call(alice, ("h323-ID", "bob"), ("h323-ID", "council"))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("aliasesInconsistent", None)
    assert isinstance(call(alice, ("h323-ID", "bob"), ("dialledDigits", "1002")), AdmissionConfirm)


def test_gatekeeper_routed_is_answered_direct(alice: Terminal, bob: Terminal) -> None:
    del bob
    answer = call(alice, ("h323-ID", "bob"), call_model=("gatekeeperRouted", None))
    assert isinstance(answer, AdmissionConfirm)
    assert answer.call_model == ("direct", None)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (None, None),
        ("endpointControlled", "endpointControlled"),
        ("gatekeeperControlled", "noControl"),
        ("noControl", "noControl"),
    ],
)
def test_quality_of_service_is_the_endpoints_own(alice: Terminal, asked: str | None, told: str | None) -> None:
    answer = call(alice, ("h323-ID", "council"), transport_qos=(asked, None) if asked else None)
    assert isinstance(answer, AdmissionConfirm)
    assert answer.transport_qos == ((told, None) if told else None)


def test_an_endpoint_of_two_addresses_is_called_at_one_that_the_caller_can_reach(zone: Zone, alice: Terminal) -> None:
    bob = Terminal(zone, "bob", host=102)
    ipv6 = ("ip6Address", TransportAddressIp6Address(ip=bytes([0x20, 1, 0xD, 0xB8]) + bytes(11) + b"\2", port=1720))
    bob.ask(bob.registration(call_signal_address=(ipv6, BOB)))
    answer = call(alice, ("h323-ID", "bob"))
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address == BOB
    assert answer.alternate_endpoints is not None
    assert [there.call_signal_address for there in answer.alternate_endpoints] == [(ipv6,)]


# Gateways


def test_a_number_goes_to_the_gateway_of_its_longest_prefix(zone: Zone, alice: Terminal) -> None:
    for name, host in (("gw1", 111), ("gw2", 112)):
        register_as(zone, name, host, GATEWAY_TYPE)
    swiss = call(alice, ("dialledDigits", "0041441234567"))
    assert isinstance(swiss, AdmissionConfirm)
    assert swiss.dest_call_signal_address[1].ip[3] == 112
    assert swiss.destination_info == (("dialledDigits", "0041441234567"),)
    assert swiss.destination_type == EndpointType(gateway=GatewayInfo(), mc=False, undefined_node=False)
    assert swiss.alternate_endpoints is None
    other = call(alice, ("dialledDigits", "0301234567"), number=2)
    assert isinstance(other, AdmissionConfirm)
    assert other.alternate_endpoints is not None
    assert len(other.alternate_endpoints) == 1


def test_a_prefix_with_nothing_behind_it_is_incomplete(zone: Zone, alice: Terminal) -> None:
    register_as(zone, "gw2", 112, GATEWAY_TYPE)
    answer = call(alice, ("dialledDigits", "0041"))
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("incompleteAddress", None)


def indication(terminal: Terminal, *, almost_out: bool) -> ResourcesAvailableIndicate:
    return ResourcesAvailableIndicate(
        request_seq_num=terminal.next_seq(),
        protocol_identifier=PROTOCOL_IDENTIFIER,
        endpoint_identifier=terminal.endpoint_identifier or "0000000000000000",
        protocols=(),
        almost_out_of_resources=almost_out,
    )


def test_a_gateway_that_is_almost_out_of_resources_is_called_last(zone: Zone, alice: Terminal) -> None:
    gateways = [register_as(zone, name, host, GATEWAY_TYPE) for name, host in (("gw1", 111), ("gw2", 112))]

    def reached(number: int) -> int:
        answer = call(alice, ("dialledDigits", "0301234567"), number=number)
        assert isinstance(answer, AdmissionConfirm)
        return int(answer.dest_call_signal_address[1].ip[3])

    first = reached(1)
    full = next(gateway for gateway in gateways if gateway.host == first)
    assert isinstance(full.ask(indication(full, almost_out=True)), ResourcesAvailableConfirm)
    assert reached(2) != first
    zone.fail_over()
    assert reached(3) != first
    assert isinstance(full.ask(indication(full, almost_out=False)), ResourcesAvailableConfirm)
    assert reached(4) == first
    assert not [key for key in zone.store.items if key.startswith("almost-out/")]


def test_rai_of_an_unknown_endpoint_or_unsigned_steers_nothing(zone: Zone, alice: Terminal) -> None:
    bob = Terminal(zone, "bob", host=102)
    assert bob.ask(indication(bob, almost_out=True)) is None
    assert zone.exchange(encode(indication(alice, almost_out=True)), alice.source) is None
    assert not zone.gatekeeper._state.almost_out


def test_resources_are_forgotten_with_the_registration(zone: Zone) -> None:
    gateway = register_as(zone, "gw1", 111, GATEWAY_TYPE)
    gateway.ask(indication(gateway, almost_out=True))
    gateway.ask(gateway.unregistration())
    assert not zone.gatekeeper._state.almost_out
    assert not zone.store.items


# MCUs


def test_the_council_is_also_where_an_mcu_registers(zone: Zone) -> None:
    zone = Zone(guardian("alice"), named("mixer", endpoint_types=("mcu",)), settings=replace(SETTINGS, mcus=()))
    alice = Terminal(zone, "alice")
    alice.register()
    assert refusal_of(call(alice, ("h323-ID", "council"))) is RefusalName.CAPACITY_EXCEEDED
    register_as(zone, "mixer", 121, MCU_TYPE)
    answer = call(alice, ("h323-ID", "council"))
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address[1].ip[3] == 121
    assert answer.destination_type == MCU_TYPE


def test_a_guardian_who_may_not_be_an_mcu_does_not_get_the_councils_calls(zone: Zone) -> None:
    bob = Terminal(zone, "bob", host=102)
    answer = bob.ask(bob.registration(terminal_type=MCU_TYPE))
    assert type(answer).__name__ == "RegistrationReject"


def test_the_other_mcus_are_alternates(alice: Terminal) -> None:
    answer = call(alice, ("h323-ID", "council"))
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address[1].ip[3] == 21
    assert answer.alternate_endpoints is not None
    (other,) = answer.alternate_endpoints
    assert other.call_signal_address is not None
    assert other.call_signal_address[0][1].ip[3] == 22


def test_an_mcu_that_is_almost_out_of_resources_gets_no_new_conference() -> None:
    zone = Zone(guardian("alice"), named("mixer", endpoint_types=("mcu",)))
    alice = Terminal(zone, "alice")
    alice.register()
    mixer = Terminal(zone, "mixer", host=21)
    mixer.register(terminal_type=MCU_TYPE)
    mixer.ask(indication(mixer, almost_out=True))
    answer = call(alice, ("h323-ID", "council"))
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address[1].ip[3] == 22


def test_an_mcu_takes_as_many_legs_as_it_has_ports() -> None:
    settings = replace(SETTINGS, mcus=(Mcu("mcu1", ("192.0.2.21", 1720), 2),))
    zone = Zone(guardian("alice"), settings=settings)
    alice = Terminal(zone, "alice")
    alice.register()
    for number in (1, 2):
        assert isinstance(call(alice, ("h323-ID", "council"), number=number), AdmissionConfirm)
    full = call(alice, ("h323-ID", "council"), number=3)
    assert isinstance(full, AdmissionReject)
    assert full.reject_reason == ("resourceUnavailable", None)
    by_address = call(
        alice,
        dest_call_signal_address=("ipAddress", TransportAddressIpAddress(ip=bytes([192, 0, 2, 21]), port=1720)),
        number=4,
    )
    assert refusal_of(by_address) is RefusalName.CAPACITY_EXCEEDED
    alice.ask(alice.disengagement(1))
    assert isinstance(call(alice, ("h323-ID", "council"), number=5), AdmissionConfirm)
