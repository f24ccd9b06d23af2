"""What the node's health makes of its store and disks, and when keepalived hears of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import pytest
from gatekeeper.core.journal import RAS_STREAM
from gatekeeper.failover.health import Health, Surroundings
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.log_writer import LogWriter
from gatekeeper.settings import Settings, load_settings
from gatekeeper.store import Record
from gatekeeper.store.sqlite import SqliteStore
from gatekeeper.witness_log import DiskError, WitnessLog, WitnessLogError

from .running import Node

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
        self.writer = LogWriter(self.store, WitnessLog(folder, RAS_STREAM), "gk1", RAS_STREAM)
        self.peer: PeerSign | None = PEER
        self.why: list[str] = []
        surroundings = Surroundings(lambda: True, lambda: self.peer, self.why.append)
        self.health = Health(self.store, [self.writer], self.settings, surroundings)

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
        store, log, told = SqliteStore(tmp_path / "state.sqlite"), WitnessLog(tmp_path, RAS_STREAM), asyncio.Event()
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


def test_a_node_whose_clock_was_stepped_falls_silent_and_yields_where_the_other_can_serve(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_time, ahead = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: true_time() + ahead)

    async def scenario() -> None:
        nonlocal ahead
        assert not setting.health.clock_is_off()
        ahead = 3600.0
        # Before anybody has judged: the next datagram would be refused for its timestamp.
        assert setting.health.clock_is_off()
        await setting.says("1")
        assert setting.health.trouble is not None
        assert "stepped by +3600 s" in setting.health.trouble
        setting.peer = None
        assert not setting.health.clock_is_off()
        ahead = 0.0
        await until(lambda: setting.health.trouble is None)

    setting.run(scenario)
