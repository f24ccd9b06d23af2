"""How long it takes to come into office on etcd, from what was followed and from nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from etcd_cluster import EtcdCluster
from gatekeeper.core import Gatekeeper, Inheritance, Instant
from gatekeeper.core.answers import Kept, encode_kept
from gatekeeper.long_lived import restoring
from gatekeeper.registry import SIGNED, Registry
from gatekeeper.store import Batch, KeptAnswer
from gatekeeper.store.etcd import EtcdStore
from h323.h235 import SignedToken
from zone import IDENTIFIER, SETTINGS, populate, private_key, registry, terminal_id_of

ANSWERS = 12_000
"""Those of a minute at 200 requests/s, which is what the drill asks."""
_AT_ONCE = 100
_BEAT = 0.002


@dataclass(frozen=True)
class Takeover:
    """One time of coming into office."""

    seconds: float
    held: float
    """The longest time that the event loop was held, in seconds."""
    warm: bool


class _Beat:
    """Finds out how long the event loop is held."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(_BEAT)
            self.longest = max(self.longest, time.monotonic() - before - _BEAT)


def _answers(unix: float) -> tuple[KeptAnswer, ...]:
    found = []
    for number in range(_AT_ONCE):
        token = SignedToken(terminal_id_of(number), None, int(unix), int.from_bytes(os.urandom(4), "big"), bytes(64))
        found.append(KeptAnswer(unix + 61, encode_kept(Kept(os.urandom(16), unix + 61, None, token, os.urandom(230)))))
    return tuple(found)


async def _answer(store: EtcdStore, epoch: int) -> None:
    now = time.time()
    await store.commit(epoch, Batch((), (), (), forget=now + 120))
    for number in range(ANSWERS // _AT_ONCE):
        await store.commit(epoch, Batch((), (), _answers(now + number / 10)))


@contextlib.asynccontextmanager
async def _opened(cluster: EtcdCluster) -> AsyncIterator[EtcdStore]:
    store = EtcdStore(cluster.endpoints, cluster.tls)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def _take_office(store: EtcdStore, inheritance: Inheritance, zone: Registry, beat: _Beat) -> tuple[int, Takeover]:
    """As `Succession` does, up to the first request that could be decided."""
    beat.longest = 0.0
    began = time.monotonic()
    with restoring():
        snapshot = await store.take_over("gk2", time.time())
        if not snapshot.followed:
            for _ in inheritance.take(snapshot):
                await asyncio.sleep(0)
        now = Instant(time.monotonic(), time.time())
        gatekeeper = Gatekeeper(SETTINGS, zone, private_key(IDENTIFIER), snapshot, now, os.urandom, inheritance)
    gatekeeper.enforce_registry(gatekeeper.begin_registry(zone, now)[1][0], now)
    seconds = time.monotonic() - began
    await asyncio.sleep(_BEAT)
    return snapshot.term.epoch, Takeover(seconds, beat.longest, snapshot.followed)


async def take_over(cluster: EtcdCluster, endpoints: int, runs: int) -> list[Takeover]:
    """Come into office by turns from nothing and from what was followed, with so many registrations."""
    zone = registry(endpoints, SIGNED)
    # A service reckons it when it reads the registry.
    assert zone.version
    found = []
    beat = _Beat()
    beating = asyncio.ensure_future(beat.run())
    async with _opened(cluster) as first, _opened(cluster) as second:
        await populate(first, endpoints, 0, SIGNED)
        await _answer(first, 1)
        for _ in range(runs):
            found.append((await _take_office(second, Inheritance(), zone, beat))[1])
            inheritance = Inheritance()
            following = asyncio.ensure_future(second.follow(inheritance))
            epoch = (await first.take_over("gk1", time.time())).term.epoch
            while second.last_commit_seen < time.monotonic() - 1:
                await first.confirm(epoch, time.time())
                await asyncio.sleep(0.05)
            found.append((await _take_office(second, inheritance, zone, beat))[1])
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
    beating.cancel()
    return found
