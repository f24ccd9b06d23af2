"""Discovery: which gatekeeper this is, where the others are, and who is told to look elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gatekeeper.core import Address, CoreSettings, Send, Standby
from gatekeeper.core.transport_address import from_transport_address
from h323.asn1.types import FeatureDescriptor, FeatureSet
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    EndpointType,
    GatekeeperConfirm,
    GatekeeperReject,
    GatekeeperRequest,
    H221NonStandard,
    RasMessage,
    RegistrationConfirm,
    TerminalInfo,
    VendorIdentifier,
    decode,
    encode,
)

from .zone import IDENTIFIER, SETTINGS, START, Terminal, Zone, private_key

PEERS: tuple[Address, ...] = (("192.0.2.12", 1719), ("2001:db8::12", 1720))
NEEDED = FeatureSet(replacement_feature_set=False, needed_features=(FeatureDescriptor(id=("standard", 18)),))


VENDOR = VendorIdentifier(
    vendor=H221NonStandard(t35_country_code=0xB5, t35_extension=0, manufacturer_code=1),
    product_id=b"A room system of the usual kind",
    version_id=b"Release 12.3.4 (build 56789), like so many",
)
"""With it a GRQ is as long as real ones are: a shorter one gets a shorter answer."""


@pytest.fixture
def zone() -> Zone:
    return Zone(settings=replace(SETTINGS, alternates=PEERS))


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    return Terminal(zone, "alice")


def discovery(terminal: Terminal, identifier: str | None = IDENTIFIER, **fields: object) -> GatekeeperRequest:
    message = GatekeeperRequest(
        request_seq_num=terminal.next_seq(),
        protocol_identifier=PROTOCOL_IDENTIFIER,
        ras_address=terminal.address(1719),
        endpoint_type=EndpointType(vendor=VENDOR, terminal=TerminalInfo(), mc=False, undefined_node=False),
        gatekeeper_identifier=identifier,
        endpoint_alias=(("h323-ID", terminal.name), ("dialledDigits", "1001")),
    )
    return replace(message, **fields)


def asked(terminal: Terminal, message: RasMessage) -> RasMessage | None:
    return terminal.zone.exchange(encode(message), terminal.source)


def test_discovery_negotiates_ed25519(alice: Terminal) -> None:
    answer = asked(alice, discovery(alice))
    assert isinstance(answer, GatekeeperConfirm)
    assert answer.authentication_mode == ("certSign", None)
    assert answer.algorithm_oid == "1.3.101.112"


def test_a_terminal_that_cannot_sign_is_told_so(alice: Terminal) -> None:
    answer = asked(alice, discovery(alice, authentication_capability=(("pwdHash", None),)))
    assert isinstance(answer, GatekeeperReject)
    assert answer.reject_reason == ("securityDenial", None)


@pytest.mark.parametrize("identifier", [None, IDENTIFIER, IDENTIFIER + "\0"])
def test_discovery_without_an_identifier_or_with_ours_is_confirmed(alice: Terminal, identifier: str | None) -> None:
    answer = asked(alice, discovery(alice, identifier))
    assert isinstance(answer, GatekeeperConfirm)
    assert answer.gatekeeper_identifier == IDENTIFIER


def test_discovery_of_another_gatekeeper_is_refused(alice: Terminal) -> None:
    answer = asked(alice, discovery(alice, "elsewhere"))
    assert isinstance(answer, GatekeeperReject)
    assert answer.reject_reason == ("terminalExcluded", None)


def test_the_other_gatekeepers_are_named_in_their_order(alice: Terminal) -> None:
    answer = asked(alice, discovery(alice))
    assert isinstance(answer, GatekeeperConfirm)
    named = [(one.ras_address[0], one.priority, one.need_to_register) for one in answer.alternate_gatekeeper or ()]
    assert named == [("ipAddress", 0, False), ("ip6Address", 1, False)]
    assert alice.register().alternate_gatekeeper == answer.alternate_gatekeeper


def test_a_gatekeeper_without_others_names_none() -> None:
    alice = Terminal(Zone(), "alice")
    answer = asked(alice, discovery(alice))
    assert isinstance(answer, GatekeeperConfirm)
    assert answer.alternate_gatekeeper is None


@pytest.mark.parametrize("supported", [None, True])
def test_who_knows_assigned_gatekeepers_learns_where_to_come_back_to(alice: Terminal, supported: bool | None) -> None:
    found = asked(alice, discovery(alice, supports_assigned_gk=supported))
    registered = alice.ask(alice.registration(supports_assigned_gk=supported))
    for answer in (found, registered):
        home = getattr(answer, "assigned_gatekeeper", None)
        model = getattr(answer, "rehoming_model", None)
        if supported:
            assert home is not None
            assert from_transport_address(home.ras_address) == SETTINGS.ras_address
            assert home.gatekeeper_identifier == IDENTIFIER
            assert model == ("endpointBased", None)
        else:
            assert (home, model) == (None, None)


@pytest.mark.parametrize("version", range(1, 9))
def test_every_version_of_h225_is_accepted(alice: Terminal, version: int) -> None:
    revision = f"0.0.8.2250.0.{version}"
    assert isinstance(asked(alice, discovery(alice, protocol_identifier=revision)), GatekeeperConfirm)
    alice.ask(alice.registration(protocol_identifier=revision))
    assert alice.zone.gatekeeper.registrations == 1


def test_another_protocol_is_not(alice: Terminal) -> None:
    refused = asked(alice, discovery(alice, protocol_identifier="0.0.8.245.0.7"))
    unregistered = alice.ask(alice.registration(protocol_identifier="0.0.8.245.0.7"))
    for answer in (refused, unregistered):
        assert getattr(answer, "reject_reason", None) == ("invalidRevision", None)


def test_a_needed_feature_that_we_lack_is_named_as_the_reason(alice: Terminal) -> None:
    refused = asked(alice, discovery(alice, feature_set=NEEDED))
    unregistered = alice.ask(alice.registration(feature_set=NEEDED))
    for answer in (refused, unregistered):
        assert getattr(answer, "reject_reason", None) == ("neededFeatureNotSupported", None)


def standby_answer(
    settings: CoreSettings, message: RasMessage, source: Address = ("192.0.2.101", 1719)
) -> RasMessage | None:
    standby = Standby(settings, private_key(IDENTIFIER), lambda count: bytes(range(1, count + 1)))
    sent = [e for e in standby.receive(encode(message), source, START) if isinstance(e, Send)]
    return decode(sent[0].datagram) if sent else None


@pytest.mark.parametrize(("shared", "ports"), [(True, [1719, 1719, 1720]), (False, [1719, 1720])])
def test_a_standby_redirects_to_whoever_may_be_active(alice: Terminal, shared: bool, ports: list[int]) -> None:
    """Where the two share no address (both on one machine), a standby must not name itself."""
    settings = replace(SETTINGS, alternates=PEERS, shared_address=shared)
    answer = standby_answer(settings, discovery(alice))
    assert isinstance(answer, GatekeeperReject)
    assert answer.reject_reason == ("resourceUnavailable", None)
    assert answer.alt_gk_info is not None
    named = [from_transport_address(one.ras_address) for one in answer.alt_gk_info.alternate_gatekeeper]
    assert [address and address[1] for address in named] == ports
    assert not answer.alt_gk_info.alt_gk_is_permanent


@pytest.mark.parametrize("source", [("192.0.2.101", 1719), ("2001:db8:1::65", 1719)])
def test_who_comes_by_ipv6_is_told_the_ipv6_address(source: Address) -> None:
    settings = replace(SETTINGS, ras_address6=("2001:db8::10", 1719))
    own = settings.ras_address6 if ":" in source[0] else settings.ras_address
    alice = Terminal(Zone(settings=settings), "alice")
    alice.source = source
    found = asked(alice, discovery(alice, supports_assigned_gk=True))
    registered = alice.ask(alice.registration(supports_assigned_gk=True))
    assert isinstance(found, GatekeeperConfirm)
    assert isinstance(registered, RegistrationConfirm)
    assert from_transport_address(found.ras_address) == own
    for answer in (found, registered):
        assert answer.assigned_gatekeeper is not None
        assert from_transport_address(answer.assigned_gatekeeper.ras_address) == own
    redirected = standby_answer(settings, discovery(alice), source)
    assert isinstance(redirected, GatekeeperReject)
    assert redirected.alt_gk_info is not None
    assert from_transport_address(redirected.alt_gk_info.alternate_gatekeeper[0].ras_address) == own


def test_a_standby_that_knows_no_other_gives_only_the_reason(alice: Terminal) -> None:
    answer = standby_answer(replace(SETTINGS, shared_address=False), discovery(alice))
    assert isinstance(answer, GatekeeperReject)
    assert answer.alt_gk_info is None


def test_a_standby_does_not_redirect_to_another_gatekeeper(alice: Terminal) -> None:
    answer = standby_answer(replace(SETTINGS, alternates=PEERS), discovery(alice, "elsewhere"))
    assert isinstance(answer, GatekeeperReject)
    assert answer.reject_reason == ("terminalExcluded", None)
    assert answer.alt_gk_info is None


def test_a_standby_decides_nothing(alice: Terminal) -> None:
    assert standby_answer(SETTINGS, alice.registration()) is None
    assert standby_answer(SETTINGS, alice.admission()) is None
