"""What a node concludes from the signs of the other one: who was in office when, who left, who is back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from gatekeeper.core import Address, CoreSettings
from gatekeeper.failover.last_answer import LastAnswer
from gatekeeper.failover.peer import EVERY, Peer, Return
from gatekeeper.failover.peer_watch import FRESH
from gatekeeper.failover.sign_of_life import PeerSign
from h323.h235 import PrivateKey

KEY = PrivateKey.from_private_bytes(bytes(range(32)))
ADDRESSES: dict[str, Address] = {"gk1": ("192.0.2.11", 1719), "gk2": ("192.0.2.12", 1719)}


class Zone:
    """Two nodes whose datagrams arrive at once, and a clock that both see."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.unix = 100.0, 1_800_000_000.0
        clock = SimpleNamespace(monotonic=lambda: self.now, time=lambda: self.unix)
        monkeypatch.setattr("gatekeeper.failover.peer.time", clock)
        self.active = "gk1"
        self.returned: list[Return] = []
        self.answers: dict[str, LastAnswer] = {}
        self.peers: dict[str, Peer] = {}
        self.boot("gk1")
        self.boot("gk2")

    def boot(self, node: str) -> None:
        other = "gk2" if node == "gk1" else "gk1"
        settings = CoreSettings(node, "guardian-council", ADDRESSES[node], alternates=(ADDRESSES[other],))

        def send(datagram: bytes, _address: Address) -> None:
            if other in self.peers:
                self.peers[other].receive(datagram, ADDRESSES[node])

        def describe() -> PeerSign:
            answered = self.answers.get(node)
            return PeerSign(
                node,
                "primary",
                7,
                self.active == node,
                True,
                None,
                True,
                unix_ms=int(self.unix * 1_000),
                answered_epoch=answered.epoch if answered else None,
                answered_ms_ago=answered.ms_ago(self.now) if answered else None,
            )

        self.peers[node] = Peer(settings, KEY, describe, send, self.returned.append)

    def live(self, seconds: float, *nodes: str) -> None:
        """These nodes, or both, give signs of life for so long."""
        for _ in range(round(seconds / EVERY)):
            self.now += EVERY
            for node in nodes or tuple(self.peers):
                self.peers[node].tell()


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Zone:
    made = Zone(monkeypatch)
    made.live(0.2)
    return made


def test_a_sign_tells_the_time_there_as_what_is_between_it_and_the_own_monotonic_clock(zone: Zone) -> None:
    zone.unix += 3_600.0
    zone.live(0.02, "gk1")
    told = zone.peers["gk2"].time
    assert told is not None
    assert (told.name, told.at) == ("gk1", zone.now)
    assert told.offset + zone.now == pytest.approx(zone.unix)
    zone.now += 1.1
    assert zone.peers["gk2"].time is None


def test_a_sign_counts_for_a_second(zone: Zone) -> None:
    sign = zone.peers["gk2"].sign
    assert sign is not None
    assert (sign.node, sign.active) == ("gk1", True)
    heard_at = zone.now
    zone.live(FRESH, "gk2")
    assert zone.peers["gk2"].sign is not None
    zone.live(2 * EVERY, "gk2")
    assert zone.peers["gk2"].sign is None
    assert zone.peers["gk2"].last_active_at == heard_at


def test_both_start_and_nobody_is_said_to_be_back(zone: Zone) -> None:
    assert zone.returned == []


def test_a_node_that_was_silent_is_back(zone: Zone) -> None:
    zone.live(2.0, "gk2")
    zone.live(0.2)
    (returned,) = [one for one in zone.returned if one.sign.node == "gk1"]
    assert not returned.restarted
    assert returned.silent == pytest.approx(2.0, abs=0.1)


def test_a_node_that_is_started_anew_within_a_second_is_back_too(zone: Zone) -> None:
    zone.live(0.5, "gk2")
    zone.boot("gk1")
    zone.live(0.3)
    (returned,) = [one for one in zone.returned if one.sign.node == "gk1"]
    assert returned.restarted


def test_why_a_node_left_is_known_until_it_is_in_office_again(zone: Zone) -> None:
    zone.peers["gk1"].leave("service stopped")
    assert zone.peers["gk2"].left("gk1") == "service stopped"
    assert not zone.peers["gk2"].has_left("gk1", 7)
    zone.active = "gk2"
    zone.live(EVERY)
    assert zone.peers["gk2"].has_left("gk1", 7)
    assert not zone.peers["gk2"].has_left("gk1", 8)
    assert zone.peers["gk2"].lets_go
    zone.live(10.0)
    assert not zone.peers["gk2"].lets_go
    assert zone.peers["gk2"].left("gk1") == "service stopped"
    assert not zone.peers["gk2"].has_left("gk1", 7)
    zone.active = "gk1"
    zone.live(EVERY)
    assert zone.peers["gk2"].left("gk1") is None


def test_a_node_tells_when_it_answered_last_also_of_a_time_in_which_it_was_not_heard(zone: Zone) -> None:
    zone.answers["gk1"] = LastAnswer()
    zone.answers["gk1"].note(7, zone.now)
    zone.live(EVERY)
    heard_of = zone.now - EVERY
    assert zone.peers["gk2"].answered_at("gk1", 7) == pytest.approx(heard_of)
    zone.answers["gk1"].note(7, zone.now + 1.0)
    zone.live(2.0, "gk2")
    assert zone.peers["gk2"].answered_at("gk1", 7) == pytest.approx(heard_of), "gk1 was silent"
    zone.live(0.1)
    assert zone.peers["gk2"].answered_at("gk1", 7) == pytest.approx(heard_of + 1.0 + EVERY, abs=1e-3)
    assert zone.peers["gk2"].answered_at("gk1", 8) == float("-inf"), "another term"
    assert zone.peers["gk1"].answered_at("gk2", 7) == float("-inf"), "it has answered nobody"


def test_a_successor_is_named_until_office_is_left_or_kept(zone: Zone) -> None:
    def named() -> str | None:
        sign = zone.peers["gk2"].sign
        assert sign is not None
        return sign.successor

    zone.peers["gk1"].leave("new disk", successor="gk2")
    assert named() == "gk2"
    assert zone.peers["gk2"].left("gk1") == "new disk"
    assert not zone.peers["gk2"].has_left("gk1", 7), "it is still in office"
    assert not zone.peers["gk2"].lets_go
    zone.live(EVERY)
    assert named() == "gk2"
    zone.peers["gk1"].leave("new disk")
    assert named() is None
    zone.peers["gk1"].leave("and again", successor="gk2")
    zone.peers["gk1"].stay()
    zone.live(EVERY)
    assert named() is None


def test_a_node_by_itself_says_nothing() -> None:
    sent: list[bytes] = []
    settings = CoreSettings("gk1", "guardian-council", ADDRESSES["gk1"])
    own = PeerSign("gk1", "primary", 7, True, True, None, True)
    alone = Peer(settings, KEY, lambda: own, lambda datagram, _: sent.append(datagram))
    alone.leave("service stopped")
    assert (sent, alone.sign, alone.age) == ([], None, None)
