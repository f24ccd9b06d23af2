"""The power is cut after each file operation of an archive while a log is shipped there, also after a kill."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from witness.ship import FolderArchive, FolderSource, Shipping
from witness.verify import Demands, Verdict, verify_stream

from tests.witness_soak.disk import Disk, Killed, Mark, Recorder, crash_states
from tests.witness_soak.power import hasty, listed
from tests.witness_soak.replica import ORIGIN, POLICY, POLICY_TEXT, STREAM, Elsewhere, Replica, records_of

LIMIT = int(os.environ.get("WITNESS_SOAK_STATES", "4"))
KILLS = int(os.environ.get("WITNESS_SOAK_KILLS", "7"))
SIZES = (3, 258)
RECORDS = records_of(SIZES[-1], midnight=200)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The log at each of the sizes."""
    folder = tmp_path_factory.mktemp("sources") / "log"
    folder.mkdir()
    replica = Replica(folder, RECORDS, Elsewhere(), lambda _: None)
    replica.start()
    copies = []
    for size in SIZES:
        replica.write(size)
        replica.publish()
        copies.append(folder.with_name(f"{size}"))
        shutil.copytree(folder, copies[-1])
    replica.stop()
    return copies


def ship(source: Path, archive: Path) -> int:
    """How many records the archive has then, which the source is told."""
    shipping = Shipping(FolderSource(source), FolderArchive(archive), POLICY_TEXT, wait=lambda: False)
    with FolderArchive(archive).locked():
        return shipping.ship(STREAM).after


@dataclass(slots=True)
class Run:
    """Ships each of the sizes, up to the end or until it is killed."""

    sources: list[Path]
    archive: Path
    recorder: Recorder

    def go(self) -> None:
        """Ship what was not shipped yet."""
        done = sum(isinstance(each, Mark) for each in self.recorder.operations)
        with hasty(), self.recorder.recording(), suppress(Killed):
            for source in self.sources[done:]:
                self.recorder.mark(ship(source, self.archive))


def started(folder: Path, sources: list[Path], kill_after: int | None = None, forgotten: str | None = None) -> Run:
    archive = folder / "archive"
    shutil.rmtree(archive, ignore_errors=True)
    archive.mkdir()
    run = Run(sources, archive, Recorder(archive))
    run.recorder.kill_after = kill_after
    run.recorder.forgotten = forgotten
    run.go()
    return run


def promised(recorder: Recorder, count: int) -> int:
    return max((each.what for each in recorder.operations[:count] if isinstance(each, Mark)), default=0)


def survive(folder: Path, run: Run, counts: Iterable[int]) -> int:
    """Look at every archive that a power cut leaves, and ship again; how many different ones there were."""
    seen = set()
    for count in counts:
        size = promised(run.recorder, count)
        for disk in crash_states(run.recorder, count, LIMIT, seed=count):
            case = (tuple(disk.paths()), size)
            if case not in seen:
                seen.add(case)
                try:
                    recover(folder / "recovered", run.sources, disk, size)
                except Exception as error:
                    last = run.recorder.operations[max(0, count - 12) : count]
                    raise AssertionError(f"after operation {count} ({last}):\n{listed(disk)}") from error
    return len(seen)


def recover(archive: Path, sources: list[Path], disk: Disk, size: int) -> None:
    shutil.rmtree(archive, ignore_errors=True)
    archive.mkdir()
    disk.write_to(archive)
    require_good(archive, size, Verdict.GOOD, Verdict.UNSIGNED_TAIL)
    with hasty():
        assert ship(sources[-1], archive) == SIZES[-1]
    require_good(archive, SIZES[-1], Verdict.GOOD)


def require_good(archive: Path, size: int, *verdicts: Verdict) -> None:
    """It has what was promised, and is what its checkpoint says, if it has one."""
    place = archive / STREAM.folder
    if not (place / "checkpoint").exists():
        assert size == 0, "an archive's checkpoint is lost"
        return
    report = verify_stream(place, STREAM, ORIGIN, Demands(POLICY))
    assert report.verdict in verdicts, report.findings
    assert report.covered >= size, "archived records are lost"


def test_a_power_cut_loses_nothing_that_is_archived(tmp_path: Path, sources: list[Path]) -> None:
    run = started(tmp_path, sources)
    operations = len(run.recorder.operations)
    assert survive(tmp_path, run, range(operations + 1)) > operations // 2


def survive_a_kill_and_a_power_cut(folder: Path, sources: list[Path], every: int, forgotten: str | None = None) -> int:
    states = 0
    for kill_after in range(1, len(started(folder, sources, None, forgotten).recorder.operations), every):
        run = started(folder, sources, kill_after, forgotten)
        run.recorder.kill_after = None
        run.go()
        operations = run.recorder.operations
        promises = [at + 1 for at in range(kill_after, len(operations)) if isinstance(operations[at], Mark)]
        states += survive(folder, run, promises)
    return states


def test_a_killed_shipper_and_a_power_cut_lose_nothing_either(tmp_path: Path, sources: list[Path]) -> None:
    assert survive_a_kill_and_a_power_cut(tmp_path, sources, KILLS) > 10


def test_every_sync_of_an_archive_is_needed(tmp_path: Path, sources: list[Path]) -> None:
    places = sorted(started(tmp_path, sources).recorder.syncs)
    assert len(places) > 2
    assert [place for place in places if is_needless(tmp_path, sources, place)] == []


def is_needless(folder: Path, sources: list[Path], place: str) -> bool:
    try:
        run = started(folder, sources, None, place)
        survive(folder, run, range(len(run.recorder.operations) + 1))
        survive_a_kill_and_a_power_cut(folder, sources, 1, place)
    except AssertionError:
        return False
    return True
