"""What the node's health makes of its store and disks, and when keepalived hears of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import pytest
from gatekeeper.failover.health import Health, Surroundings
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.wall_clock import Opinion
from gatekeeper.now import instant
from gatekeeper.outbox.log_writer import LogWriter
from gatekeeper.settings import Settings, load_settings
from gatekeeper.store import Record
from gatekeeper.store.sqlite import SqliteStore
from witness.day_files.streams import RAS_STREAM
from witness.day_files.writer import DayFileWriter, DiskError, WitnessLogError

from .running import Node

TRUE_TIME = time.time
PEER = PeerSign("gk2", "secondary", 7, active=False, fit=True, trouble=None, has_quorum=True)


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; the test's deadline ends it otherwise."""
    for _ in itertools.count():
        if condition():
            return
        await asyncio.sleep(0.01)


class Setting:
    """A node's health beside a real store."""

    def __init__(self, folder: Path) -> None:
        node = Node(folder)
        self.track = node.track_file
        self.settings: Settings = load_settings(node.config)
        self.settings.log_directory.mkdir()
        self.store = SqliteStore(folder / "state.sqlite")
        self.writer = LogWriter(self.store, DayFileWriter(folder, RAS_STREAM), "gk1", RAS_STREAM)
        self.peer: PeerSign | None = PEER
        self.why: list[str] = []
        self.ahead = 0.0
        """Seconds that this host's clock is ahead."""
        self.peer_ahead: float | None = 0.0
        surroundings = Surroundings(
            lambda: True, lambda: self.peer, self.why.append, peer_time=lambda: self.opinion("gk2", self.peer_ahead)
        )
        self.health = Health(self.store, [self.writer], self.settings, surroundings)

    def opinion(self, name: str, ahead: float | None) -> Opinion | None:
        """What a host says that is so many seconds ahead."""
        now = time.monotonic()
        return None if ahead is None else Opinion(name, TRUE_TIME() + ahead - now, now)

    async def says(self, word: str) -> None:
        """Return when the track file says so."""
        await until(lambda: self.track.exists() and self.track.read_text() == word + "\n")

    def run(self, scenario: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run it while the health is watched."""

        async def all_of_it() -> None:
            await self.store.open()
            watching = asyncio.ensure_future(self.health.watch())
            await self.says("0")
            await scenario()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self.store.close()

        asyncio.run(asyncio.wait_for(all_of_it(), 20))


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def test_a_disk_that_refuses_is_told_at_once_and_only_where_the_other_one_is_better(setting: Setting) -> None:
    async def scenario() -> None:
        setting.writer.trouble = DiskError("No space left on device")
        setting.health.notice()
        await setting.says("1")
        assert setting.health.trouble == "No space left on device"
        assert setting.why == ["not fit: No space left on device"]
        setting.peer = replace(PEER, fit=False)
        await setting.says("0")
        assert setting.health.trouble == "No space left on device"
        assert setting.health.fit

    setting.run(scenario)


def test_a_log_that_was_replaced_is_told_whoever_else_there_is(setting: Setting) -> None:
    async def scenario() -> None:
        setting.peer = None
        setting.writer.trouble = WitnessLogError("it was replaced")
        await setting.says("1")
        assert not setting.health.fit

    setting.run(scenario)


def test_a_disk_without_room_is_found_before_anything_is_written(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("gatekeeper.failover.health.disk_trouble", lambda *_: "no room")
        await setting.says("1")
        assert setting.health.trouble == "no room"

    setting.run(scenario)


def test_who_was_unfit_is_fit_again_later_and_says_when(setting: Setting) -> None:
    async def scenario() -> None:
        setting.writer.trouble = DiskError("full")
        await setting.says("1")
        setting.writer.trouble = None
        await until(lambda: setting.health.fit_again_in is not None)
        assert setting.health.trouble is None
        assert not setting.health.fit
        await setting.says("0")
        assert setting.health.fit_again_in is None

    setting.run(scenario)


def test_whom_the_watcher_took_the_address_from_waits_too(setting: Setting) -> None:
    async def scenario() -> None:
        setting.track.write_text("1\n")
        setting.health.stood_still()
        setting.health._judge()
        assert not setting.health.fit
        assert setting.health.fit_again_in == pytest.approx(1.0, abs=1.0)
        await setting.says("0")
        # One that was merely starved kept the address, and keeps it.
        setting.health.stood_still()
        setting.health._judge()
        assert setting.health.fit

    setting.run(scenario)


def test_a_writer_says_at_once_that_the_disk_refuses(tmp_path: Path) -> None:
    async def scenario() -> None:
        store, log, told = SqliteStore(tmp_path / "state.sqlite"), DayFileWriter(tmp_path, RAS_STREAM), asyncio.Event()
        await store.open()
        log.open()
        writer = LogWriter(store, log, "gk1", RAS_STREAM, told.set)
        refuse = True

        def append(_records: object) -> None:
            if refuse:
                raise DiskError("No space left on device")
            log.size += 1

        log.append = append
        store.records = records  # one to write, always
        running = asyncio.ensure_future(writer.run())
        await told.wait()
        assert isinstance(writer.trouble, DiskError)
        refuse = False
        await until(lambda: writer.trouble is None)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        log.close()
        await store.close()

    async def records(stream: str, start: int, _limit: int) -> list[Record]:
        return [Record(stream, start, b"{}")]

    asyncio.run(asyncio.wait_for(scenario(), 20))


@pytest.fixture
def stepped(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """A node of which the clock can be stepped, beside another one and a witness."""
    monkeypatch.setattr(time, "time", lambda: TRUE_TIME() + setting.ahead)
    witness = setting.opinion("wit1", 0.0)
    assert witness is not None
    setting.health._clock.third = witness
    return setting


def test_a_node_whose_clock_is_the_odd_one_falls_silent_and_yields_where_the_other_can_serve(stepped: Setting) -> None:
    async def scenario() -> None:
        assert not stepped.health.clock_is_off(instant())
        stepped.ahead = 3600.0
        # Before anybody has judged: the next datagram would be refused for its timestamp.
        assert stepped.health.clock_is_off(instant())
        await stepped.says("1")
        assert stepped.health.trouble is not None
        assert "3600 s ahead of gk2's and 3600 s ahead of wit1's" in stepped.health.trouble
        assert stepped.health.clocks.ahead == pytest.approx(3600.0, abs=1.0)
        stepped.peer = None
        assert not stepped.health.clock_is_off(instant())
        stepped.ahead, stepped.peer = 0.0, PEER
        await stepped.says("0")
        assert stepped.health.trouble is None
        assert not stepped.health.clock_is_off(instant())

    stepped.run(scenario)


def test_a_node_beside_one_whose_clock_is_wrong_stays_and_hands_nothing_over(stepped: Setting) -> None:
    async def scenario() -> None:
        stepped.peer_ahead = 3600.0
        await until(lambda: stepped.health.peer != PEER)
        seen = stepped.health.peer
        assert seen is not None
        assert not seen.fit
        assert seen.trouble is not None
        assert "gk2's is wrong" in seen.trouble
        assert (stepped.health.fit, stepped.health.trouble) == (True, None)
        assert not stepped.health.clock_is_off(instant())
        stepped.peer_ahead = 0.0
        await until(lambda: stepped.health.peer == PEER)

    stepped.run(scenario)


def test_where_it_cannot_be_told_whose_clock_is_wrong_nobody_yields(stepped: Setting) -> None:
    async def scenario() -> None:
        stepped.health._clock.third = None
        stepped.ahead = 3600.0
        # For a moment the other one may know more.
        assert stepped.health.clock_is_off(instant())
        await until(lambda: not stepped.health.clock_is_off(instant()))
        assert (stepped.health.fit, stepped.health.trouble) == (True, None)
        assert stepped.health.peer == PEER
        assert "can't be told" in str(stepped.health.clocks.sentence)

    stepped.run(scenario)


def test_without_another_gatekeeper_a_step_changes_nothing(stepped: Setting) -> None:
    async def scenario() -> None:
        stepped.peer, stepped.peer_ahead = None, None
        stepped.ahead = 3600.0
        assert not stepped.health.clock_is_off(instant())
        stepped.health._judge()
        assert stepped.health.fit

    stepped.run(scenario)


def test_a_third_host_is_asked_for_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting(tmp_path)
    setting.health._hosts.add("192.0.2.12")

    async def told(hosts: set[str]) -> tuple[str, float]:
        assert hosts == {setting.settings.ras.address, "192.0.2.12"}
        return "192.0.2.13", TRUE_TIME()

    async def scenario() -> None:
        monkeypatch.setattr(time, "time", lambda: TRUE_TIME() + setting.ahead)
        monkeypatch.setattr(setting.store, "time_elsewhere", told)
        await until(lambda: setting.health._clock.third is not None)
        setting.ahead = -3600.0
        await setting.says("1")
        assert "3600 s behind 192.0.2.13's" in str(setting.health.trouble)

    monkeypatch.setattr("gatekeeper.failover.health._ASK_TIME", 0.01)
    setting.run(scenario)
