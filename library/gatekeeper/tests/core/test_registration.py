"""Registration, its life time, and who may have one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gatekeeper.core import Send
from gatekeeper.registry import Registry
from h323.council import RefusalName
from h323.ras import (
    RegistrationConfirm,
    RegistrationReject,
    UnregistrationConfirm,
    UnregistrationReject,
    UnregistrationRequest,
    decode,
    encode,
)

from .zone import Terminal, Zone, guardian, refusal_of


@pytest.fixture
def zone() -> Zone:
    return Zone(guardian("alice"), guardian("bob"), guardian("sam", "suspended"), guardian("rex", "revoked"))


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    return Terminal(zone, "alice")


def test_a_registration_grants_a_time_to_live(zone: Zone, alice: Terminal) -> None:
    confirm = alice.register()
    assert confirm.time_to_live == 60
    assert confirm.terminal_alias == (("h323-ID", "alice"),)
    assert zone.gatekeeper.registrations == 1


def test_it_ends_when_nobody_keeps_it_alive(zone: Zone, alice: Terminal) -> None:
    alice.register()
    alice.ask(alice.admission())
    zone.wait(59)
    assert zone.gatekeeper.registrations == 1
    zone.wait(2)
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (0, 0)
    assert zone.store.records()[-1]["msg_type"] == "EXPIRED"


def test_a_keep_alive_extends_it(zone: Zone, alice: Terminal) -> None:
    alice.register()
    zone.wait(40)
    assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
    zone.wait(40)
    assert zone.gatekeeper.registrations == 1


def test_an_unsigned_keep_alive_is_refused_and_extends_nothing(zone: Zone, alice: Terminal) -> None:
    alice.register()
    zone.wait(40)
    answer = zone.exchange(encode(alice.registration(keep_alive=True)), alice.source)
    assert refusal_of(answer) is RefusalName.INVALID_SIGNATURE
    zone.wait(40)
    assert zone.gatekeeper.registrations == 0


def test_a_keep_alive_of_an_unknown_endpoint_asks_for_a_full_registration(alice: Terminal) -> None:
    alice.endpoint_identifier = "0123456789ABCDEF"
    answer = alice.ask(alice.registration(keep_alive=True))
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("fullRegistrationRequired", None)


def test_a_new_active_grants_one_full_time_to_live(zone: Zone, alice: Terminal) -> None:
    alice.register()
    zone.wait(50)
    zone.fail_over()
    zone.wait(50)
    assert zone.gatekeeper.registrations == 1


def test_another_gatekeepers_identifier_is_refused(alice: Terminal) -> None:
    answer = alice.ask(alice.registration(gatekeeper_identifier="elsewhere"))
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("discoveryRequired", None)


@pytest.mark.parametrize(("name", "expected"), [("sam", RefusalName.SUSPENDED), ("rex", RefusalName.REVOKED)])
def test_who_is_suspended_or_revoked_is_refused(zone: Zone, name: str, expected: RefusalName) -> None:
    terminal = Terminal(zone, name)
    answer = terminal.ask(terminal.registration())
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("securityDenial", None)
    assert refusal_of(answer) is expected


def test_aliases_must_be_the_guardians_own(alice: Terminal) -> None:
    theirs = alice.ask(alice.registration(terminal_alias=(("h323-ID", "bob"),)))
    assert refusal_of(theirs) is RefusalName.DUPLICATE_ALIAS
    nobodys = alice.ask(alice.registration(terminal_alias=(("h323-ID", "zoe"),)))
    assert refusal_of(nobodys) is RefusalName.UNKNOWN_ALIAS


def test_registering_again_keeps_the_endpoint_identifier_and_the_calls(zone: Zone, alice: Terminal) -> None:
    first = alice.register()
    alice.ask(alice.admission())
    assert alice.register().endpoint_identifier == first.endpoint_identifier
    assert zone.gatekeeper.calls == 1


def test_a_guardian_who_moves_leaves_nothing_behind(zone: Zone, alice: Terminal) -> None:
    alice.register()
    alice.ask(alice.admission())
    moved = Terminal(zone, "alice", host=111)
    moved.register()
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (1, 0)


def test_another_guardians_address_is_refused(zone: Zone, alice: Terminal) -> None:
    alice.register()
    bob = Terminal(zone, "bob", host=alice.host)
    answer = bob.ask(bob.registration())
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("invalidCallSignalAddress", None)


def test_unregistering_ends_the_calls(zone: Zone, alice: Terminal) -> None:
    alice.register()
    alice.ask(alice.admission())
    assert isinstance(alice.ask(alice.unregistration()), UnregistrationConfirm)
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (0, 0)
    assert not [key for key in zone.store.items if not key.startswith("answer/")]
    assert isinstance(alice.ask(alice.unregistration()), UnregistrationReject)


def test_a_suspension_ends_registration_and_calls_at_once(zone: Zone, alice: Terminal) -> None:
    alice.register()
    alice.ask(alice.admission())
    effects = zone.settle(
        zone.gatekeeper.use_registry(Registry((guardian("alice", "suspended"), guardian("bob"))), zone.now)
    )
    urq = next(decode(effect.datagram) for effect in effects if isinstance(effect, Send))
    assert isinstance(urq, UnregistrationRequest)
    assert urq.endpoint_identifier == alice.endpoint_identifier
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (0, 0)


def test_a_registration_without_a_usable_address_is_refused(alice: Terminal) -> None:
    answer = alice.ask(replace(alice.registration(), call_signal_address=()))
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("invalidCallSignalAddress", None)
