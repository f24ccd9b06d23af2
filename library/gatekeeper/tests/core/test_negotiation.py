"""What discovery says of authentication: to each entry what its policy needs, and nothing to strangers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from h323.asn1.types import AuthenticationMechanism
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AliasAddress,
    EndpointType,
    GatekeeperConfirm,
    GatekeeperReject,
    GatekeeperRequest,
    H221NonStandard,
    RasMessage,
    TerminalInfo,
    VendorIdentifier,
    decode,
    encode,
)

from .equipment import OUTSIDE, PasswordSystem, U, none_entry, password_entry
from .zone import Terminal, Zone, guardian, refusal_of

MD5, ED25519 = "1.2.840.113549.2.5", "1.3.101.112"
HASH: AuthenticationMechanism = ("pwdHash", None)
SIGN: AuthenticationMechanism = ("certSign", None)
INSIDE = 101
VENDOR = VendorIdentifier(
    vendor=H221NonStandard(t35_country_code=0xB5, t35_extension=0, manufacturer_code=1),
    product_id=b"A room system of the usual kind",
    version_id=b"Release 12.3.4 (build 56789), like so many",
)


@pytest.fixture
def zone() -> Zone:
    return Zone(guardian("alice"), password_entry("room"), none_entry("phone"))


def grq(
    terminal: Terminal,
    modes: tuple[AuthenticationMechanism, ...] | None = None,
    algorithms: tuple[str, ...] | None = None,
    aliases: tuple[AliasAddress, ...] | None = None,
) -> GatekeeperRequest:
    return GatekeeperRequest(
        request_seq_num=1,
        protocol_identifier=PROTOCOL_IDENTIFIER,
        ras_address=("ipAddress", terminal.address(1719)[1]),
        endpoint_type=EndpointType(vendor=VENDOR, terminal=TerminalInfo(), mc=False, undefined_node=False),
        endpoint_alias=aliases or (("h323-ID", terminal.name),),
        authentication_capability=modes,
        algorithm_oids=algorithms,
    )


def asked(zone: Zone, name: str, host: int, *lists: object) -> RasMessage:
    terminal = Terminal(zone, name, host)
    answer = zone.exchange(encode(grq(terminal, *lists)), terminal.source)
    assert answer is not None
    return answer


SIGNED, HASHED, PLAIN, NO = (SIGN, ED25519), (HASH, U), (None, None), None


@pytest.mark.parametrize(
    ("name", "host", "modes", "algorithms", "expected"),
    [
        ("alice", INSIDE, None, None, SIGNED),
        ("alice", INSIDE, (SIGN,), (ED25519,), SIGNED),
        ("alice", INSIDE, (HASH, SIGN), (MD5, U, ED25519), SIGNED),
        ("alice", INSIDE, (HASH,), (MD5, U), NO),
        ("alice", INSIDE, (SIGN,), (MD5,), NO),
        ("room", INSIDE, None, None, HASHED),
        ("room", INSIDE, (HASH,), (MD5, U), HASHED),
        ("room", INSIDE, (HASH, SIGN), (U,), HASHED),
        ("room", INSIDE, (HASH,), (MD5,), NO),
        ("room", INSIDE, (SIGN,), (ED25519,), NO),
        ("room", OUTSIDE, None, None, SIGNED),
        ("room", OUTSIDE, (HASH,), (MD5, U), NO),
        ("phone", INSIDE, None, None, PLAIN),
        ("phone", INSIDE, (HASH,), (MD5,), PLAIN),
        ("phone", OUTSIDE, None, None, SIGNED),
        ("phone", OUTSIDE, (HASH,), (MD5,), NO),
        ("nobody", INSIDE, None, None, SIGNED),
        ("nobody", INSIDE, (HASH,), (MD5, U), NO),
    ],
)
def test_the_mode_is_the_entrys_whose_alias_and_network_it_is(
    zone: Zone,
    name: str,
    host: int,
    modes: tuple[AuthenticationMechanism, ...] | None,
    algorithms: tuple[str, ...] | None,
    expected: tuple[AuthenticationMechanism | None, str | None] | None,
) -> None:
    answer = asked(zone, name, host, modes, algorithms)
    if expected is NO:
        assert isinstance(answer, GatekeeperReject)
        assert answer.reject_reason == ("securityDenial", None)
    else:
        assert isinstance(answer, GatekeeperConfirm)
        assert (answer.authentication_mode, answer.algorithm_oid) == expected


@pytest.mark.parametrize("lists", [(None, None), ((HASH,), (MD5, U)), ((SIGN,), (ED25519,))])
def test_strangers_do_not_learn_which_aliases_exist(
    zone: Zone, lists: tuple[tuple[AuthenticationMechanism, ...] | None, tuple[str, ...] | None]
) -> None:
    # Names of one length, so that nothing is left out of one answer that fits another.
    zone.registry = zone.registry.__class__((guardian("alice"), password_entry("rooms"), none_entry("phone")))
    zone.fail_over()
    answers = [asked(zone, name, OUTSIDE, *lists) for name in ("alice", "rooms", "phone", "nobod")]
    assert len({replace(answer, crypto_tokens=None) for answer in answers}) == 1


def test_aliases_of_two_entries_are_nobodys(zone: Zone) -> None:
    both = (("h323-ID", "room"), ("h323-ID", "phone"))
    answer = asked(zone, "room", INSIDE, None, None, both)
    assert isinstance(answer, GatekeeperConfirm)
    assert answer.authentication_mode == SIGN


def test_a_hashed_discovery_is_answered_with_a_hash(zone: Zone) -> None:
    room = PasswordSystem(zone, "room", INSIDE)
    answer = room.ask(grq(room))
    assert isinstance(answer, GatekeeperConfirm)
    assert answer.authentication_mode == HASH


def test_a_hash_that_does_not_hold_is_refused_at_discovery(zone: Zone) -> None:
    thief = PasswordSystem(zone, "room", INSIDE, password="not the right one".upper())
    answer = zone.exchange(thief.hashed(grq(thief)), thief.source)
    assert isinstance(answer, GatekeeperReject)
    assert answer.reject_reason == ("securityError", ("securityIntegrityFailed", None))


def test_an_endpoint_without_proof_gets_no_token(zone: Zone) -> None:
    phone = Terminal(zone, "phone", INSIDE)
    answer = zone.exchange_octets(encode(grq(phone)), phone.source)
    assert answer is not None
    assert decode(answer).crypto_tokens is None


def test_a_refused_discovery_names_the_refusal(zone: Zone) -> None:
    name = refusal_of(asked(zone, "alice", INSIDE, (HASH,), (MD5,)))
    assert name is not None
    assert name.value == "INVALID_SIGNATURE"
