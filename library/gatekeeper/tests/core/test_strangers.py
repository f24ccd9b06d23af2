"""Whoever proves nothing gets no more octets than they send, costs little, and leaves little behind."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from gatekeeper.core import CoreSettings, Observe, Rates, Send, Standby, WithoutQuorum
from h323.asn1.encoders import RAS_MESSAGES
from h323.h235 import sign, sign_hash
from h323.ras import (
    EncodeError,
    GatekeeperRequest,
    RegistrationConfirm,
    UnregistrationRequest,
    decode,
    encode,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from .equipment import OUTSIDE, key_of, none_entry, password_entry
from .zone import IDENTIFIER, SETTINGS, START, Terminal, Zone, guardian, private_key

VECTORS = Path(__file__).parents[3] / "h323" / "tests" / "data" / "h225_ras.json"
MESSAGES = tuple(
    message
    for message in (decode(bytes.fromhex(octets)) for octets in json.loads(VECTORS.read_text()).values())
    if not isinstance(message, tuple)
)
GENEROUS = replace(SETTINGS, refusals_per_source=10**6, refusals_in_all=10**6, alternates=(("192.0.2.12", 1719),) * 3)
STRANGER = (f"192.0.2.{OUTSIDE}", 40_000)


def test_the_vectors_have_every_kind_of_message() -> None:
    assert {type(message) for message in MESSAGES} == set(RAS_MESSAGES) - {tuple}


@st.composite
def without_some_fields(draw: st.DrawFn) -> Any:
    """A message of any kind, some of whose optional fields are left out: short ones get short answers."""
    message: Any = draw(st.sampled_from(MESSAGES))
    names = [one.name for one in fields(message) if getattr(message, one.name) is not None]
    left_out = draw(st.just(names) | st.lists(st.sampled_from(names), unique=True))
    for name in left_out:
        shorter = replace(message, **{name: None})
        try:
            encode(shorter)
        except EncodeError:
            continue
        message = shorter
    return replace(message, crypto_tokens=None)


@st.composite
def datagrams(draw: st.DrawFn) -> bytes:
    """What strangers send: without tokens, with a forger's, or mutated."""
    message = draw(without_some_fields())
    name = draw(st.sampled_from(["if://guardian/alice", "if://guardian/nobody", "room", "phone", "x" * 128]))
    general_id = draw(st.sampled_from([IDENTIFIER, "elsewhere", None]))
    claim: dict[str, Any] = {
        "senders_id": name,
        "general_id": general_id,
        "time_stamp": int(START.unix) - draw(st.sampled_from([0, 3_600])),
        "random": draw(st.integers(1, 2**31 - 1)),
    }
    kind = draw(st.sampled_from(["plain", "signed", "hashed", "mutated"]))
    if kind == "signed":
        return sign(message, key=private_key("forger"), **claim)
    if kind == "hashed":
        return sign_hash(message, key=key_of("guessed"), **claim)
    octets = bytearray(encode(message))
    if kind == "mutated":
        octets[draw(st.integers(0, len(octets) - 1))] ^= draw(st.integers(1, 255))
    return bytes(octets)


@settings(max_examples=300, deadline=None)
@given(datagram=datagrams())
def test_an_answer_to_a_stranger_is_never_longer_than_what_they_sent(datagram: bytes) -> None:
    zone = Zone(guardian("alice"), password_entry("room"), none_entry("phone"), settings=GENEROUS)
    sent = 0
    for effects in (
        zone.settle(zone.gatekeeper.receive(datagram, STRANGER, zone.now)),
        Standby(GENEROUS, private_key(IDENTIFIER), zone.random_bytes).receive(datagram, STRANGER, zone.now),
        WithoutQuorum(GENEROUS, zone.registry, private_key(IDENTIFIER), zone.random_bytes).receive(
            datagram, STRANGER, zone.now
        ),
    ):
        answers = [effect.datagram for effect in effects if isinstance(effect, Send)]
        assert sum(map(len, answers)) <= len(datagram)
        sent += len(answers)
    assert zone.wait(5) == [], "and nothing comes later"
    assert zone.gatekeeper.registrations == 0


def test_a_longer_request_gets_a_better_answer() -> None:
    """All forms of a refusal are there: in full, without the sentence, without the signature, bare."""
    zone = Zone(settings=GENEROUS)
    alice = Terminal(zone, "alice", OUTSIDE)
    forms = set()
    for size in range(0, 257, 4):
        request = replace(alice.admission(), non_standard_data=None, src_info=(("h323-ID", "x" * max(size, 1)),))
        answer: Any = zone.exchange(encode(request), alice.source)
        generic = answer.generic_data[0].parameters if answer.generic_data else ()
        forms.add((len(generic), answer.crypto_tokens is not None))
    assert forms == {(1, False), (2, False), (1, True), (2, True)}
    alice.endpoint_identifier = "0123456789ABCDEF"
    urj: Any = zone.exchange(encode(alice.unregistration()), alice.source)
    assert (urj.reject_reason, urj.generic_data, urj.crypto_tokens) == (("securityDenial", None), None, None)
    shortest = UnregistrationRequest(request_seq_num=1, call_signal_address=())
    assert zone.exchange(encode(shortest), alice.source) is None


def forged(terminal: Terminal, number: int) -> bytes:
    """A plausible request: known sender, fresh, and signed by somebody else."""
    return sign(
        terminal.registration(),
        key=private_key("forger"),
        senders_id=terminal.terminal_id,
        general_id=IDENTIFIER,
        time_stamp=int(terminal.zone.now.unix),
        random=number + 1,
    )


def receive(zone: Zone, datagram: bytes, host: str, port: int) -> list[Any]:
    return zone.settle(zone.gatekeeper.receive(datagram, (host, port), zone.now))


def test_a_council_behind_one_address_is_never_limited() -> None:
    """25 guardians come at once from one address, in the middle of a flood from it, and speak as fast as they like."""
    zone = Zone(*(guardian(f"g{number}") for number in range(25)))
    nat = "203.0.113.1"
    flood = Terminal(zone, "g0")
    for number in range(3_000):
        receive(zone, forged(flood, number), nat, 50_000)
    for number in range(25):
        terminal = Terminal(zone, f"g{number}", host=101 + number)
        terminal.source = (nat, 30_000 + number)
        terminal.register()
        for _ in range(30):
            assert isinstance(terminal.ask(terminal.registration(keep_alive=True)), RegistrationConfirm)
    assert zone.gatekeeper.registrations == 25


def test_load_from_one_socket_is_never_limited() -> None:
    zone = Zone()
    alice = Terminal(zone, "alice")
    alice.register()
    for _ in range(3_000):
        assert zone.exchange_octets(alice.signed(alice.registration(keep_alive=True)), alice.source) is not None


def test_forgeries_from_one_address_cost_little_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = Zone(settings=replace(SETTINGS, rates=Rates(host=100, in_all=500)))
    alice = Terminal(zone, "alice")
    verified = counted_verifications(monkeypatch)
    for number in range(1_000):
        receive(zone, forged(alice, number), "203.0.113.1", number + 1)
    assert len(verified) == 4 * 100
    for number in range(3_000):
        receive(zone, forged(alice, number), f"10.0.{number >> 8}.{number & 255}", 1719)
    assert len(verified) == 4 * 500


def counted_verifications(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []

    def verify(*_arguments: object) -> bool:
        calls.append(1)
        return False

    monkeypatch.setattr("gatekeeper.core.authentication.verify", verify)
    return calls


def test_a_flood_in_a_guardians_own_name_and_address_leaves_them_room() -> None:
    zone = Zone()
    alice, bob = Terminal(zone, "alice"), Terminal(zone, "bob")
    alice.register()
    bob.source = (alice.source[0], 1720)
    for number in range(2_500):
        receive(zone, forged(alice, number), *alice.source)
        receive(zone, b"garbage", alice.source[0], 1721)
    assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)


def test_a_debt_is_paid_off_by_time() -> None:
    zone = Zone()
    for _ in range(2_000):
        receive(zone, b"garbage", "203.0.113.1", 1719)
    counts = zone.observed
    assert counts.count(Observe("unknown", "malformed")) == 4 * Rates().source
    assert counts.count(Observe("unknown", "rate_limited")) == 2_000 - 4 * Rates().source
    zone.wait(1)
    for _ in range(2_000):
        receive(zone, b"garbage", "203.0.113.1", 1719)
    assert counts.count(Observe("unknown", "malformed")) == 5 * Rates().source


def test_10_000_spoofed_sources_cost_bounded_memory_and_few_records() -> None:
    zone = Zone()
    alice = Terminal(zone, "alice")
    arq = encode(alice.admission())
    for number in range(10_000):
        host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        for datagram in (b"garbage", arq):
            receive(zone, datagram, host, 1719)
    zone.wait(10)
    zone.wait(1)
    records = zone.store.records()
    assert len(records) <= 2 * SETTINGS.refusals_in_all + 101
    floods = [record for record in records if record["msg_type"] == "FLOOD"]
    assert len(floods) == 101
    assert sum(int(str(record["requests"])) for record in floods) == 20_000 - SETTINGS.refusals_in_all
    limits = zone.gatekeeper._limits
    assert max(len(limits._sources), len(limits._hosts), len(limits._proven_debts)) <= 8_192
    assert len(zone.gatekeeper._budget._spent) <= 1_001
    assert len(zone.gatekeeper._answers) <= SETTINGS.refusals_in_all


def test_a_flood_record_says_what_it_was() -> None:
    zone = Zone(settings=replace(SETTINGS, rates=Rates(source=5)))
    alice = Terminal(zone, "alice")
    host = alice.source[0]
    for _ in range(30):
        receive(zone, b"garbage", host, 1719)
    receive(zone, bytes(5_000), host, 1720)
    zone.wait(11)
    record = zone.store.records()[-1]
    assert (record["msg_type"], record["source"], record["requests"]) == ("FLOOD", host, 31)
    assert (record["malformed"], record["rate_limited"], record["too_large"]) == (20, 10, 1)
    before = len(zone.store.records())
    zone.wait(11)
    assert len(zone.store.records()) == before, "an interval without any leaves none"


def test_sources_of_the_registered_are_known_to_the_next_active() -> None:
    zone = Zone(settings=replace(SETTINGS, rates=Rates(source=1, host=1, in_all=1)))
    alice = Terminal(zone, "alice")
    alice.register()
    zone.fail_over()
    bob = Terminal(zone, "bob", host=150)
    for number in range(100):
        receive(zone, forged(bob, number), f"10.0.0.{number}", 1719)
    assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
    assert bob.ask(bob.registration()) is None, "a newcomer has to wait until the flood ebbs away"
    zone.wait(2)
    assert isinstance(bob.ask(bob.registration()), RegistrationConfirm)


def test_a_standby_redirects_only_so_much() -> None:
    standby = Standby(CoreSettings("gk2", IDENTIFIER, ("192.0.2.10", 1719)), private_key(IDENTIFIER), bytes)
    (grq,) = (encode(message) for message in MESSAGES if isinstance(message, GatekeeperRequest))
    results = [standby.receive(grq, STRANGER, START)[-1] for _ in range(60)]
    assert results.count(Observe("GRQ", "redirected")) == 50
