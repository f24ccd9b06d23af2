"""No text of a message gets into a record, the service's log or a metric's label, unless the council gave it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from gatekeeper.core.personal_data import LEFT_OUT, RECORDED, REDUCED
from h323.council import CallProfile, CallType
from h323.per import EncodeError
from h323.ras import CallIdentifier, RasMessage, encode

from library.gatekeeper.tests.replay.replayed import OpenZone

from .markers import MARKED, TEXT, free_fields, least_of, made, parts_of
from .zone import Terminal, guardian

KINDS = {alternative: type_ for alternative, (_, type_, _) in parts_of("RasMessage").items()}
LISTED = {*RECORDED, *REDUCED, *(f"{owner}.{part}" for owner, parts in LEFT_OUT.items() for part in parts.split())}
# What names a call or an address holds no text, whatever octets somebody writes there.
NAMES_NO_PERSON = ("conferenceID", "guid", "ip")


def test_every_text_and_every_octet_of_the_standards_messages_is_listed_once() -> None:
    there = {field for field, _ in free_fields("RasMessage")}
    assert there - LISTED == set()
    assert LISTED - there == set()
    assert len(LISTED) == len(RECORDED) + len(REDUCED) + sum(len(parts.split()) for parts in LEFT_OUT.values())


def base_messages(alice: Terminal) -> dict[str, RasMessage]:
    """What gets far: decided requests of who is registered."""
    return {
        "RegistrationRequest": alice.registration(),
        "UnregistrationRequest": alice.unregistration(),
        "AdmissionRequest": replace(alice.admission(7), call_identifier=CallIdentifier(guid=bytes(range(16)))),
        "BandwidthRequest": alice.bandwidth(32_000),
        "DisengageRequest": alice.disengagement(),
        "InfoRequestResponse": alice.report(1, need_response=True),
    }


def marked_message(kind: str, path: tuple[str, ...], base: dict[str, RasMessage]) -> Any:
    attribute, type_, _ = parts_of(kind)[path[0]]
    message = base.get(kind) or least_of(kind)
    named = {"endpoint_identifier": getattr(base["AdmissionRequest"], "endpoint_identifier", "")}
    if kind not in base and "endpointIdentifier" in parts_of(kind):
        message = replace(message, **named)
    return replace(message, **{attribute: made(type_, path[1:])})


def council() -> tuple[OpenZone, Terminal]:
    zone = OpenZone(guardian("alice"), guardian("bob"))
    alice = Terminal(zone, "alice")
    alice.register()
    alice.ask(alice.admission(1))
    return zone, alice


@pytest.mark.parametrize("kind", sorted({type_ for type_ in KINDS.values() if not type_.startswith("_")}))
def test_no_marker_in_any_field_gets_out(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cases = Counter[str]()
    zone, alice = council()
    base = base_messages(alice)
    # Those that are recorded come last: a call that they name is spoken of later.
    for field, path in sorted(free_fields(kind), key=lambda one: one[1][-1] in NAMES_NO_PERSON):
        _, _, component = field.partition(".")
        message = marked_message(kind, path, base)
        try:
            unsigned = encode(message)
        except EncodeError as error:  # pragma: no cover
            pytest.fail(f"{field} by {path}: {error}")
        before = len(zone.store.lines["h323_ras"])
        zone.settle(zone.gatekeeper.receive(unsigned, ("198.51.100.9", 1719), zone.now))
        zone.settle(zone.gatekeeper.receive(alice.signed(message), alice.source, zone.now))
        zone.wait(11)
        if not zone.gatekeeper.registrations:
            alice.register()
            base = base_messages(alice)
        cases["all"] += 1
        if component in NAMES_NO_PERSON:
            continue
        told = "\n".join(json.dumps(line, ensure_ascii=False) for line in zone.store.records()[before:])
        told += "\n".join(map(repr, zone.observed)) + caplog.text
        found = [marker for marker in MARKED if marker.lower() in told.lower()]
        assert found == [], f"{field} by {path}"
    fields = len({field for field, _ in free_fields(kind)})
    assert cases["all"] == fields


def test_who_signs_with_somebodys_name_in_place_of_an_identifier() -> None:
    """The sendersID of a signature, whose token is not on the paths above."""
    zone, alice = council()
    for name in (TEXT, "if://guardian/zaphod-beeblebrox"):
        alice.terminal_id = name
        zone.settle(zone.gatekeeper.receive(alice.signed(alice.admission(9)), ("198.51.100.9", 1719), zone.now))
    last = zone.store.records()[-1]
    assert (last["reason"], last["claimed_terminal_id"]) == ("INVALID_SIGNATURE", "?")
    assert not any(marker in json.dumps(zone.store.records()) for marker in (*MARKED, "zaphod"))


@pytest.mark.parametrize("call_type", CallType)
@pytest.mark.parametrize("pii", [False, True])
def test_the_purpose_of_a_call_stays_with_the_caller(call_type: CallType, *, pii: bool) -> None:
    zone, alice = council()
    alice.ask(alice.admission(2, CallProfile(call_type, pii, f"about {TEXT}")))
    asked, _ = zone.store.records()[-2:]
    assert (asked["call_type"], asked["pii"]) == (call_type.value, pii)
    assert "Zaphod" not in json.dumps(zone.store.records())


def test_the_test_would_see_a_marker() -> None:
    """A marker that the registry has is recorded: the markers do arrive."""
    entry = replace(guardian("alice"), aliases=("alice", "4242424242"))
    zone = OpenZone(entry)
    alice = Terminal(zone, "alice")
    alice.register(terminal_alias=(("dialledDigits", "4242424242"),))
    assert any(marker in json.dumps(zone.store.records()) for marker in MARKED)
