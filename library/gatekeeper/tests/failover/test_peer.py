"""Signs of life: what is believed, and that nothing old ever is. The time is the test's own."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from gatekeeper.core import Address, Instant
from gatekeeper.failover.peer import EVERY
from gatekeeper.failover.peer_watch import FRESH, LARGEST, PeerWatch
from gatekeeper.failover.sign_of_life import OBJECT, PeerSign, SignError, Stamp, message, read
from h323.asn1.types import NonStandardParameter
from h323.h235 import PrivateKey
from h323.ras import NonStandardMessage, encode
from hypothesis import given
from hypothesis import strategies as st

IDENTIFIER = "guardian-council"
KEY = PrivateKey.from_private_bytes(bytes(range(32)))
FIRST: Address = ("192.0.2.11", 1719)
SECOND: Address = ("192.0.2.12", 1719)
OWN = PeerSign(
    "gk1",
    "primary",
    7,
    True,
    True,
    None,
    True,
    {"h323_ras": 12, "failover": 3},
    unix_ms=1_800_000_000_000,
    answered_epoch=7,
    answered_ms_ago=4,
)
OTHERS = replace(OWN, node="gk2", role="secondary", active=False)


def randomness(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


class Pair:
    """Two gatekeepers, the time between them, and everything that was ever sent."""

    def __init__(self) -> None:
        self._seeds = itertools.count(1)
        self.now = 1_000.0
        self.first, self.second = self.boot(SECOND), self.boot(FIRST)
        self.from_first: list[bytes] = []
        self.from_second: list[bytes] = []

    def boot(self, other: Address) -> PeerWatch:
        return PeerWatch(IDENTIFIER, KEY, other, randomness(next(self._seeds)))

    @property
    def instant(self) -> Instant:
        return Instant(self.now, 1_800_000_000.0)

    def round(self) -> tuple[PeerSign | None, PeerSign | None]:
        """Each sends one, and both hear it; what the first and the second believe."""
        self.now += EVERY
        self.from_first.append(self.first.sign(OWN, self.instant))
        self.from_second.append(self.second.sign(OTHERS, self.instant))
        return self.told_first(self.from_second[-1]), self.told_second(self.from_first[-1])

    def told_first(self, datagram: bytes) -> PeerSign | None:
        return self.first.receive(datagram, SECOND, self.now)

    def told_second(self, datagram: bytes) -> PeerSign | None:
        return self.second.receive(datagram, FIRST, self.now)

    def meet(self, rounds: int = 4) -> None:
        """Both believe each other after so many rounds at most."""
        assert any(None not in self.round() for _ in range(rounds))


@pytest.fixture
def pair() -> Pair:
    made = Pair()
    made.meet()
    return made


def test_both_believe_each_other_within_three_rounds() -> None:
    pair = Pair()
    assert pair.round() == (None, None)
    pair.round()
    assert pair.round() == (OTHERS, OWN)


def test_a_sign_is_told_whole(pair: Pair) -> None:
    told = replace(OWN, trouble="disk full", leaving="service stopped", previous_end="killed", release="r1", fit=False)
    assert pair.told_second(pair.first.sign(told, pair.instant)) == told


def test_a_replay_is_useless(pair: Pair) -> None:
    for _ in range(3):
        pair.round()
    believed = pair.second.heard
    for old in pair.from_first:
        assert pair.told_second(old) is None
    assert pair.second.heard == believed
    assert pair.round() == (OTHERS, OWN)


def test_what_was_held_back_for_more_than_a_second_is_not_believed(pair: Pair) -> None:
    held = pair.first.sign(OWN, pair.instant)
    pair.now += FRESH + EVERY
    assert pair.told_second(held) is None
    pair.meet()


def test_what_waited_in_the_socket_of_a_frozen_node_is_not_believed_at_its_thaw(pair: Pair) -> None:
    waiting = []
    for _ in range(200):
        pair.now += EVERY
        waiting.append(pair.first.sign(OWN, pair.instant))
    heard = pair.second.heard
    assert heard is not None
    assert [told for told in map(pair.told_second, waiting) if told] == []
    assert pair.second.heard is heard
    pair.meet()


def test_signs_of_an_earlier_boot_are_not_believed_after_a_restart_of_either(pair: Pair) -> None:
    pair.second = pair.boot(FIRST)
    old = list(pair.from_first)
    assert [told for told in map(pair.told_second, old) if told] == []
    pair.now += FRESH
    pair.meet()
    pair.first = pair.boot(SECOND)
    pair.now += FRESH
    old = list(pair.from_first)
    assert [told for told in map(pair.told_second, old) if told] == []
    pair.meet()


def test_whoever_replays_an_old_boot_does_not_keep_a_restarted_one_from_being_heard(pair: Pair) -> None:
    old = list(pair.from_first)
    pair.first = pair.boot(SECOND)
    pair.now += FRESH
    for _ in range(20):
        pair.told_second(random.Random(1).choice(old))
        pair.meet()


def test_a_live_gatekeeper_is_heard_whatever_is_replayed_beside_it(pair: Pair) -> None:
    earlier = list(pair.from_first)
    pair.first = pair.boot(SECOND)
    pair.now += FRESH
    pair.meet()
    for old in itertools.islice(itertools.cycle(earlier), 100):
        assert pair.told_second(old) is None
        assert pair.round() == (OTHERS, OWN)


def test_ones_own_sign_sent_back_is_not_the_others(pair: Pair) -> None:
    pair.first.sign(OWN, pair.instant)
    assert pair.told_first(pair.first.sign(OWN, pair.instant)) is None


def test_only_the_configured_address_is_listened_to(pair: Pair) -> None:
    datagram = pair.first.sign(OWN, pair.instant)
    assert pair.second.receive(datagram, (FIRST[0], 1720), pair.now) is None
    assert pair.second.receive(datagram, ("192.0.2.99", 1719), pair.now) is None
    assert pair.told_second(datagram) == OWN


def test_another_key_another_zone_and_a_changed_octet_are_not_believed(pair: Pair) -> None:
    stamp = Stamp("00" * 8, 2**40, None, 0)
    forger = PeerWatch(IDENTIFIER, PrivateKey.from_private_bytes(bytes(32)), SECOND, randomness(99))
    assert pair.told_second(forger.sign(OWN, pair.instant)) is None
    neighbour = PeerWatch("another-zone", KEY, SECOND, randomness(99))
    assert pair.told_second(neighbour.sign(OWN, pair.instant)) is None
    assert pair.second.refused == 2
    good = pair.first.sign(OWN, pair.instant)
    assert pair.told_second(good.replace(b'"active":true', b'"active":null')) is None
    assert pair.told_second(good.replace(b'"epoch":7', b'"epoch":8')) is None
    assert pair.told_second(encode(message(stamp, OWN))) is None
    assert pair.told_second(good) == OWN


def test_a_flood_of_forgeries_costs_few_signature_checks(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    monkeypatch.setattr("gatekeeper.failover.peer_watch.verify", lambda *_: checked.append(1))
    forger = PeerWatch(IDENTIFIER, PrivateKey.from_private_bytes(bytes(32)), SECOND, randomness(99))
    for _ in range(1_000):
        pair.told_second(forger.sign(OWN, pair.instant))
    assert len(checked) <= 20


def test_what_is_too_long_is_not_even_read(pair: Pair) -> None:
    datagram = pair.first.sign(OWN, pair.instant)
    assert pair.told_second(datagram + bytes(LARGEST)) is None
    assert pair.second.refused == 1


def test_the_largest_sign_fits() -> None:
    awkward = '"\\\x00\U0001f600ä' * 100
    pair = Pair()
    longest = PeerSign(
        "g" * 63, "secondary", 2**53 - 1, False, False, awkward, False, {}, awkward, awkward, awkward, 2**53 - 1
    )
    longest = replace(longest, witness_records={"h323_ras": 2**53 - 1, "failover": 2**53 - 1}, successor="g" * 63)
    longest = replace(longest, answered_epoch=2**53 - 1, answered_ms_ago=2**53 - 1)
    datagram = pair.first.sign(longest, pair.instant)
    assert len(datagram) <= LARGEST
    pair.told_second(datagram)
    assert pair.second.refused == 0


@given(st.binary(max_size=LARGEST))
def test_no_octets_raise(octets: bytes) -> None:
    assert Pair().told_second(octets) is None


def content(sign_of_life: PeerSign) -> dict[str, object]:
    """The JSON object of a sign."""
    fields: dict[str, object] = json.loads(message(Stamp("00" * 8, 1), sign_of_life).non_standard_data.data)
    return fields


ODD = (None, True, 7, -1, 2**53, 0.5, float("nan"), "yes", "long" * 100, [], {}, {"h323_ras": -1}, {"a": {}})
NUMBERS_OR_NULL = {"unix_ms", "answered_epoch", "answered_ms_ago"}
MAY_BE_NULL = {"heard_boot", "trouble", "leaving", "successor", "previous_end", "release"}


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("name", content(OWN))
def test_a_member_is_what_it_should_be_or_the_sign_is_none(name: str, value: object) -> None:
    data = json.dumps({**content(OWN), name: value}).encode()
    parameter = NonStandardParameter(non_standard_identifier=("object", OBJECT), data=data)
    received = NonStandardMessage(request_seq_num=1, non_standard_data=parameter)
    good = content(OWN)[name]
    same = type(value) is type(good) and value not in (-1, 2**53, "long" * 100, {"h323_ras": -1}, {"a": {}})
    same = same or (name in MAY_BE_NULL and value in (None, "yes")) or (name in NUMBERS_OR_NULL and value is None)
    if same:
        read(received)
    else:
        with pytest.raises(SignError):
            read(received)


def test_members_of_later_releases_are_passed_over() -> None:
    data = json.dumps({**content(OWN), "mood": "good"}).encode()
    parameter = NonStandardParameter(non_standard_identifier=("object", OBJECT), data=data)
    assert read(NonStandardMessage(request_seq_num=1, non_standard_data=parameter))[1] == OWN


@pytest.mark.parametrize("data", [b"[" * 1_400, b"\xff", b"{}", b"[]", b'{"count": 1e999}', b" " * 1_401])
def test_hostile_content(data: bytes) -> None:
    parameter = NonStandardParameter(non_standard_identifier=("object", OBJECT), data=data)
    with pytest.raises(SignError):
        read(NonStandardMessage(request_seq_num=1, non_standard_data=parameter))
