"""The mistakes found in existing gatekeepers that concern registration; each of these tests is named after one."""

from __future__ import annotations

import pytest
from h323.council import RefusalName
from h323.ras import RegistrationConfirm, RegistrationReject, RegistrationRequest, encode

from .zone import Terminal, Zone, refusal_of


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    terminal = Terminal(zone, "alice")
    terminal.register()
    return terminal


def unsigned(terminal: Terminal, message: RegistrationRequest) -> object:
    answer = terminal.zone.exchange(encode(message), terminal.source)
    assert refusal_of(answer) is RefusalName.INVALID_SIGNATURE
    return getattr(answer, "reject_reason", None)


def test_unsigned_keep_alive_accepted(zone: Zone, alice: Terminal) -> None:
    """That path returned before the check."""
    zone.wait(40)
    assert unsigned(alice, alice.registration(keep_alive=True)) == ("securityDenial", None)
    zone.wait(21)
    assert zone.gatekeeper.registrations == 0


def test_keep_alive_signed_by_another_guardian_accepted(zone: Zone, alice: Terminal) -> None:
    zone.wait(40)
    bob = Terminal(zone, "bob")
    bob.endpoint_identifier = alice.endpoint_identifier
    answer = bob.ask(bob.registration(keep_alive=True))
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("fullRegistrationRequired", None)
    zone.wait(21)
    assert zone.gatekeeper.registrations == 0


def test_unsigned_registration_accepted(alice: Terminal) -> None:
    assert unsigned(alice, alice.registration()) == ("securityDenial", None)
    assert unsigned(alice, alice.registration(additive_registration=True)) == ("securityDenial", None)


@pytest.mark.parametrize(
    "kind", [{}, {"keep_alive": True}, {"additive_registration": True}, {"discovery_complete": False}]
)
def test_foreign_gatekeeper_identifier_confirmed(zone: Zone, alice: Terminal, kind: dict[str, bool]) -> None:
    answer = alice.ask(alice.registration(gatekeeper_identifier="elsewhere", **kind))
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("discoveryRequired", None)
    assert zone.gatekeeper.registrations == 1


@pytest.mark.parametrize("keep_alive", [False, True])
def test_no_time_to_live_granted(zone: Zone, alice: Terminal, keep_alive: bool) -> None:
    """Not asked for, it's granted all the same, and enforced: nothing stays registered forever."""
    answer = alice.ask(alice.registration(keep_alive=keep_alive, time_to_live=None))
    assert isinstance(answer, RegistrationConfirm)
    assert answer.time_to_live == zone.settings.time_to_live
    zone.wait(59)
    assert zone.gatekeeper.registrations == 1
    zone.wait(2)
    assert zone.gatekeeper.registrations == 0
