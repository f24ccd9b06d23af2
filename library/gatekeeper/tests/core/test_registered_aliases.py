"""Terminal aliases: whose they are, how they are added, kept, replaced and given up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from gatekeeper.core import Send
from gatekeeper.registry import Guardian, Registry
from h323.asn1.types import PublicPartyNumber
from h323.council import RefusalName
from h323.ras import (
    AdmissionConfirm,
    AliasAddress,
    RegistrationConfirm,
    RegistrationReject,
    UnregistrationConfirm,
    UnregistrationReject,
    UnregistrationRequest,
    decode,
)

from .zone import Terminal, Zone, guardian, refusal_of

ALICE: AliasAddress = ("h323-ID", "alice")
NUMBER: AliasAddress = ("dialledDigits", "1001")
CHAIR: AliasAddress = ("h323-ID", "the-chair")
IDENTITY: AliasAddress = ("url-ID", "if://guardian/alice")


def with_aliases(name: str, *aliases: str) -> Guardian:
    return replace(guardian(name), aliases=aliases)


@pytest.fixture
def zone() -> Zone:
    return Zone(with_aliases("alice", "alice", "1001", "the-chair"), guardian("bob"))


@pytest.fixture
def alice(zone: Zone) -> Terminal:
    return Terminal(zone, "alice")


@pytest.fixture
def bob(zone: Zone) -> Terminal:
    terminal = Terminal(zone, "bob", host=102)
    terminal.register()
    return terminal


def registered(terminal: Terminal, *aliases: AliasAddress, **fields: Any) -> set[AliasAddress]:
    """Register with these aliases; those that the RCF lists."""
    answer = terminal.ask(terminal.registration(terminal_alias=aliases or None, **fields))
    assert isinstance(answer, RegistrationConfirm), refusal_of(answer)
    terminal.endpoint_identifier = answer.endpoint_identifier
    return set(answer.terminal_alias or ())


def reached(caller: Terminal, alias: str, call: int) -> bool:
    """Whether a call to this alias is admitted."""
    return isinstance(caller.ask(caller.admission(call, to=alias)), AdmissionConfirm)


def unregistration(terminal: Terminal, *aliases: AliasAddress) -> UnregistrationRequest:
    return terminal.unregistration(endpoint_alias=aliases or None)


def test_without_aliases_the_registrys_are_assigned_and_returned(alice: Terminal, bob: Terminal) -> None:
    assert registered(alice) == {ALICE, NUMBER, CHAIR}
    assert all(reached(bob, alias, call) for call, alias in enumerate(("alice", "1001", "the-chair")))


def test_dialled_digits_are_assigned_where_none_are_asked_for(alice: Terminal, bob: Terminal) -> None:
    assert registered(alice, ALICE) == {ALICE, NUMBER}
    assert not reached(bob, "the-chair", 1)


def test_nothing_is_assigned_besides_dialled_digits(alice: Terminal) -> None:
    assert registered(alice, NUMBER) == {NUMBER}


def test_registering_again_without_aliases_maintains_nothing_less(alice: Terminal) -> None:
    registered(alice, NUMBER)
    assert registered(alice) == {ALICE, NUMBER, CHAIR}


def test_registering_again_replaces_the_aliases(alice: Terminal, bob: Terminal) -> None:
    registered(alice)
    assert registered(alice, NUMBER) == {NUMBER}
    assert not reached(bob, "alice", 1)


def test_the_terminal_id_is_an_alias_that_is_listed_to_who_named_it(alice: Terminal, bob: Terminal) -> None:
    assert registered(alice, IDENTITY) == {NUMBER, IDENTITY}
    assert reached(bob, "if://guardian/alice", 1)


@pytest.mark.parametrize(
    "alias",
    [
        ("h323-ID", "alice\0"),
        ("url-ID", "h323:alice"),
        ("email-ID", "alice"),
        (
            "partyNumber",
            ("e164Number", PublicPartyNumber(public_type_of_number=("unknown", None), public_number_digits="1001")),
        ),
    ],
)
def test_an_alias_is_known_in_each_of_its_forms(alice: Terminal, alias: Any) -> None:
    assert registered(alice, alias) <= {ALICE, NUMBER}


def test_only_the_offending_aliases_of_a_request_are_named(alice: Terminal) -> None:
    answer = alice.ask(alice.registration(terminal_alias=(ALICE, ("h323-ID", "bob"))))
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("duplicateAlias", (("h323-ID", "bob"),))


@pytest.mark.parametrize("alias", [("h323-ID", "zoe"), ("transportID", Terminal(Zone(), "zoe").address(1720))])
def test_an_alias_that_is_nobodys_is_invalid(alice: Terminal, alias: Any) -> None:
    answer = alice.ask(alice.registration(terminal_alias=(alias,)))
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("invalidAlias", None)


def test_an_additive_registration_adds_and_lists_all(alice: Terminal, bob: Terminal) -> None:
    registered(alice, ALICE)
    assert registered(alice, CHAIR, additive_registration=True) == {ALICE, NUMBER, CHAIR}
    assert alice.zone.gatekeeper.registrations == 2
    assert reached(bob, "the-chair", 1)
    assert reached(bob, "alice", 2)


def test_a_registration_says_that_it_can_be_added_to(alice: Terminal) -> None:
    assert alice.register().supports_additive_registration


def test_an_additive_registration_keeps_addresses_and_calls(zone: Zone, alice: Terminal, bob: Terminal) -> None:
    registered(alice, ALICE)
    alice.ask(alice.admission())
    elsewhere = (Terminal(zone, "alice", host=111).address(1720),)
    registered(alice, CHAIR, additive_registration=True, call_signal_address=elsewhere)
    assert zone.gatekeeper.calls == 1
    answer = bob.ask(bob.admission(to="the-chair"))
    assert isinstance(answer, AdmissionConfirm)
    assert answer.dest_call_signal_address == alice.address(1720)


def test_an_additive_registration_needs_one_to_add_to(alice: Terminal) -> None:
    answer = alice.ask(alice.registration(additive_registration=True))
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("fullRegistrationRequired", None)


def test_an_additive_registration_is_held_to_the_registry_too(alice: Terminal) -> None:
    registered(alice, ALICE)
    message = alice.registration(additive_registration=True, terminal_alias=(("h323-ID", "bob"),))
    assert refusal_of(alice.ask(message)) is RefusalName.DUPLICATE_ALIAS


def test_unregistering_one_alias_leaves_the_others(zone: Zone, alice: Terminal, bob: Terminal) -> None:
    registered(alice)
    alice.ask(alice.admission())
    assert isinstance(alice.ask(unregistration(alice, ALICE)), UnregistrationConfirm)
    assert not reached(bob, "alice", 1)
    assert reached(bob, "1001", 2)
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (2, 2)


def test_with_the_last_alias_the_registration_ends(zone: Zone, alice: Terminal) -> None:
    registered(alice)
    alice.ask(alice.admission())
    assert isinstance(alice.ask(unregistration(alice, ALICE, NUMBER, CHAIR)), UnregistrationConfirm)
    assert (zone.gatekeeper.registrations, zone.gatekeeper.calls) == (0, 0)


def test_with_the_identity_the_registration_ends(zone: Zone, alice: Terminal) -> None:
    registered(alice)
    assert isinstance(alice.ask(unregistration(alice, IDENTITY)), UnregistrationConfirm)
    assert zone.gatekeeper.registrations == 0


@pytest.mark.parametrize(
    ("alias", "reason"), [(("h323-ID", "bob"), "permissionDenied"), (CHAIR, "notCurrentlyRegistered")]
)
def test_what_one_does_not_have_cannot_be_given_up(
    zone: Zone, alice: Terminal, bob: Terminal, alias: AliasAddress, reason: str
) -> None:
    registered(alice, ALICE)
    answer = alice.ask(unregistration(alice, alias))
    assert isinstance(answer, UnregistrationReject)
    assert answer.reject_reason == (reason, None)
    assert zone.gatekeeper.registrations == 2
    assert reached(alice, "bob", 1)
    assert reached(bob, "alice", 2)


def test_partial_registrations_survive_a_failover(zone: Zone, alice: Terminal, bob: Terminal) -> None:
    registered(alice)
    alice.ask(unregistration(alice, ALICE))
    registered(alice, CHAIR, additive_registration=True)
    zone.fail_over()
    assert not reached(bob, "alice", 1)
    assert reached(bob, "1001", 2)
    assert reached(bob, "the-chair", 3)


def test_a_registry_that_takes_an_alias_away_ends_the_registration(zone: Zone, alice: Terminal) -> None:
    registered(alice)
    registry = Registry((with_aliases("alice", "alice", "1001"), with_aliases("bob", "bob", "the-chair")))
    effects = zone.settle(zone.gatekeeper.use_registry(registry, zone.now))
    (urq,) = [decode(effect.datagram) for effect in effects if isinstance(effect, Send)]
    assert isinstance(urq, UnregistrationRequest)
    assert urq.reason == ("reregistrationRequired", None)
    assert registered(alice) == {ALICE, NUMBER}


def test_an_alias_still_registered_by_its_former_owner_is_taken(zone: Zone, alice: Terminal, bob: Terminal) -> None:
    """A new active starts with the registrations of the store: they may be older than its registry."""
    registered(alice)
    zone.registry = Registry((with_aliases("alice", "alice"), with_aliases("bob", "bob", "the-chair")))
    zone.fail_over()
    answer = bob.ask(bob.registration(terminal_alias=(CHAIR,)))
    assert isinstance(answer, RegistrationReject)
    assert answer.reject_reason == ("duplicateAlias", (CHAIR,))
    assert registered(bob) == {("h323-ID", "bob")}
