"""What only etcd can get wrong: answers that are lost, members that die."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from gatekeeper.store import Batch, Change, Record, Snapshot, StoreError, StoreUnavailable, gateway
from gatekeeper.store.etcd import EtcdStore
from witness.service.settings import SettingsError, Tls

from .etcd_cluster import HOST, EtcdCluster, etcd_cluster, free_ports, make_certificates
from .link import LossyLink

DEADLINE = 60.0


@contextlib.asynccontextmanager
async def behind_a_lossy_link(cluster: EtcdCluster) -> AsyncIterator[tuple[EtcdStore, LossyLink]]:
    link = LossyLink(cluster.client_ports[0])
    await link.open()
    store = EtcdStore((link.endpoint,), cluster.tls)
    await store.open()
    try:
        yield store, link
    finally:
        await store.close()
        await link.close()


def test_a_commit_whose_answer_is_lost_is_written_once(one_member: EtcdCluster) -> None:
    async def scenario() -> Snapshot:
        one_member.clear()
        async with behind_a_lossy_link(one_member) as (store, link):
            await store.take_over("gk1", 100.0)
            for number in range(3):
                link.lose_next_answer()
                changes = (Change(f"item {number}", b"there"),)
                records = (Record("h323_ras", number, b"{}"),) if number != 1 else ()
                batch = Batch(changes, tuple(Record(r.stream, number and 1, r.line) for r in records))
                await store.commit(1, batch)
                assert link.lost == number + 1
            return await store.take_over("gk1", 101.0)

    snapshot = asyncio.run(asyncio.wait_for(scenario(), DEADLINE))
    assert set(snapshot.items) == {"item 0", "item 1", "item 2"}
    assert snapshot.sizes == {"h323_ras": 2}


def test_an_office_whose_answer_is_lost_is_taken_once(one_member: EtcdCluster) -> None:
    async def scenario() -> tuple[Snapshot, Snapshot]:
        one_member.clear()
        async with behind_a_lossy_link(one_member) as (store, link):
            first = await store.take_over("gk1", 100.0)
            await store.commit(1, Batch((Change("a", b"1"),), ()))
            link.lose_next_answer()
            return first, await store.take_over("gk2", 101.0)

    first, second = asyncio.run(asyncio.wait_for(scenario(), DEADLINE))
    assert second.term.epoch == 2
    assert second.previous == first.term
    assert second.items == {"a": b"1"}


def test_a_member_on_another_host_tells_the_time(one_member: EtcdCluster) -> None:
    async def scenario() -> tuple[tuple[str, float] | None, ...]:
        store = EtcdStore(one_member.endpoints, one_member.tls)
        await store.open()
        try:
            elsewhere = await store.time_elsewhere(set())
            near = await store.time_elsewhere({HOST})
            # The store isn't on the other gatekeeper's host: whose clock it tells isn't sure.
            unsure = await store.time_elsewhere({"192.0.2.12"})
        finally:
            await store.close()
        return elsewhere, near, unsure

    before = time.time()
    elsewhere, near, unsure = asyncio.run(asyncio.wait_for(scenario(), DEADLINE))
    assert elsewhere is not None
    assert elsewhere[0] == HOST
    assert before - 0.6 <= elsewhere[1] <= time.time() + 0.6
    assert (near, unsure) == (None, None)


def test_without_a_member_nobody_tells_the_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = EtcdStore((f"https://{HOST}:{free_ports(1)[0]}",), make_certificates(tmp_path))
        await store.open()
        try:
            with pytest.raises(StoreUnavailable):
                await store.time_elsewhere(set())
        finally:
            await store.close()

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE))


def test_a_batch_that_etcd_refuses_is_not_asked_for_again(one_member: EtcdCluster) -> None:
    async def scenario() -> Snapshot:
        one_member.clear()
        store = EtcdStore(one_member.endpoints, one_member.tls)
        await store.open()
        await store.take_over("gk1", 100.0)
        with pytest.raises(StoreError, match="too large") as raised:
            await store.commit(1, Batch((Change("a", bytes(2_000_000)),), ()))
        assert not isinstance(raised.value, StoreUnavailable)
        await store.commit(1, Batch((Change("b", b"1"),), ()))
        snapshot = await store.take_over("gk1", 101.0)
        await store.close()
        return snapshot

    assert asyncio.run(asyncio.wait_for(scenario(), DEADLINE)).items == {"b": b"1"}


def test_nobody_there_is_said_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = EtcdStore(tuple(f"https://{HOST}:{port}" for port in free_ports(2)), make_certificates(tmp_path))
        await store.open()
        with pytest.raises(StoreUnavailable, match=f"etcd at https://{HOST}"):
            await store.term()
        await store.close()

    asyncio.run(scenario())


def test_without_its_certificate_a_node_gets_nothing(one_member: EtcdCluster, tmp_path: Path) -> None:
    async def scenario() -> None:
        stranger = make_certificates(tmp_path)
        store = EtcdStore(one_member.endpoints, Tls(one_member.tls.ca, stranger.certificate, stranger.private_key))
        await store.open()
        with pytest.raises(StoreUnavailable):
            await store.term()
        await store.close()

    asyncio.run(scenario())


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    nowhere = tmp_path / "host.pem"
    store = EtcdStore((f"https://{HOST}:1",), Tls(nowhere, nowhere, nowhere))
    with pytest.raises(SettingsError, match=r"host\.pem.* cannot be used"):
        asyncio.run(store.open())


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; the test's deadline ends it otherwise."""
    for _ in itertools.count():
        if condition():
            return
        await asyncio.sleep(0.01)


def open_sockets() -> int:
    """How many this process has."""
    return sum(descriptor.is_socket() for descriptor in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_commits_wait_out_the_loss_of_the_leader(tmp_path: Path, how: signal.Signals) -> None:
    """Killed or frozen, asked first or not: the commits under way are made, each once and in order."""

    async def scenario(cluster: EtcdCluster) -> Snapshot:
        before = open_sockets()
        leader = cluster.leader()
        store = EtcdStore((cluster.endpoints[leader], *cluster.endpoints), cluster.tls)
        await store.open()
        await store.take_over("gk1", 100.0)
        for number in range(20):
            if number == 10:
                cluster.processes[leader].send_signal(how)
            line = Record("h323_ras", number, b"%d" % number)
            await store.commit(1, Batch((Change(f"item {number:02d}", b""),), (line,)))
        assert [record.line for record in await store.records("h323_ras", 0, 100)] == [b"%d" % i for i in range(20)]
        snapshot = await store.take_over("gk1", 101.0)
        await store.close()
        # A frozen member doesn't say goodbye to the connections that were given up.
        cluster.stop()
        await until(lambda: open_sockets() <= before)
        return snapshot

    with etcd_cluster(tmp_path, members=3) as cluster:
        snapshot = asyncio.run(asyncio.wait_for(scenario(cluster), DEADLINE))
    assert len(snapshot.items) == 20
    assert snapshot.sizes == {"h323_ras": 20}


def test_the_near_member_is_asked_again_once_it_is_back(
    one_member: EtcdCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stays with the other host's member loses it together with that host."""
    monkeypatch.setattr(gateway, "_TRY_PREFERRED", 0.0)

    async def scenario() -> None:
        one_member.clear()
        link = LossyLink(one_member.client_ports[0])
        await link.open()
        store = EtcdStore((link.endpoint, *one_member.endpoints), one_member.tls)
        await store.open()
        link.lose_next_answer()
        await store.term()
        assert link.lost == 1

        assert store._gateway._endpoints[0] != link.endpoint
        while store._gateway._endpoints[0] != link.endpoint:
            await store.term()
        await store.close()
        await link.close()

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE))


def test_members_on_the_hosts_of_other_gatekeepers_are_asked_last(tmp_path: Path) -> None:
    """Who takes over has just lost that host: its member would say nothing, and so cost an attempt's patience."""
    own, other, third = "https://192.0.2.11:2379", "https://192.0.2.12:2379", "https://192.0.2.13:2379"
    one = gateway.Gateway((own, other, third), make_certificates(tmp_path), "192.0.2.11", {"192.0.2.12"})
    assert one._endpoints == [own, third, other]
    one.start_over(third)
    assert one._endpoints == [third, own, other]
    one.start_over()
    assert one._endpoints == [own, third, other]


def test_a_takeover_asks_the_near_member_first(one_member: EtcdCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answered last may be the member that was lost with the other host."""

    asked: list[str] = []
    ask_one = gateway.Gateway._ask_one

    async def noted(self: gateway.Gateway, endpoint: str, *more: Any) -> gateway.Json:
        asked.append(endpoint)
        return await ask_one(self, endpoint, *more)

    monkeypatch.setattr(gateway.Gateway, "_ask_one", noted)

    async def scenario() -> None:
        one_member.clear()
        gone = f"https://{HOST}:{free_ports(1)[0]}"
        store = EtcdStore((*one_member.endpoints, gone), one_member.tls)
        await store.open()
        await store.take_over("gk1", 100.0)
        store._gateway.start_over(gone)
        asked.clear()
        await store.take_over("gk1", 101.0)
        assert asked[0] in one_member.endpoints
        await store.close()

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE))
