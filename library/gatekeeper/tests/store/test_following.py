"""A standby that follows by a watch knows what a take-over would read, and when the other node was last heard of."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable

import pytest
from gatekeeper.store import Batch, Change, Record, gateway
from gatekeeper.store.etcd import EtcdStore
from gatekeeper.store.mirror import Mirror

from .etcd_cluster import EtcdCluster
from .link import LossyLink

DEADLINE = 20.0


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; the test's deadline ends it otherwise."""
    for _ in itertools.count():
        if condition():
            return
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def opened(cluster: EtcdCluster) -> AsyncIterator[EtcdStore]:
    store = EtcdStore(cluster.endpoints, cluster.tls)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def following(store: EtcdStore) -> AsyncIterator[Mirror]:
    task = asyncio.ensure_future(store.follow())
    try:
        await until(lambda: store._mirror is not None and store._mirror.revision > 0 and not store._mirror.ended)
        assert store._mirror is not None
        yield store._mirror
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_another_nodes_commits_and_signs_of_life_are_seen_and_ones_own_are_not(one_member: EtcdCluster) -> None:
    async def scenario() -> None:
        one_member.clear()
        async with opened(one_member) as active, opened(one_member) as standby:
            async with following(standby):
                assert standby.last_commit_seen == float("-inf")
                await active.take_over("gk1", 100.0)
                await until(lambda: standby.last_commit_seen > float("-inf"))
                for act in (
                    active.commit(1, Batch((Change("a", b"1"),), (Record("h323_ras", 0, b"{}"),))),
                    active.confirm(1, 101.0),
                ):
                    before = time.monotonic()
                    await act
                    await until(lambda before=before: standby.last_commit_seen >= before)
                seen = standby.last_commit_seen
                assert (await standby.take_over("gk2", 102.0)).followed
            async with following(standby) as mirror:
                await standby.commit(2, Batch((Change("b", b"1"),), ()))
                await standby.confirm(2, 103.0)
                await standby.commit(2, Batch((Change("c", b"1"),), ()))
                await until(lambda: "c" in mirror.items)
                assert standby.last_commit_seen == seen
                await active.take_over("gk1", 104.0)
                await until(lambda: standby.last_commit_seen > seen)

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE))


def test_a_watch_goes_where_it_is_asked_first_once_that_answers_again(
    one_member: EtcdCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left where a cut had driven it, a watch was lost together with the other host, and all was read anew."""
    monkeypatch.setattr(gateway, "_TRY_PREFERRED", 0.0)

    async def scenario() -> None:
        one_member.clear()
        link = LossyLink(one_member.client_ports[0])
        await link.open()
        standby = EtcdStore((link.endpoint, *one_member.endpoints), one_member.tls)
        await standby.open()
        async with opened(one_member) as active:
            await active.take_over("gk1", 100.0)
            standby._gateway.start_over(*one_member.endpoints)
            watch = standby._gateway.watch(gateway.key_range("commit"), 1, 5.0)
            assert (await anext(watch))["created"]
            assert standby._gateway._endpoints[0] != link.endpoint
            while standby._gateway._endpoints[0] != link.endpoint:
                await standby.term()
            await active.commit(1, Batch((Change("a", b"1"),), ()))
            assert [answer async for answer in watch] == []
            async with following(standby) as mirror:
                await active.commit(1, Batch((Change("b", b"1"),), ()))
                await until(lambda: {"a", "b"} <= set(mirror.items))
        await standby.close()
        await link.close()

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE))
