"""The failover record, and the one that corrects it when the old one is heard again."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from gatekeeper.core import Address, CoreSettings
from gatekeeper.failover.events import FailoverEvents
from gatekeeper.failover.last_answer import LastAnswer
from gatekeeper.failover.peer import EVERY, Peer
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.tenure import Means, Tenure
from gatekeeper.metrics import Metrics, Status
from gatekeeper.registry import load_registry
from gatekeeper.store.sqlite import SqliteStore

from .guardian import private_key
from .running import write_registry

GK1: Address = ("192.0.2.11", 1719)
GK2: Address = ("192.0.2.12", 1719)
KEY = private_key("guardian-council")
STATUS = Status("gk2", "secondary", True, True, 2, 0, 0, "sqlite", None, False)
TAKES = 0.13
"""Seconds from the last sign of gk1 that gk2 hears to gk2's term."""


class Council:
    """gk1 in office, and gk2, which takes over from it; a clock that both see."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        clock = SimpleNamespace(monotonic=lambda: self.now, time=lambda: self.now)
        for module in ("peer", "events"):
            monkeypatch.setattr(f"gatekeeper.failover.{module}.time", clock)
        write_registry(folder / "registry.yaml", alice="active")
        self.registry = load_registry(folder / "registry.yaml")
        self.store = SqliteStore(folder / "state.sqlite")
        self.cut = False
        self.old = PeerSign("gk1", "primary", 1, True, True, None, True)
        self.answered = LastAnswer()
        self.first = Peer(self._settings("gk1", GK2), KEY, self._describe, self._to_second)
        settings = self._settings("gk2", GK1)
        own = replace(self.old, node="gk2", active=False)
        self.second = Peer(settings, KEY, lambda: own, self._to_first, heard=self._heard)
        self.means = Means(settings, KEY, self.store, Metrics(lambda: STATUS), lambda _datagram, _destination: None)
        self.events = FailoverEvents(self.means, self.second)
        self.tenure: Tenure | None = None

    def _settings(self, node: str, other: Address) -> CoreSettings:
        return CoreSettings(node, "guardian-council", GK1 if node == "gk1" else GK2, alternates=(other,))

    def _describe(self) -> PeerSign:
        if not self.answered.epoch:
            return self.old
        return replace(self.old, answered_epoch=self.answered.epoch, answered_ms_ago=self.answered.ms_ago(self.now))

    def _to_second(self, datagram: bytes, _: Address) -> None:
        if not self.cut:
            self.second.receive(datagram, GK1)

    def _to_first(self, datagram: bytes, _: Address) -> None:
        if not self.cut:
            self.first.receive(datagram, GK2)

    def _heard(self, sign: PeerSign) -> None:
        if self.tenure is not None:
            self.events.correct(self.tenure, sign)

    def live(self, seconds: float) -> None:
        """Both give signs of life for so long."""
        for _ in range(round(seconds / EVERY)):
            self.now += EVERY
            self.first.tell()
            self.second.tell()

    def answer(self) -> None:
        """gk1 answers a terminal."""
        self.answered.note(1, self.now)

    async def take_over(self) -> None:
        """gk2 does."""
        await self.store.open()
        await self.store.take_over("gk1", self.now)
        self.now += TAKES
        snapshot = await self.store.take_over("gk2", self.now)
        self.tenure = Tenure(self.means, self.registry, snapshot, self.now)
        self.events.began(self.tenure, snapshot.previous)

    async def written(self) -> list[dict[str, object]]:
        """The failover stream of gk2's term, once it is durable."""
        tenure = self.tenure
        assert tenure is not None
        running = asyncio.ensure_future(tenure.run())
        for _ in itertools.count():
            if not tenure.commits_under_way:
                break
            await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        records = await self.store.records("failover", 0, 100)
        await self.store.close()
        return [json.loads(record.line) for record in records]

    @property
    def metric(self) -> str:
        lines = self.means.metrics.exposition().decode().splitlines()
        return next(line for line in lines if line.startswith("h323_gatekeeper_failover_duration_seconds{")).split()[1]


def play(council: Council, scenario: Callable[[], None]) -> list[dict[str, object]]:
    """What is written when gk2 has taken over, and then the scenario goes on."""

    async def run() -> list[dict[str, object]]:
        await council.take_over()
        scenario()
        return await council.written()

    return asyncio.run(asyncio.wait_for(run(), 20))


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Council:
    made = Council(tmp_path, monkeypatch)
    made.live(0.2)
    made.answer()
    made.live(EVERY)
    return made


def heals(council: Council, seconds: float, *, active: bool = False) -> None:
    """The two hear each other again after so long; gk1 believes to be in office or doesn't."""
    council.now += seconds
    council.cut, council.old = False, replace(council.old, active=active)
    council.live(0.2)


def test_who_was_cut_off_and_answered_meanwhile_says_so_and_the_duration_is_corrected_once(council: Council) -> None:
    council.cut = True

    def scenario() -> None:
        # gk1 still answered until 30 ms before gk2's term.
        council.answered.note(1, council.now - 0.03)
        heals(council, 0.5)
        heals(council, 3.0)

    began, corrected = play(council, scenario)
    assert (began["event"], began["failover_duration_sec"], began["estimated"]) == ("GATEKEEPER_FAILOVER", TAKES, True)
    assert (corrected["event"], corrected["epoch"]) == ("GATEKEEPER_DURATION_CORRECTED", began["epoch"])
    assert (corrected["from"], corrected["to"]) == ("gk1", "gk2")
    assert corrected["failover_duration_sec"] == pytest.approx(0.03, abs=0.001)
    assert float(council.metric) == corrected["failover_duration_sec"]


def test_who_answered_until_after_the_new_one_did_left_no_gap(council: Council) -> None:
    council.cut = True

    def scenario() -> None:
        council.answered.note(1, council.now + 0.4)
        heals(council, 0.5, active=True)
        heals(council, 0.1)

    assert [one["failover_duration_sec"] for one in play(council, scenario)] == [TAKES, 0.0]
    assert float(council.metric) == 0.0


@pytest.mark.parametrize("what", ["silent ever since", "frozen with the cut", "started anew"])
def test_else_the_estimate_stays(council: Council, what: str) -> None:
    council.cut = True

    def scenario() -> None:
        if what == "frozen with the cut":
            heals(council, 0.5)
        elif what == "started anew":
            council.answered = LastAnswer()
            heals(council, 0.5)

    (began,) = play(council, scenario)
    assert (began["failover_duration_sec"], began["estimated"]) == (TAKES, True)
    assert float(council.metric) == TAKES


def test_who_says_that_it_leaves_is_no_estimate(council: Council) -> None:
    council.first.leave("service stopped")
    council.cut = True
    (began,) = play(council, lambda: heals(council, 0.5))
    assert (began["cause"], began["estimated"]) == ("service stopped", False)
    assert began["failover_duration_sec"] == TAKES
