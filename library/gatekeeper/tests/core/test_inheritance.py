"""A term that begins with what a standby was told is the same as one that begins with what the store has."""

from __future__ import annotations

from gatekeeper.core import Gatekeeper, Inheritance
from gatekeeper.store import Batch, Change, Snapshot, Term
from h323.council import RefusalName
from h323.ras import AdmissionConfirm, DisengageConfirm, RegistrationConfirm, UnregistrationConfirm

from .test_state_machine import picture
from .zone import IDENTIFIER, MemoryStore, Terminal, Zone, private_key, refusal_of


class FollowedStore(MemoryStore):
    """Tells a standby of every commit."""

    def __init__(self) -> None:
        super().__init__()
        self.standby = Inheritance()
        self.chunks: dict[str, list[bytes]] = {}

    def commit(self, batch: Batch) -> None:
        before = {kept.octets for kept in self.answers}
        super().commit(batch)
        self.standby.change(batch.changes)
        if batch.answers:
            self.chunks[str(len(before))] = [kept.octets for kept in batch.answers]
            self.standby.keep(str(len(before)), tuple(kept.octets for kept in batch.answers))
        left = {kept.octets for kept in self.answers}
        for name, chunk in tuple(self.chunks.items()):
            if not left & set(chunk):
                del self.chunks[name]
                self.standby.keep(name, ())


class FollowedZone(Zone):
    """Fails over to the standby."""

    def fail_over(self) -> None:
        if not isinstance(self.store, FollowedStore):
            self.store = FollowedStore()
        snapshot = self.store.take_over(self.now.unix)
        read, told = Inheritance.of(snapshot), self.store.standby
        assert picture(told.state) == picture(read.state)
        assert sorted(told.answers) == sorted(read.answers)
        key = private_key(IDENTIFIER)
        self.gatekeeper = Gatekeeper(self.settings, self.registry, key, snapshot, self.now, self.random_bytes, told)
        self.store.standby = Inheritance.of(snapshot)
        self.store.chunks = {str(n): [octets] for n, octets in enumerate(snapshot.answers)}
        for name, (octets,) in self.store.chunks.items():
            self.store.standby.keep(name, (octets,))


def test_what_was_answered_is_answered_alike_and_nothing_is_accepted_twice() -> None:
    zone = FollowedZone()
    alice, bob = Terminal(zone, "alice"), Terminal(zone, "bob", 102)
    alice.register()
    bob.register()
    admission = alice.signed(alice.admission())
    answer = zone.exchange_octets(admission, alice.source)
    zone.fail_over()
    assert zone.exchange_octets(admission, alice.source) == answer
    assert zone.gatekeeper.registrations == 2
    assert zone.gatekeeper.calls == 1
    # From elsewhere it is a replay, of which only the store's answers tell.
    assert refusal_of(zone.exchange(admission, ("192.0.2.199", 1719))) is RefusalName.INVALID_SIGNATURE
    assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
    assert isinstance(alice.ask(alice.disengagement()), DisengageConfirm)
    assert isinstance(bob.ask(bob.unregistration()), UnregistrationConfirm)
    zone.fail_over()
    assert zone.gatekeeper.registrations == 1
    assert zone.gatekeeper.calls == 0
    assert isinstance(alice.ask(alice.admission(2)), AdmissionConfirm)


def test_answers_are_forgotten_by_the_standby_too() -> None:
    zone = FollowedZone()
    alice = Terminal(zone, "alice")
    alice.register()
    store = zone.store
    assert isinstance(store, FollowedStore)
    assert len(list(store.standby.answers)) == 1
    for _ in range(3):
        alice.ask(alice.registration(keep_alive=True))
        zone.wait(25)
    assert not list(store.standby.answers)
    zone.fail_over()
    assert isinstance(alice.ask(alice.admission()), AdmissionConfirm)


def test_everybody_gets_a_full_time_to_live_and_calls_count_as_reported_at_the_takeover() -> None:
    zone = FollowedZone()
    alice = Terminal(zone, "alice")
    alice.register()
    assert isinstance(alice.ask(alice.admission()), AdmissionConfirm)
    zone.wait(59)
    zone.fail_over()
    zone.wait(59)
    assert zone.gatekeeper.registrations == 1
    assert zone.gatekeeper.calls == 1


def test_a_snapshot_is_taken_in_by_steps() -> None:
    items = {f"almost-out/{number:05d}": b"" for number in range(1_300)}
    inheritance = Inheritance()
    steps = inheritance.take(Snapshot(Term(1, "gk1", 0.0, 0.0), None, items, {}))
    sizes = [len(inheritance.state.almost_out) for _ in steps]
    assert sizes == [500, 1_000, 1_300]
    inheritance.change((Change("almost-out/00007", None), Change("something/new", b"")))
    assert len(inheritance.state.almost_out) == 1_299
    inheritance.restart()
    assert not inheritance.state.almost_out
