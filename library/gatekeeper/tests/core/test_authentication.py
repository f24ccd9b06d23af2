"""One entry, one policy: what is believed of whom, from where, and what must not be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest
from gatekeeper.core import Observe, Selection, Send
from gatekeeper.registry import Guardian, Registry
from h323.council import RefusalName
from h323.ras import (
    AdmissionConfirm,
    AdmissionReject,
    BandwidthConfirm,
    BandwidthRequest,
    DisengageConfirm,
    DisengageRequest,
    InfoRequestAck,
    InfoRequestNak,
    RasMessage,
    RegistrationConfirm,
    RegistrationReject,
    UnregistrationConfirm,
    UnregistrationReject,
    UnregistrationRequest,
    decode,
    encode,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from .equipment import OUTSIDE, NoneSystem, PasswordSystem, none_entry, password_entry
from .zone import IDENTIFIER, Terminal, Zone, guardian, refusal_of

ANOTHER = "another secret"
KINDS: dict[str, Callable[[Terminal], RasMessage]] = {
    "RRQ": lambda terminal: terminal.registration(),
    "RRQ keepAlive": lambda terminal: terminal.registration(keep_alive=True),
    "ARQ": lambda terminal: terminal.admission(2),
    "BRQ": lambda terminal: bandwidth(terminal, 128_000),
    "DRQ": lambda terminal: terminal.disengagement(),
    "IRR": lambda terminal: terminal.report(need_response=True),
    "URQ": lambda terminal: terminal.unregistration(),
}


def bandwidth(terminal: Terminal, bps: int) -> BandwidthRequest:
    admission = terminal.admission()
    return BandwidthRequest(
        request_seq_num=terminal.next_seq(),
        endpoint_identifier=terminal.endpoint_identifier,
        conference_id=admission.conference_id,
        call_reference_value=admission.call_reference_value,
        band_width=bps // 100,
        call_identifier=admission.call_identifier,
        answered_call=False,
    )


@pytest.fixture
def zone() -> Zone:
    return Zone(
        guardian("alice"), password_entry("room"), none_entry("phone"), password_entry("other", "another secret")
    )


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    return Terminal(zone, "alice", host=111)


@pytest.fixture
def room(zone: Zone) -> PasswordSystem:
    return PasswordSystem(zone, "room", host=101)


@pytest.fixture
def phone(zone: Zone) -> NoneSystem:
    return NoneSystem(zone, "phone", host=102)


@pytest.fixture(params=["alice", "room", "phone"])
def anyone(request: pytest.FixtureRequest) -> Terminal:
    """A registered endpoint of each policy, with a call."""
    terminal: Terminal = request.getfixturevalue(request.param)
    terminal.register()
    assert isinstance(terminal.ask(terminal.admission()), AdmissionConfirm)
    return terminal


def test_each_policy_serves_a_whole_life(zone: Zone, anyone: Terminal) -> None:
    assert isinstance(anyone.ask(anyone.registration(keep_alive=True)), RegistrationConfirm)
    assert isinstance(anyone.ask(bandwidth(anyone, 128_000)), BandwidthConfirm)
    assert isinstance(anyone.ask(anyone.report(need_response=True)), InfoRequestAck)
    assert isinstance(anyone.ask(anyone.disengagement()), DisengageConfirm)
    assert isinstance(anyone.ask(anyone.unregistration()), UnregistrationConfirm)
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (0, 0)


def test_the_policy_is_in_every_record_and_count(zone: Zone, anyone: Terminal) -> None:
    policy = {"alice": "signed", "room": "password", "phone": "none"}[anyone.name]
    assert [record["authentication"] for record in zone.store.records()] == [policy] * 4
    assert zone.gatekeeper.registrations_by_authentication == {
        one: int(one == policy) for one in ("signed", "password", "none")
    }
    assert {one.authentication for one in zone.observed} == {policy}
    zone.wait(61)
    assert zone.store.records()[-1]["msg_type"] == "EXPIRED"
    assert zone.store.records()[-1]["authentication"] == policy
    assert set(zone.gatekeeper.registrations_by_authentication.values()) == {0}


def test_counts_survive_a_failover_and_a_store_without_policies(zone: Zone, room: PasswordSystem) -> None:
    room.register()
    zone.fail_over()
    assert zone.gatekeeper.registrations_by_authentication["password"] == 1
    assert isinstance(room.ask(room.registration(keep_alive=True)), RegistrationConfirm)


# What must not be believed


@pytest.mark.parametrize("kind", KINDS)
def test_unsigned_requests_of_endpoints_that_sign_are_refused(zone: Zone, alice: Terminal, kind: str) -> None:
    """The ARQ was admitted, the keepAlive was confirmed: "not checked" had been squeezed into "checked"."""
    alice.register()
    alice.ask(alice.admission())
    zone.wait(40)
    answer = zone.exchange(encode(KINDS[kind](alice)), alice.source)
    assert_denied(answer)
    assert zone.gatekeeper.calls == 1
    zone.wait(21)
    assert zone.gatekeeper.registrations == 0, "nothing was extended"


def assert_denied(answer: RasMessage | None) -> None:
    reason = getattr(answer, "reject_reason", None) or getattr(answer, "nak_reason", None)
    assert reason == ("securityDenial", None)
    # An URQ is so short that the name wouldn't fit, and an INAK has no place for it.
    if not isinstance(answer, UnregistrationReject | InfoRequestNak):
        assert refusal_of(answer) is RefusalName.INVALID_SIGNATURE


@pytest.mark.parametrize("kind", KINDS)
def test_unsigned_requests_of_endpoints_with_a_password_are_refused(
    zone: Zone, room: PasswordSystem, kind: str
) -> None:
    room.register()
    room.ask(room.admission())
    answer = zone.exchange(encode(KINDS[kind](room)), room.source)
    assert_denied(answer)
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (1, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_is_refused(zone: Zone, room: PasswordSystem, kind: str) -> None:
    """It was accepted where the module for passwords was not built in."""
    room.register()
    room.ask(room.admission())
    thief = PasswordSystem(zone, "room", host=101, password=ANOTHER)
    thief.endpoint_identifier = room.endpoint_identifier
    answer = zone.exchange(thief.hashed(KINDS[kind](thief)), thief.source)
    reason = getattr(answer, "reject_reason", None) or getattr(answer, "nak_reason", None)
    assert reason == ("securityError", ("securityIntegrityFailed", None))
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (1, 1)


def test_another_entrys_password_is_a_wrong_one(zone: Zone, room: PasswordSystem) -> None:
    other = PasswordSystem(zone, "other", host=103, password=ANOTHER)
    other.register()
    answer = zone.exchange(
        other.hashed(replace(other.registration(), terminal_alias=(("h323-ID", "room"),))), room.source
    )
    assert refusal_of(answer) is RefusalName.INVALID_SIGNATURE
    thief = PasswordSystem(zone, "room", host=101, password=ANOTHER)
    assert refusal_of(zone.exchange(thief.hashed(thief.registration()), thief.source)) is RefusalName.INVALID_SIGNATURE


def test_an_entry_whose_password_is_not_known_authenticates_nobody() -> None:
    zone = Zone(password_entry("room", None))
    for password in ("correct horse battery", "", "None"):
        room = PasswordSystem(zone, "room", password=password)
        assert refusal_of(zone.exchange(room.hashed(room.registration()), room.source)) is RefusalName.INVALID_SIGNATURE
    assert zone.gatekeeper.registrations == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["room", "phone"])
def test_passwords_and_networks_count_only_from_the_entrys_network(
    request: pytest.FixtureRequest, zone: Zone, name: str, kind: str
) -> None:
    inside: Terminal = request.getfixturevalue(name)
    inside.register()
    inside.ask(inside.admission())
    outside = type(inside)(zone, name, host=OUTSIDE)
    outside.endpoint_identifier = inside.endpoint_identifier
    message = KINDS[kind](outside)
    datagram = outside.hashed(message) if isinstance(outside, PasswordSystem) else encode(message)
    answer = zone.exchange(datagram, outside.source)
    assert_denied(answer)
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (1, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hash_is_nothing_for_an_endpoint_that_signs(zone: Zone, alice: Terminal, kind: str) -> None:
    alice.register()
    alice.ask(alice.admission())
    thief = PasswordSystem(zone, "alice", host=alice.host)
    thief.endpoint_identifier = alice.endpoint_identifier
    answer = zone.exchange(thief.hashed(KINDS[kind](thief)), alice.source)
    assert_denied(answer)
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (1, 1)


def test_a_signature_is_nothing_for_an_entry_with_another_policy() -> None:
    keys = guardian("phone").keys
    zone = Zone(replace(none_entry("phone"), keys=keys), replace(password_entry("room"), keys=keys))
    for name in ("phone", "room"):
        signer = Terminal(zone, name, host=OUTSIDE)
        assert refusal_of(signer.ask(signer.registration())) is RefusalName.INVALID_SIGNATURE


def test_an_endpoint_without_proof_registers_only_its_own_aliases(zone: Zone, phone: NoneSystem) -> None:
    for alias, expected in (("alice", RefusalName.INVALID_SIGNATURE), ("room", RefusalName.INVALID_SIGNATURE)):
        answer = phone.ask(phone.registration(terminal_alias=(("h323-ID", alias),)))
        assert refusal_of(answer) is expected
    both = phone.ask(phone.registration(terminal_alias=(("h323-ID", "phone"), ("h323-ID", "alice"))))
    assert refusal_of(both) is RefusalName.INVALID_SIGNATURE
    nobodys = phone.ask(phone.registration(terminal_alias=(("h323-ID", "phone"), ("h323-ID", "zoe"))))
    assert refusal_of(nobodys) is RefusalName.UNKNOWN_ALIAS
    nameless = phone.ask(phone.registration(terminal_alias=None))
    assert refusal_of(nameless) is RefusalName.INVALID_SIGNATURE
    assert zone.gatekeeper.registrations == 0


def test_an_endpoint_without_proof_cannot_use_anothers_registration(
    zone: Zone, alice: Terminal, phone: NoneSystem
) -> None:
    alice.register()
    alice.ask(alice.admission())
    phone.register()
    own, phone.endpoint_identifier = phone.endpoint_identifier, alice.endpoint_identifier
    for kind in ("RRQ keepAlive", "ARQ", "DRQ", "URQ"):
        assert_denied(phone.ask(KINDS[kind](phone)))
    phone.endpoint_identifier = own
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (2, 1)


def test_answers_to_who_proves_nothing_carry_no_token(zone: Zone, phone: NoneSystem) -> None:
    for message in (phone.registration(), phone.registration(terminal_alias=(("h323-ID", "zoe"),))):
        answer = zone.exchange_octets(encode(message), phone.source)
        assert answer is not None
        assert decode(answer).crypto_tokens is None


def test_tokens_of_other_procedures_do_no_harm_where_none_are_asked_for(zone: Zone, phone: NoneSystem) -> None:
    hashing = PasswordSystem(zone, "phone", host=phone.host)
    answer = zone.exchange_octets(hashing.hashed(hashing.registration()), hashing.source)
    assert answer is not None
    assert isinstance(decode(answer), RegistrationConfirm)


# What a password's token says


def test_a_hash_for_another_gatekeeper_is_refused(zone: Zone, room: PasswordSystem) -> None:
    room.general_id = "elsewhere"
    assert reason_of(zone, room, room.hashed(room.registration())) == "securityWrongGeneralID"


def test_whoever_does_not_know_the_gatekeeper_yet_may_leave_its_name_out(zone: Zone, room: PasswordSystem) -> None:
    room.general_id = None
    room.register()
    assert reason_of(zone, room, room.hashed(room.admission())) == "securityWrongGeneralID"


@pytest.mark.parametrize("name", ["alice", "other", "if://guardian/other"])
def test_a_hash_in_anothers_name_is_refused(zone: Zone, room: PasswordSystem, name: str) -> None:
    assert reason_of(zone, room, room.hashed(room.registration(), senders_id=name)) == "securityWrongSendersID"


def test_a_hash_in_the_name_of_anothers_registration_is_refused(zone: Zone, room: PasswordSystem) -> None:
    other = PasswordSystem(zone, "other", host=103, password=ANOTHER)
    other.register()
    name = other.endpoint_identifier
    assert reason_of(zone, room, room.hashed(room.registration(), senders_id=name)) == "securityWrongSendersID"


def test_only_who_begins_anew_may_have_a_name_that_nobody_knows(zone: Zone, room: PasswordSystem) -> None:
    room.register()
    stale = "0123456789ABCDEF"
    answer = zone.exchange_octets(room.hashed(room.registration(), senders_id=stale), room.source)
    assert answer is not None
    assert isinstance(room.believed(answer, stale), RegistrationConfirm)
    assert reason_of(zone, room, room.hashed(room.admission(), senders_id=stale)) == "securityWrongSendersID"


@pytest.mark.parametrize("alias", [True, False])
@pytest.mark.parametrize("name", ["alice", "room", "phone"])
def test_whose_registration_has_ended_is_told_to_register_in_full_and_can(
    request: pytest.FixtureRequest, zone: Zone, name: str, alias: bool
) -> None:
    """Some are cut off for a while, and go on where they were: with a keepAlive, in the name that they had."""
    terminal: Terminal = request.getfixturevalue(name)
    terminal.register()
    zone.wait(61)
    assert zone.gatekeeper.registrations == 0
    aliases = (("h323-ID", name),) if alias else None
    keep_alive = terminal.registration(keep_alive=True, terminal_alias=aliases)
    answer = decode(zone.exchange_octets(sealed(terminal, keep_alive), terminal.source) or b"")
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("fullRegistrationRequired", None)
    assert isinstance(terminal.ask(terminal.registration()), RegistrationConfirm)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("ARQ", "callerNotRegistered"),
        ("BRQ", "notBound"),
        ("DRQ", "notRegistered"),
        ("URQ", "notCurrentlyRegistered"),
        ("RRQ keepAlive", "fullRegistrationRequired"),
    ],
)
@pytest.mark.parametrize("name", ["room", "phone"])
def test_an_endpoint_that_nobody_knows_is_told_so_where_there_is_such_equipment(
    request: pytest.FixtureRequest, zone: Zone, name: str, kind: str, reason: str
) -> None:
    """With "securityDenial" it would not try to register again."""
    terminal: Terminal = request.getfixturevalue(name)
    stranger = NoneSystem(zone, "phone", host=OUTSIDE)
    terminal.endpoint_identifier = stranger.endpoint_identifier = "0123456789ABCDEF"
    answer = zone.exchange(sealed(terminal, KINDS[kind](terminal)), terminal.source)
    assert getattr(answer, "reject_reason", None) == (reason, None)
    assert_denied(stranger.ask(KINDS[kind](stranger)))


def test_a_name_may_end_with_a_nul(zone: Zone, room: PasswordSystem) -> None:
    room.general_id = IDENTIFIER + "\0"
    answer = zone.exchange_octets(room.hashed(room.registration(), senders_id="room\0"), room.source)
    assert answer is not None
    assert isinstance(room.believed(answer, "room\0"), RegistrationConfirm)


@pytest.mark.parametrize("age", [31, -31])
def test_a_hash_outside_the_window_is_refused(zone: Zone, room: PasswordSystem, age: float) -> None:
    assert reason_of(zone, room, room.hashed(room.registration(), age=age)) == "securityWrongSyncTime"


def reason_of(zone: Zone, room: PasswordSystem, datagram: bytes) -> str:
    answer = zone.exchange(datagram, room.source)
    assert isinstance(answer, RegistrationReject | AdmissionReject)
    assert answer.reject_reason[0] == "securityError"
    return str(answer.reject_reason[1][0])


# Tampering


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_is_done_to_a_request_on_its_way_it_admits_nobody(data: st.DataObject) -> None:
    """Octets changed, inserted, left out, swapped between two true requests, and both kinds of proof in one message."""
    zone = Zone(guardian("alice"), password_entry("room"))
    terminals = (Terminal(zone, "alice", host=111), PasswordSystem(zone, "room", host=101))
    for terminal in terminals:
        terminal.register()
    terminal, other = data.draw(st.permutations(terminals))
    true, others = sealed(terminal, terminal.admission()), sealed(other, other.admission())
    octets = bytearray(true)
    what = data.draw(st.sampled_from(["change", "insert", "leave out", "swap"]))
    at = data.draw(st.integers(0, len(octets) - 1))
    if what == "change":
        octets[at] ^= data.draw(st.integers(1, 255))
    elif what == "insert":
        octets[at:at] = data.draw(st.binary(min_size=1, max_size=8))
    elif what == "leave out":
        del octets[at : at + data.draw(st.integers(1, 8))]
    else:
        octets[at:] = others[at:]
    zone.settle(zone.gatekeeper.receive(bytes(octets), terminal.source, zone.now))
    assert zone.gatekeeper.calls == int(bytes(octets) in (true, others))
    zone.settle(zone.gatekeeper.receive(true, terminal.source, zone.now))
    assert zone.gatekeeper.calls >= 1, "what was tampered with doesn't spend the true one's number"


def sealed(terminal: Terminal, message: RasMessage) -> bytes:
    """A true request."""
    if isinstance(terminal, NoneSystem):
        return encode(message)
    return terminal.hashed(message) if isinstance(terminal, PasswordSystem) else terminal.signed(message)


# Replays


@pytest.mark.parametrize("after_failover", [False, True])
@pytest.mark.parametrize("name", ["alice", "room"])
def test_a_recorded_request_from_elsewhere_is_a_replay(
    request: pytest.FixtureRequest, zone: Zone, name: str, after_failover: bool
) -> None:
    terminal: Terminal = request.getfixturevalue(name)
    terminal.register()
    datagram = sealed(terminal, terminal.admission())
    first = zone.exchange_octets(datagram, terminal.source)
    if after_failover:
        zone.fail_over()
    thief = Terminal(zone, name, host=103)
    answer = zone.exchange(datagram, thief.source)
    assert isinstance(answer, AdmissionReject)
    assert answer.reject_reason == ("securityError", ("securityReplay", None))
    assert zone.exchange_octets(datagram, terminal.source) == first, "from here, it is a retransmission"
    assert zone.gatekeeper.calls == 1


@pytest.mark.parametrize("name", ["alice", "room"])
def test_what_the_gatekeeper_before_answered_without_a_commit_counts_only_from_the_same_address(
    request: pytest.FixtureRequest, zone: Zone, name: str
) -> None:
    terminal: Terminal = request.getfixturevalue(name)
    terminal.register()
    datagram = sealed(terminal, terminal.registration(keep_alive=True))
    assert isinstance(decode(zone.exchange_octets(datagram, terminal.source) or b""), RegistrationConfirm)
    zone.wait(1)
    zone.fail_over()
    thief = Terminal(zone, name, host=103)
    answer = zone.exchange(datagram, thief.source)
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("securityError", ("securityReplay", None))
    again = decode(zone.exchange_octets(datagram, terminal.source) or b"")
    assert isinstance(again, RegistrationConfirm), "a retransmission looks the same"


# The gatekeeper's own requests


def test_its_own_requests_are_made_and_answered_by_the_same_policy(zone: Zone, anyone: Terminal) -> None:
    (urq,) = cleared(zone, anyone)
    request = decode(urq)
    assert isinstance(request, DisengageRequest)
    if isinstance(anyone, PasswordSystem):
        anyone.believed(urq, anyone.endpoint_identifier)
    confirm = DisengageConfirm(request_seq_num=request.request_seq_num)
    zone.deliver(sealed(anyone, confirm), anyone.source)
    record = zone.store.records()[-1]
    assert (record["msg_type"], record["answers"]) == ("DCF", "DRQ")


def cleared(zone: Zone, terminal: Terminal) -> list[bytes]:
    _, effects = zone.gatekeeper.clear_calls(Selection(terminal_id=terminal.terminal_id), zone.now)
    return [effect.datagram for effect in zone.settle(effects) if isinstance(effect, Send)]


@pytest.mark.parametrize("host", [OUTSIDE, 102])
def test_answers_without_proof_count_only_of_who_was_asked_and_from_its_network(
    zone: Zone, phone: NoneSystem, alice: Terminal, host: int
) -> None:
    asked = phone if host == OUTSIDE else alice
    asked.register()
    asked.ask(asked.admission())
    (drq,) = cleared(zone, asked)
    number = decode(drq).request_seq_num
    zone.deliver(encode(DisengageConfirm(request_seq_num=number)), (f"192.0.2.{host}", 1719))
    assert zone.observed[-1] == Observe("DCF", "dropped")


# Another registry


@pytest.mark.parametrize(
    "entry",
    [
        none_entry("room"),
        guardian("room"),
        replace(password_entry("room"), networks=(ip_network("198.51.100.0/24"),)),
    ],
    ids=["none", "signed", "another network"],
)
def test_another_policy_or_network_ends_what_the_old_one_let_in(
    zone: Zone, room: PasswordSystem, entry: Guardian
) -> None:
    room.register()
    room.ask(room.admission())
    effects = zone.settle(zone.gatekeeper.use_registry(Registry((entry,)), zone.now))
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (0, 0)
    messages = [decode(effect.datagram) for effect in effects if isinstance(effect, Send)]
    assert [type(message) for message in messages] == [UnregistrationRequest]


def test_another_password_ends_nothing_and_counts_at_once(zone: Zone, room: PasswordSystem) -> None:
    room.register()
    zone.settle(zone.gatekeeper.use_registry(Registry((password_entry("room", ANOTHER),)), zone.now))
    assert zone.gatekeeper.registrations == 1
    answer = zone.exchange(room.hashed(room.registration(keep_alive=True)), room.source)
    assert refusal_of(answer) is RefusalName.INVALID_SIGNATURE
    room.password_key = PasswordSystem(zone, "room", password=ANOTHER).password_key
    assert isinstance(room.ask(room.registration(keep_alive=True)), RegistrationConfirm)
