"""Octets from anybody: nothing raises, nothing is admitted, nothing fills up."""

from __future__ import annotations

import random

from gatekeeper.core import Observe
from h323.ras import encode

from .zone import Terminal, Zone


def test_10_000_random_and_mutated_datagrams_admit_nobody() -> None:
    zone = Zone()
    alice = Terminal(zone, "alice")
    alice.register()
    good = [alice.signed(alice.admission(call)) for call in range(100)]
    chance = random.Random(20)
    for number in range(10_000):
        if number % 2:
            octets = chance.randbytes(chance.randrange(0, 600))
        else:
            mutated = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 4)):
                mutated[chance.randrange(len(mutated))] ^= chance.randrange(1, 256)
            octets = bytes(mutated)
        zone.settle(zone.gatekeeper.receive(octets, ("198.51.100.1", 40_000), zone.now))
    assert zone.gatekeeper.calls == 0
    assert zone.gatekeeper.registrations == 1


def test_a_flood_of_refusals_is_summed_up_in_one_record() -> None:
    zone = Zone()
    alice = Terminal(zone, "alice")
    answered = [zone.exchange(encode(alice.admission(call)), alice.source) for call in range(80)]
    assert sum(answer is not None for answer in answered) == 50
    assert zone.observed.count(Observe("ARQ", "dropped")) == 30
    zone.wait(11)
    flood = zone.store.records()[-1]
    assert (flood["msg_type"], flood["requests"], flood["source"]) == ("FLOOD", 30, "192.0.2.101")


def test_what_is_too_large_is_not_even_parsed() -> None:
    zone = Zone()
    zone.settle(zone.gatekeeper.receive(bytes(5_000), ("198.51.100.1", 1719), zone.now))
    assert zone.observed == [Observe("unknown", "too_large")]


def test_answers_are_forgotten_when_their_request_cannot_come_again() -> None:
    zone = Zone()
    alice = Terminal(zone, "alice")
    alice.register()
    zone.wait(60)
    assert len(zone.store.answers) == 1
    zone.wait(2)
    assert not zone.store.answers
