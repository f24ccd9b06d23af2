"""From the outbox to the day files, for every stream, and what has left the outbox from another replica."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from gatekeeper.core import Instant
from gatekeeper.core.journal import Journal
from gatekeeper.outbox.log_writer import LogWriter
from gatekeeper.outbox.refetch import Refetch
from gatekeeper.store import Batch, Record
from gatekeeper.store.sqlite import SqliteStore
from witness.day_files.streams import FAILOVER_STREAM, GATEWAY_STREAM, RAS_STREAM, STREAMS
from witness.day_files.writer import DayFileWriter, GapError, Line, WitnessLogError

NOON = 1_800_014_400.0
DAY = "20270115"
DEADLINE = 20.0


def made(stream: str, start: int, count: int) -> list[Record]:
    journal = Journal({stream: start}, "gk1", 1)
    return [journal.record(stream, Instant(0.0, NOON + number), {"event": "X"}) for number in range(count)]


class Others(Refetch):
    """Another replica: has these records, and gives few at once."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = list(records)
        self.asked: list[int] = []

    async def fetch(self, stream: str, start: int, end: int) -> Sequence[Record]:
        del stream
        self.asked.append(start)
        if start >= len(self.records):
            raise WitnessLogError("nobody has them")
        return self.records[start : min(end, start + 2)]


class Told(DayFileWriter):
    """Says when it has so many records."""

    def __init__(self, folder: Path, stream: str, until: int) -> None:
        super().__init__(folder, stream)
        self._until = until
        self._loop = asyncio.get_running_loop()
        self.done = asyncio.Event()

    def append(self, records: Sequence[Line]) -> None:
        super().append(records)
        if self.size >= self._until:
            self._loop.call_soon_threadsafe(self.done.set)


class Scene:
    """A store, and writers of some hosts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SqliteStore(folder / "state.sqlite")

    def lines(self, host: str, stream: str) -> list[bytes]:
        path = STREAMS[stream].day_file(self.folder / host, DAY)
        return path.read_bytes().splitlines() if path.exists() else []

    async def write(self, host: str, stream: str, until: int, refetch: Refetch | None = None) -> None:
        """Run a host's writer until it has so many records, or is in trouble."""
        log = Told(self.folder / host, stream, until)
        log.open()
        writer = LogWriter(self.store, log, host, stream, log.done.set, refetch)
        running = asyncio.ensure_future(writer.run())
        try:
            await log.done.wait()
            if writer.trouble is not None:
                raise writer.trouble
            await self.store.acknowledge(host, stream, writer.size)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            log.close()


def run(folder: Path, scenario: Callable[[Scene], Awaitable[None]]) -> None:
    async def with_store() -> None:
        scene = Scene(folder)
        await scene.store.open()
        try:
            await scene.store.take_over("gk1", NOON)
            await asyncio.wait_for(scenario(scene), DEADLINE)
        finally:
            await scene.store.close()

    asyncio.run(with_store())


@pytest.mark.parametrize("stream", [RAS_STREAM, GATEWAY_STREAM, FAILOVER_STREAM])
def test_what_was_put_through_the_store_is_in_the_streams_file(tmp_path: Path, stream: str) -> None:
    records = made(stream, 0, 5)

    async def scenario(scene: Scene) -> None:
        await scene.store.commit(1, Batch((), tuple(records)))
        await scene.write("gk1", stream, 5)
        assert scene.lines("gk1", stream) == [record.line for record in records]
        assert await scene.store.records(stream, 0, 10) == []

    run(tmp_path, scenario)


@pytest.mark.parametrize("left", [0, 3])
def test_what_has_left_the_outbox_comes_from_another_replica(tmp_path: Path, left: int) -> None:
    """Whether the outbox has later records (`left`) or none at all."""
    records = made(RAS_STREAM, 0, 10)
    others = Others(records[: 10 - left])

    async def scenario(scene: Scene) -> None:
        await scene.store.commit(1, Batch((), tuple(records[: 10 - left])))
        await scene.write("gk1", RAS_STREAM, 10 - left)
        if left:
            await scene.store.commit(1, Batch((), tuple(records[10 - left :])))
        await scene.write("gk2", RAS_STREAM, 10, others)
        assert scene.lines("gk2", RAS_STREAM) == [record.line for record in records]
        assert others.asked[:2] == [0, 2]

    run(tmp_path, scenario)


def test_a_gap_that_nobody_can_close_is_trouble(tmp_path: Path) -> None:
    records = made(RAS_STREAM, 0, 10)

    async def scenario(scene: Scene) -> None:
        await scene.store.commit(1, Batch((), tuple(records)))
        await scene.write("gk1", RAS_STREAM, 10)
        with pytest.raises(WitnessLogError, match="nobody has them"):
            await scene.write("gk2", RAS_STREAM, 10, Others(records[:4]))
        with pytest.raises(GapError, match="has 4 records on disk, and the store goes on with record 10"):
            await scene.write("gk2", RAS_STREAM, 10)
        assert [json.loads(line)["index"] for line in scene.lines("gk2", RAS_STREAM)] == [0, 1, 2, 3]

    run(tmp_path, scenario)
