"""What a registration says of the endpoint: its addresses, what it is, and which prefixes it has."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import pytest
from gatekeeper.core.state import State
from gatekeeper.registry import Registry
from h323.asn1.types import (
    GatekeeperInfo,
    GatewayInfo,
    McuInfo,
    SupportedPrefix,
    SupportedProtocols,
    TerminalInfo,
    TransportAddressIpxAddress,
    VoiceCaps,
)
from h323.ras import (
    AdmissionConfirm,
    EndpointType,
    RegistrationConfirm,
    RegistrationReject,
    TransportAddress,
    TransportAddressIp6Address,
    TransportAddressIpAddress,
    UnregistrationConfirm,
)

from .zone import SETTINGS, Terminal, Zone, guardian

GATEWAY = replace(guardian("gateway"), endpoint_types=("gateway",), prefixes=("00", "0049", "9"))
MCU = replace(guardian("mcu"), endpoint_types=("mcu", "terminal"))


@pytest.fixture
def zone() -> Zone:
    return Zone(guardian("alice"), guardian("bob"), GATEWAY, replace(GATEWAY, **other("gateway-2")), MCU)


def other(name: str) -> dict[str, Any]:
    one = guardian(name)
    return {"terminal_id": one.terminal_id, "aliases": one.aliases, "keys": one.keys}


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    return Terminal(zone, "alice")


def ip(host: str, port: int = 1720) -> TransportAddress:
    packed = ipaddress.ip_address(host).packed
    if len(packed) == 4:
        return ("ipAddress", TransportAddressIpAddress(ip=packed, port=port))
    return ("ip6Address", TransportAddressIp6Address(ip=packed, port=port))


IPX: TransportAddress = ("ipxAddress", TransportAddressIpxAddress(node=bytes(6), netnum=bytes(4), port=bytes(2)))


def state(zone: Zone) -> State:
    """The state, as whoever takes over finds it."""
    return State.restored(zone.store.items, zone.now.monotonic)


def reason(answer: object) -> str:
    assert isinstance(answer, RegistrationReject), answer
    return answer.reject_reason[0]


def confirmed(terminal: Terminal, **fields: object) -> RegistrationConfirm:
    answer = terminal.ask(terminal.registration(**fields))
    assert isinstance(answer, RegistrationConfirm), getattr(answer, "reject_reason", None)
    terminal.endpoint_identifier = answer.endpoint_identifier
    return answer


# Addresses


def test_all_addresses_are_kept_and_found(zone: Zone, alice: Terminal) -> None:
    confirmed(alice, call_signal_address=(ip("192.0.2.101"), ip("2001:db8::101"), ip("192.0.2.101", 1820), IPX))
    found = {
        state(zone).registration_at(address)
        for address in (("192.0.2.101", 1720), ("2001:db8::101", 1720), ("192.0.2.101", 1820))
    }
    assert found == {state(zone).registration_of("if://guardian/alice")}
    assert None not in found


def test_calls_go_to_the_first_address_that_others_can_reach(zone: Zone, alice: Terminal) -> None:
    unreachable = (ip("127.0.0.1"), ip("fe80::1"), ip("::"), ip("224.0.0.1"), ip("192.0.2.101", 0))
    confirmed(alice, call_signal_address=(*unreachable, ip("192.0.2.101"), ip("192.0.2.102")))
    bob = Terminal(zone, "bob", host=103)
    bob.register()
    answer = bob.ask(bob.admission(to="alice"))
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address == ip("192.0.2.101")
    registration = state(zone).registration_of("if://guardian/alice")
    assert registration is not None
    assert registration.call_signal_addresses == (("192.0.2.101", 1720), ("192.0.2.102", 1720))


def test_a_caller_gets_an_address_of_its_own_ip_version(zone: Zone, alice: Terminal) -> None:
    confirmed(alice, call_signal_address=(ip("2001:db8::101"), ip("192.0.2.101")))
    bob = Terminal(zone, "bob", host=103)
    bob.register()
    callee, caller = (state(zone).registration_of(f"if://guardian/{name}") for name in ("alice", "bob"))
    assert callee is not None
    assert caller is not None
    assert callee.call_signal_address == ("2001:db8::101", 1720)
    assert callee.call_signal_address_for(caller) == ("192.0.2.101", 1720)
    assert caller.call_signal_address_for(callee) == ("192.0.2.103", 1720)


def test_an_endpoint_on_ipv6_alone(zone: Zone, alice: Terminal) -> None:
    alice.source = ("2001:db8::101", 1719)
    confirmed(alice, call_signal_address=(ip("2001:db8::101"),), ras_address=(ip("2001:db8::101", 1719),))
    assert isinstance(alice.ask(alice.admission()), AdmissionConfirm)
    assert zone.store.records()[0]["source"] == "[2001:db8::101]:1719"


def test_an_ipv4_address_in_ipv6_form_is_the_same_address(zone: Zone, alice: Terminal) -> None:
    confirmed(alice, call_signal_address=(ip("::ffff:192.0.2.101"), ip("192.0.2.101")))
    registration = state(zone).registration_at(("192.0.2.101", 1720))
    assert registration is not None
    assert registration.call_signal_addresses == (("192.0.2.101", 1720),)


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ((), "invalidCallSignalAddress"),
        ((ip("::"),), "invalidCallSignalAddress"),
        ((IPX,), "transportNotSupported"),
        (tuple(ip("192.0.2.101", port) for port in range(1, 18)), "invalidCallSignalAddress"),
        ((ip("192.0.2.21"), ip("192.0.2.101")), "invalidCallSignalAddress"),
    ],
    ids=["none", "unspecified", "another network's", "too many", "the MCU's"],
)
def test_addresses_that_cannot_be_used_are_refused(
    alice: Terminal, addresses: tuple[TransportAddress, ...], expected: str
) -> None:
    assert reason(alice.ask(alice.registration(call_signal_address=addresses))) == expected


@pytest.mark.parametrize(
    ("addresses", "expected"), [((), "invalidRASAddress"), ((IPX,), "transportNotSupported")], ids=["none", "other"]
)
def test_a_ras_address_must_be_usable(alice: Terminal, addresses: tuple[TransportAddress, ...], expected: str) -> None:
    assert reason(alice.ask(alice.registration(ras_address=addresses))) == expected


def test_each_address_is_one_endpoints(zone: Zone, alice: Terminal) -> None:
    confirmed(alice, call_signal_address=(ip("192.0.2.101"), ip("192.0.2.201")))
    bob = Terminal(zone, "bob", host=103)
    answer = bob.ask(bob.registration(call_signal_address=(ip("192.0.2.201"), ip("192.0.2.103"))))
    assert reason(answer) == "invalidCallSignalAddress"
    confirmed(alice)
    confirmed(bob, call_signal_address=(ip("192.0.2.201"), ip("192.0.2.103")))


def test_what_many_hosts_have_besides_is_left_out(zone: Zone, alice: Terminal) -> None:
    """Endpoints list all their interfaces: loopback, a bridge for containers. That makes none the other's enemy."""
    bob = Terminal(zone, "bob", host=103)
    for terminal in (alice, bob):
        confirmed(terminal, call_signal_address=(terminal.address(1720), ip("127.0.0.1"), ip("172.17.0.1")))
    holder = state(zone).registration_at(("172.17.0.1", 1720))
    assert holder is not None
    assert holder.terminal_id == alice.terminal_id
    assert state(zone).registration_at(("127.0.0.1", 1720)) is None
    other = state(zone).registration_of(bob.terminal_id)
    assert other is not None
    assert other.call_signal_addresses == (("192.0.2.103", 1720),)


def test_an_mcus_address_is_no_guardians_second_one(zone: Zone, alice: Terminal) -> None:
    confirmed(alice, call_signal_address=(ip("192.0.2.101"), ip("192.0.2.21")))
    assert state(zone).registration_at(("192.0.2.21", 1720)) is None


def test_on_one_host_loopback_is_an_address_like_any_other(zone: Zone, alice: Terminal) -> None:
    alice.source = ("127.0.0.1", 40_000)
    confirmed(alice, call_signal_address=(ip("127.0.0.1"), ip("::1")))
    assert state(zone).registration_at(("::1", 1720)) is not None


def test_one_address_in_common_makes_it_the_same_endpoint(zone: Zone, alice: Terminal) -> None:
    first = confirmed(alice, call_signal_address=(ip("192.0.2.101"), ip("192.0.2.201")))
    alice.ask(alice.admission())
    again = confirmed(alice, call_signal_address=(ip("192.0.2.202"), ip("192.0.2.201")))
    assert again.endpoint_identifier == first.endpoint_identifier
    assert zone.gatekeeper.calls == 1
    assert state(zone).registration_at(("192.0.2.101", 1720)) is None


def test_an_endpoint_that_restarted_has_no_calls_any_more(zone: Zone, alice: Terminal) -> None:
    first = confirmed(alice)
    alice.ask(alice.admission())
    again = confirmed(alice, restart=True)
    assert again.endpoint_identifier == first.endpoint_identifier
    assert zone.gatekeeper.calls == 0
    assert not [key for key in zone.store.items if key.startswith("call/")]


def test_behind_nat_the_answer_goes_where_the_request_came_from(zone: Zone, alice: Terminal) -> None:
    alice.source = ("198.51.100.7", 40_000)
    confirmed(alice)
    registration = state(zone).registration_of("if://guardian/alice")
    assert registration is not None
    assert (registration.source, registration.ras_address) == (alice.source, ("192.0.2.101", 1719))


def test_a_keep_alive_from_another_port_moves_the_source_for_good(zone: Zone, alice: Terminal) -> None:
    """A NAT has forgotten the old one: gatekeeper-initiated requests must take the new one, after a failover too."""
    alice.source = ("198.51.100.7", 40_000)
    confirmed(alice)
    alice.source = ("198.51.100.7", 40_001)
    confirmed(alice, keep_alive=True)
    registration = state(zone).registration_of("if://guardian/alice")
    assert registration is not None
    assert registration.source == alice.source


def test_a_keep_alive_looks_at_nothing_but_its_own_fields(alice: Terminal) -> None:
    confirmed(alice)
    answer = confirmed(
        alice,
        keep_alive=True,
        call_signal_address=(ip("198.51.100.1"), IPX),
        ras_address=(),
        terminal_alias=(("h323-ID", "bob"),),
        terminal_type=EndpointType(mc=False, undefined_node=False, mcu=McuInfo()),
        protocol_identifier="0.0.8.2250.0.2",
        endpoint_identifier=alice.endpoint_identifier + "\0",
    )
    assert answer.time_to_live == 60


@pytest.mark.parametrize(("asked", "granted"), [(None, 60), (20, 20), (60, 60), (3_600, 60)])
def test_a_keep_alive_grants_what_it_asks_for_up_to_the_registrations(
    zone: Zone, alice: Terminal, asked: int | None, granted: int
) -> None:
    confirmed(alice)
    assert confirmed(alice, keep_alive=True, time_to_live=asked).time_to_live == granted
    zone.wait(granted - 1)
    assert zone.gatekeeper.registrations == 1
    zone.wait(2)
    assert zone.gatekeeper.registrations == 0


def test_discovery_need_not_come_before_a_registration(alice: Terminal) -> None:
    """The token names the gatekeeper: who knows where it is needs no discovery (H.225.0 7.9.1, discoveryComplete)."""
    confirmed(alice, discovery_complete=False, gatekeeper_identifier=None)


# Types


def kind(*names: str, prefixes: tuple[str, ...] | None = None) -> EndpointType:
    supported = tuple(SupportedPrefix(prefix=("dialledDigits", prefix)) for prefix in prefixes or ())
    voice: tuple[SupportedProtocols, ...] = (("voice", VoiceCaps(supported_prefixes=supported)),)
    return EndpointType(
        mc=False,
        undefined_node=not names,
        terminal=TerminalInfo() if "terminal" in names else None,
        gateway=GatewayInfo(protocol=voice if prefixes is not None else None) if "gateway" in names else None,
        mcu=McuInfo() if "mcu" in names else None,
        gatekeeper=GatekeeperInfo() if "gatekeeper" in names else None,
    )


@pytest.mark.parametrize("names", [("gateway",), ("mcu",), ("gatekeeper",), ("terminal", "mcu")])
def test_a_guardians_key_makes_no_gateway_mcu_or_gatekeeper(
    zone: Zone, alice: Terminal, names: tuple[str, ...]
) -> None:
    assert reason(alice.ask(alice.registration(terminal_type=kind(*names)))) == "invalidTerminalType"
    assert zone.gatekeeper.registrations == 0


@pytest.mark.parametrize(
    ("name", "names"), [("gateway", ("gateway",)), ("mcu", ("mcu",)), ("mcu", ("terminal", "mcu")), ("mcu", ())]
)
def test_an_entry_registers_as_what_the_registry_says(zone: Zone, name: str, names: tuple[str, ...]) -> None:
    terminal = Terminal(zone, name, host=105)
    confirmed(terminal, terminal_type=kind(*names))
    registration = state(zone).registration_of(f"if://guardian/{name}")
    assert registration is not None
    assert set(registration.endpoint_types) == set(names or ("terminal",))


def test_a_gateway_need_not_be_allowed_as_a_terminal(zone: Zone) -> None:
    gateway = Terminal(zone, "gateway", host=105)
    assert reason(gateway.ask(gateway.registration(terminal_type=kind("terminal")))) == "invalidTerminalType"


def test_an_mcu_that_registers_is_found(zone: Zone) -> None:
    mcu = Terminal(zone, "mcu", host=21)
    assert SETTINGS.mcus[0].address == ("192.0.2.21", 1720)
    confirmed(mcu, terminal_type=kind("mcu"))
    assert [one.terminal_id for one in state(zone).registered_mcus.values()] == ["if://guardian/mcu"]
    mcu.ask(mcu.unregistration())
    assert not state(zone).registered_mcus


def test_a_registry_that_takes_a_type_away_ends_the_registration(zone: Zone) -> None:
    mcu = Terminal(zone, "mcu", host=105)
    confirmed(mcu, terminal_type=kind("mcu"))
    zone.settle(zone.gatekeeper.use_registry(Registry((replace(MCU, endpoint_types=("terminal",)),)), zone.now))
    assert zone.gatekeeper.registrations == 0


# Prefixes


def prefixes_of(answer: RegistrationConfirm) -> set[str] | None:
    if answer.supported_prefixes is None:
        return None
    return {str(supported.prefix[1]) for supported in answer.supported_prefixes}


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, {"00", "0049", "9"}),
        (("9",), {"9"}),
        (("9", "112"), {"9"}),
        (("112", "gateway"), set()),
    ],
    ids=["none: the registry's", "some", "one too many", "only others"],
)
def test_a_gateway_has_the_prefixes_that_the_registry_gives_it(
    zone: Zone, asked: tuple[str, ...] | None, granted: set[str]
) -> None:
    gateway = Terminal(zone, "gateway", host=105)
    asked = tuple(prefix for prefix in asked if prefix.isdigit()) if asked is not None else None
    assert prefixes_of(confirmed(gateway, terminal_type=kind("gateway", prefixes=asked))) == granted


def test_others_have_no_prefixes(alice: Terminal) -> None:
    assert prefixes_of(confirmed(alice)) is None


def test_the_longest_prefix_decides(zone: Zone) -> None:
    first, second = Terminal(zone, "gateway", host=105), Terminal(zone, "gateway-2", host=106)
    confirmed(first, terminal_type=kind("gateway", prefixes=("00",)))
    confirmed(second, terminal_type=kind("gateway", prefixes=("0049", "9")))
    found = {
        digits: next(iter(state(zone).gateways_in_order(digits)), None)
        for digits in ("0049302", "0033", "00", "9", "112", "")
    }
    named = {digits: one.terminal_id[-9:] if one else None for digits, one in found.items()}
    assert named == {
        "0049302": "gateway-2",
        "0033": "n/gateway",
        "00": "n/gateway",
        "9": "gateway-2",
        "112": None,
        "": None,
    }


def test_of_gateways_with_one_prefix_the_less_busy_one_is_taken(zone: Zone) -> None:
    first, second = Terminal(zone, "gateway", host=105), Terminal(zone, "gateway-2", host=106)
    for gateway in (first, second):
        confirmed(gateway, terminal_type=kind("gateway"))
    busy = state(zone).gateways_in_order("9")[0]
    terminal = first if busy.terminal_id == first.terminal_id else second
    terminal.ask(terminal.admission())
    idle = state(zone).gateways_in_order("9")[0]
    assert idle.terminal_id != busy.terminal_id


def test_prefixes_are_added_and_given_up(zone: Zone) -> None:
    gateway = Terminal(zone, "gateway", host=105)
    confirmed(gateway, terminal_type=kind("gateway", prefixes=("00",)))
    added = confirmed(gateway, terminal_type=kind("gateway", prefixes=("9", "112")), additive_registration=True)
    assert prefixes_of(added) == {"00", "9"}
    fewer = gateway.unregistration(supported_prefixes=(SupportedPrefix(prefix=("dialledDigits", "00")),))
    assert isinstance(gateway.ask(fewer), UnregistrationConfirm)
    assert (state(zone).gateways_in_order("00"), zone.gatekeeper.registrations) == ((), 1)
    assert state(zone).gateways_in_order("9")


# Admission granted beforehand


def test_admission_is_not_granted_beforehand(alice: Terminal) -> None:
    assert confirmed(alice).pre_granted_arq is None
    assert confirmed(alice, keep_alive=True).pre_granted_arq is None


@pytest.mark.parametrize("granted", [("make_call",), ("answer_call",), ("make_call", "answer_call")])
def test_the_registry_may_grant_it(granted: tuple[str, ...]) -> None:
    zone = Zone(replace(guardian("alice"), pre_granted_arq=granted))
    alice = Terminal(zone, "alice")
    for answer in (confirmed(alice), confirmed(alice, keep_alive=True)):
        assert answer.pre_granted_arq is not None
        assert answer.pre_granted_arq.make_call == ("make_call" in granted)
        assert answer.pre_granted_arq.answer_call == ("answer_call" in granted)
        assert not answer.pre_granted_arq.use_gk_call_signal_address_to_make_call
        assert not answer.pre_granted_arq.use_gk_call_signal_address_to_answer
        assert answer.pre_granted_arq.total_bandwidth_restriction == 100_000
    assert zone.store.records()[1]["pre_granted_arq"] == list(granted)


def test_what_is_no_longer_granted_beforehand_has_to_be_asked_for_again() -> None:
    """An endpoint that isn't told goes on calling without asking."""
    granted = replace(guardian("alice"), pre_granted_arq=("make_call",))
    zone = Zone(granted)
    alice = Terminal(zone, "alice")
    confirmed(alice)
    zone.settle(zone.gatekeeper.use_registry(Registry((granted,)), zone.now))
    assert zone.gatekeeper.registrations == 1
    zone.settle(zone.gatekeeper.use_registry(Registry((guardian("alice"),)), zone.now))
    assert zone.gatekeeper.registrations == 0
    assert confirmed(alice).pre_granted_arq is None
