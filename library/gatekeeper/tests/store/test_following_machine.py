"""Whatever happens to the watch, a take-over gives exactly what a read of everything at its revision gives."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from gatekeeper.store import Batch, Change, KeptAnswer, Record, Snapshot
from gatekeeper.store.etcd import EtcdStore
from gatekeeper.store.mirror import Mirror
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from .etcd_cluster import EtcdCluster
from .link import Link

DEADLINE = 30.0
KEYS = st.sampled_from([f"registration/{number}" for number in range(6)])
CHANGES = st.dictionaries(KEYS, st.one_of(st.none(), st.binary(max_size=3)), max_size=4)
ResultT = TypeVar("ResultT")


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; the deadline ends it otherwise."""
    for _ in itertools.count():
        if condition():
            return
        await asyncio.sleep(0.001)


class Told:
    """A follower that writes down what it is told."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.items: dict[str, bytes] = {}
        self.chunks: dict[str, tuple[bytes, ...]] = {}

    def change(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.value is None:
                self.items.pop(change.key, None)
            else:
                self.items[change.key] = change.value

    def keep(self, name: str, answers: tuple[bytes, ...]) -> None:
        if answers:
            self.chunks[name] = answers
        else:
            self.chunks.pop(name, None)

    @property
    def answers(self) -> tuple[bytes, ...]:
        return tuple(answer for _, chunk in sorted(self.chunks.items()) for answer in chunk)


class Node:
    """A store behind a link that can be cut, and its following."""

    def __init__(self, name: str, cluster: EtcdCluster) -> None:
        self.name = name
        self.link = Link(cluster.client_ports[0])
        self.tls = cluster.tls
        self.told = Told()
        self.following: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self.link.open()
        self.store = EtcdStore((self.link.endpoint,), self.tls)
        await self.store.open()

    async def close(self) -> None:
        await self.stop_following()
        await self.store.close()
        await self.link.close()

    def follow(self) -> None:
        self.told = Told()
        self.following = asyncio.ensure_future(self.store.follow(self.told))

    async def stop_following(self) -> None:
        task, self.following = self.following, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def take_over(self, unix: float) -> Snapshot:
        snapshot = await self.store.take_over(self.name, unix)
        await self.stop_following()
        return snapshot


def revision_of(cluster: EtcdCluster, key: str) -> str:
    """When the key was last put."""
    pairs = cluster.ask(0, "/v3/kv/range", {"key": base64.b64encode(key.encode()).decode()})["kvs"]
    assert isinstance(pairs, list)
    return str(pairs[0]["mod_revision"])


class Following(RuleBasedStateMachine):
    """Two nodes in turn in office; the other one follows, more or less."""

    cluster: EtcdCluster
    warm = 0

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.nodes = [Node(name, self.cluster) for name in ("gk1", "gk2")]
        self.unix = 1_000.0
        self.epoch = 0
        self.sizes: dict[str, int] = {}
        self.items: dict[str, bytes] = {}

    def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, DEADLINE))

    @property
    def active(self) -> Node:
        return self.nodes[0]

    @property
    def standby(self) -> Node:
        return self.nodes[1]

    def teardown(self) -> None:
        async def close() -> None:
            for node in self.nodes:
                await node.close()

        self.run(close())
        self.run(asyncio.sleep(0))
        self.loop.close()

    @initialize()
    def begin(self) -> None:
        async def opened() -> None:
            for node in self.nodes:
                await node.open()
            self.standby.follow()
            await self.active.take_over(self.unix)

        self.cluster.clear()
        self.run(opened())
        self.epoch = 1

    @rule(changes=CHANGES, records=st.integers(0, 2), answers=st.integers(0, 2), forget=st.booleans())
    def commit(self, changes: dict[str, bytes | None], records: int, answers: int, forget: bool) -> None:
        self.unix += 1
        first = self.sizes.get("h323_ras", 0)
        batch = Batch(
            tuple(Change(key, value) for key, value in changes.items()),
            tuple(Record("h323_ras", first + number, b"{}") for number in range(records)),
            tuple(KeptAnswer(self.unix + 1 + number, b"%d" % self.unix) for number in range(answers)),
            self.unix if forget else None,
        )
        self.run(self.active.store.commit(self.epoch, batch))
        event(f"changes {len(changes)}, forgets {forget}")
        for key, value in changes.items():
            if value is None:
                self.items.pop(key, None)
            else:
                self.items[key] = value
        if records:
            self.sizes["h323_ras"] = first + records

    @rule()
    def confirm(self) -> None:
        self.unix += 1
        self.run(self.active.store.confirm(self.epoch, self.unix))

    @rule(node=st.sampled_from([0, 1]))
    def acknowledge(self, node: int) -> None:
        self.run(self.nodes[node].store.acknowledge(f"gk{node}", "h323_ras", self.sizes.get("h323_ras", 0)))

    @rule()
    def compact(self) -> None:
        revision = self.run(self.active.store._gateway.ask("/v3/kv/range", {"key": "AA=="}))["header"]["revision"]
        self.cluster.ask(0, "/v3/kv/compaction", {"revision": revision})

    @rule()
    def cut_the_watch(self) -> None:
        self.standby.link.cut()
        self.run(asyncio.sleep(0))

    @rule(turns=st.integers(1, 30))
    def let_it_follow(self, turns: int) -> None:
        async def several() -> None:
            for _ in range(turns):
                await asyncio.sleep(0.001)

        self.run(several())

    @rule()
    def let_it_catch_up(self) -> None:
        async def caught_up() -> None:
            await until(lambda: store._mirror is not None and store._mirror.revision >= revision)

        store, revision = self.standby.store, int(revision_of(self.cluster, "commit"))
        if self.standby.following is not None:
            self.run(caught_up())

    @rule()
    def kill_the_follower(self) -> None:
        self.run(self.standby.stop_following())
        self.run(self._follow())

    async def _follow(self) -> None:
        self.standby.follow()

    @rule(follows=st.booleans())
    def take_over(self, follows: bool) -> None:
        self.unix += 1
        node = self.standby
        if not follows:
            self.run(node.stop_following())
        snapshot = self.run(node.take_over(self.unix))
        event(f"followed: {snapshot.followed}")
        self.epoch += 1
        self.nodes.reverse()
        read = Mirror()
        self.run(self.standby.store._fill(read, revision_of(self.cluster, "epoch")))
        whole = replace(snapshot, items=read.items, sizes=read.sizes, answers=read.answers)
        assert snapshot == whole
        assert snapshot.items == self.items
        assert snapshot.sizes == self.sizes
        assert snapshot.term.epoch == self.epoch
        if snapshot.followed:
            type(self).warm += 1
            assert node.told.items == read.items
            assert node.told.answers == read.answers
        self.run(self._follow())


def test_a_take_over_gives_what_a_read_of_everything_gives(one_member: EtcdCluster) -> None:
    Following.cluster = one_member
    Following.warm = 0
    run_state_machine_as_test(
        Following,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            # Each example takes a second: to shrink one that fails takes minutes.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Following.warm > 0
