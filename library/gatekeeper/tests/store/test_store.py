"""What the gatekeeper asks of a store: the same tests for SQLite and for a real etcd."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from gatekeeper.store import Batch, Change, Fenced, KeptAnswer, Record, Store, Term
from gatekeeper.store.etcd import EtcdStore
from gatekeeper.store.sqlite import SqliteStore
from gatekeeper.store.trimming import TWO_REPLICAS, Trimming

from .etcd_cluster import EtcdCluster

STREAM = "h323_ras"
DEADLINE = 20.0

MakeStore = Callable[..., Store]
Scenario = Callable[..., Awaitable[None]]


@pytest.fixture(params=["sqlite", "etcd"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes a node's store; all of a test share one database or cluster."""
    if request.param == "sqlite":
        return lambda trimming=TWO_REPLICAS: SqliteStore(tmp_path / "state.sqlite", trimming)
    cluster: EtcdCluster = request.getfixturevalue("one_member")
    cluster.clear()
    return lambda trimming=TWO_REPLICAS: EtcdStore(cluster.endpoints, cluster.tls, trimming)


def run(make_store: MakeStore, scenario: Scenario, nodes: int = 1) -> None:
    """Run a scenario with the stores of so many nodes."""

    async def with_stores() -> None:
        stores = [make_store() for _ in range(nodes)]
        for store in stores:
            await store.open()
        try:
            await asyncio.wait_for(scenario(*stores), DEADLINE)
        finally:
            for store in stores:
                await store.close()

    asyncio.run(with_stores())


def records(start: int, count: int = 1, stream: str = STREAM) -> tuple[Record, ...]:
    return tuple(Record(stream, i, b'{"index": %d}' % i) for i in range(start, start + count))


def put(**values: bytes | None) -> tuple[Change, ...]:
    return tuple(Change(key, value) for key, value in values.items())


def test_the_first_term_begins_with_nothing(make_store: MakeStore) -> None:
    async def scenario(store: Store) -> None:
        assert await store.term() is None
        snapshot = await store.take_over("gk1", 100.5)
        assert snapshot.term == Term(1, "gk1", 100.5, 100.5)
        assert snapshot.previous is None
        assert snapshot.items == {}
        assert snapshot.sizes == {}
        assert await store.term() == snapshot.term

    run(make_store, scenario)


def test_the_next_term_finds_all_that_was_committed(make_store: MakeStore) -> None:
    async def scenario(old: Store, new: Store) -> None:
        await old.take_over("gk1", 100.0)
        await old.commit(1, Batch(put(a=b"1", b=b"2", c=bytes(range(256))), records(0, 2)))
        await old.commit(1, Batch(put(a=b"3", b=None), records(2) + records(0, 1, "failover")))
        await old.confirm(1, 107.25)
        snapshot = await new.take_over("gk2", 108.0)
        assert snapshot.term == Term(2, "gk2", 108.0, 108.0)
        assert snapshot.previous == Term(1, "gk1", 100.0, 107.25)
        assert snapshot.items == {"a": b"3", "c": bytes(range(256))}
        assert snapshot.sizes == {STREAM: 3, "failover": 1}

    run(make_store, scenario, nodes=2)


def test_whoever_was_overthrown_can_do_nothing_more(make_store: MakeStore) -> None:
    async def scenario(old: Store, new: Store) -> None:
        await old.take_over("gk1", 100.0)
        await old.commit(1, Batch(put(a=b"1"), records(0)))
        await new.take_over("gk2", 101.0)
        with pytest.raises(Fenced):
            await old.commit(1, Batch(put(a=b"2"), records(1)))
        with pytest.raises(Fenced):
            await old.commit(1, Batch(put(a=b"2"), ()))
        with pytest.raises(Fenced):
            await old.confirm(1, 102.0)
        await new.commit(2, Batch(put(b=b"1"), records(1)))
        snapshot = await old.take_over("gk1", 103.0)
        assert snapshot.items == {"a": b"1", "b": b"1"}
        assert snapshot.previous == Term(2, "gk2", 101.0, 101.0)

    run(make_store, scenario, nodes=2)


@pytest.mark.parametrize("first", [0, 2])
def test_a_record_that_does_not_follow_the_last_one_changes_nothing(make_store: MakeStore, first: int) -> None:
    async def scenario(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        await store.commit(1, Batch(put(a=b"1"), records(0)))
        with pytest.raises(Fenced):
            await store.commit(1, Batch(put(a=b"2"), records(first)))
        snapshot = await store.take_over("gk1", 101.0)
        assert snapshot.items == {"a": b"1"}
        assert snapshot.sizes == {STREAM: 1}

    run(make_store, scenario)


def test_one_of_several_who_take_over_at_once_is_in_office(make_store: MakeStore) -> None:
    async def scenario(*stores: Store) -> None:
        snapshots = await asyncio.gather(*(store.take_over(f"gk{i}", 100.0 + i) for i, store in enumerate(stores)))
        assert sorted(snapshot.term.epoch for snapshot in snapshots) == [1, 2, 3, 4]
        outcomes = await asyncio.gather(
            *(
                store.commit(snapshot.term.epoch, Batch((), records(0)))
                for store, snapshot in zip(stores, snapshots, strict=True)
            ),
            return_exceptions=True,
        )
        good = [s.term.epoch for s, outcome in zip(snapshots, outcomes, strict=True) if outcome is None]
        assert good == [4]
        assert sum(isinstance(outcome, Fenced) for outcome in outcomes) == 3

    run(make_store, scenario, nodes=4)


@pytest.mark.parametrize("count", [200, 3_500])
def test_a_batch_of_any_length_is_one_transaction(make_store: MakeStore, count: int) -> None:
    async def scenario(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        items = {f"item {number:05d}": b"%d" % number for number in range(count)}
        await store.commit(1, Batch(put(**items), records(0, 100)))
        snapshot = await store.take_over("gk1", 101.0)
        assert snapshot.items == items
        assert snapshot.sizes == {STREAM: 100}
        await store.commit(2, Batch(put(**dict.fromkeys(items)), records(100)))
        assert (await store.take_over("gk1", 102.0)).items == {}

    run(make_store, scenario)


def test_a_state_larger_than_one_answer_is_read_in_whole(make_store: MakeStore) -> None:
    async def scenario(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        items = {f"registration/{number:05d}": bytes(1_000) for number in range(2_500)}
        keys = list(items)
        for start in range(0, len(keys), 1_100):
            await store.commit(1, Batch(tuple(Change(key, items[key]) for key in keys[start : start + 1_100]), ()))
        assert (await store.take_over("gk2", 101.0)).items == items

    run(make_store, scenario)


def test_the_outbox_is_read_from_any_place(make_store: MakeStore) -> None:
    async def scenario(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        await store.commit(1, Batch((), records(0, 12) + records(0, 1, "failover")))
        assert await store.records(STREAM, 0, 100) == list(records(0, 12))
        assert await store.records(STREAM, 9, 2) == list(records(9, 2))
        assert await store.records(STREAM, 12, 100) == []
        assert await store.records("failover", 0, 100) == list(records(0, 1, "failover"))

    run(make_store, scenario)


def test_a_reader_is_woken_by_the_record_it_waits_for(make_store: MakeStore) -> None:
    async def scenario(writer: Store, reader: Store) -> None:
        await writer.take_over("gk1", 100.0)
        waiting = asyncio.ensure_future(reader.wait_for_records(STREAM, 1))
        here = asyncio.ensure_future(writer.wait_for_records(STREAM, 0))
        await writer.commit(1, Batch(put(a=b"1"), records(0)))
        await here
        assert not waiting.done()
        await writer.commit(1, Batch((), records(1)))
        await waiting
        assert await reader.records(STREAM, 1, 10) == list(records(1))
        await reader.wait_for_records(STREAM, 1)

    run(make_store, scenario, nodes=2)


def test_what_every_node_has_leaves_the_outbox(make_store: MakeStore) -> None:
    async def scenario(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        await store.commit(1, Batch((), records(0, 3)))
        await store.commit(1, Batch((), records(3, 1)))
        await store.commit(1, Batch((), records(4, 2)))
        assert await store.acknowledge("gk1", STREAM, 5) == 6
        assert await store.records(STREAM, 0, 10) == list(records(0, 6))
        assert await store.acknowledge("gk2", STREAM, 2) == 4
        assert await store.records(STREAM, 2, 10) == list(records(2, 4))
        assert await store.acknowledge("gk2", STREAM, 3) == 3
        assert await store.records(STREAM, 0, 10) == list(records(3, 3))
        assert await store.acknowledge("gk2", STREAM, 6) == 1
        # What gk1 doesn't have stays, and the chunk that it is in.
        assert await store.records(STREAM, 0, 10) == list(records(4, 2))
        assert (await store.take_over("gk1", 101.0)).sizes == {STREAM: 6}

    run(make_store, scenario)


def test_what_is_left_is_read_from_the_first_record_on(make_store: MakeStore) -> None:
    async def scenario(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        for start in range(0, 60, 2):
            await store.commit(1, Batch((), records(start, 2)))
        await store.acknowledge("gk1", STREAM, 10)
        await store.acknowledge("gk2", STREAM, 10)
        assert await store.records(STREAM, 0, 1_000) == list(records(10, 50))
        assert await store.records(STREAM, 3, 45) == list(records(10, 45))

    run(make_store, scenario)


def test_a_replica_that_is_away_does_not_fill_the_outbox(make_store: MakeStore) -> None:
    async def scenario(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        for start in range(0, 12, 3):
            await store.commit(1, Batch((), records(start, 3)))
        assert await store.acknowledge("wit1", STREAM, 0) == 12
        await store.acknowledge("gk1", STREAM, 12)
        assert await store.records(STREAM, 0, 100) == list(records(0, 12))
        assert await store.acknowledge("gk2", STREAM, 11) == 4
        # The bound is 4 records here: the chunk that ends before record 6 may go, and the one with record 6 not.
        assert await store.records(STREAM, 0, 100) == list(records(6, 6))
        assert await store.size(STREAM) == 12
        assert await store.size("gateway") == 0

    run(lambda: make_store(Trimming(3, bound=4)), scenario)


def test_a_chunk_is_read_from_any_record_in_it(make_store: MakeStore) -> None:
    async def scenario(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        for start in range(0, 12, 4):
            await store.commit(1, Batch((), records(start, 4)))
        for start in range(13):
            assert await store.records(STREAM, start, 100) == list(records(start, 12 - start))
            assert await store.records(STREAM, start, 3) == list(records(start, min(3, 12 - start)))

    run(make_store, scenario)


def answers(*times: float) -> tuple[KeptAnswer, ...]:
    return tuple(KeptAnswer(time, b"%d\n\0" % time) for time in times)


def test_answers_are_kept_until_they_are_forgotten(make_store: MakeStore) -> None:
    async def scenario(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        await store.commit(1, Batch((), (), answers(160.5, 161.25)))
        await store.commit(1, Batch(put(a=b"1"), records(0), answers(161.251), forget=100.0))
        await store.commit(1, Batch((), (), answers(163.0), forget=161.0))
        everything = [answer.octets for answer in answers(160.5, 161.25, 161.251, 163.0)]
        assert list((await store.take_over("gk2", 101.0)).answers) == everything
        await store.commit(2, Batch((), (), answers(161.2515), forget=161.2511))
        await store.commit(2, Batch((), (), forget=162.0))
        snapshot = await store.take_over("gk1", 102.0)
        assert list(snapshot.answers) == everything[3:]
        assert snapshot.items == {"a": b"1"}

    run(make_store, scenario)


def test_what_was_committed_is_there_after_reopening(make_store: MakeStore) -> None:
    async def write(store: Store) -> None:
        await store.take_over("gk1", 100.0)
        await store.commit(1, Batch(put(a=b"1"), records(0)))

    async def read(store: Store) -> None:
        assert await store.records(STREAM, 0, 10) == list(records(0))
        assert (await store.take_over("gk1", 101.0)).items == {"a": b"1"}

    run(make_store, write)
    run(make_store, read)
