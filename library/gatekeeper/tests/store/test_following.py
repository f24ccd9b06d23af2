"""A standby that follows by a watch knows what a take-over would read, and when the other node was last heard of."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable

from gatekeeper.store import Batch, Change, Record
from gatekeeper.store.etcd import EtcdStore
from gatekeeper.store.mirror import Mirror

from .etcd_cluster import EtcdCluster

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
