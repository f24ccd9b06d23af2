"""The power is cut after each file operation of a rotation, with or without a kill before: what is left verifies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from witness.day_files.rotation import Limits, plan, remove_drafts, rotating
from witness.verify import Demands, Verdict, verify_stream

from library.witness.tests.made_log import MadeLog, policy, record
from tests.witness_soak.disk import Disk, Killed, Recorder, Sync, crash_states

DAYS = ("24", "24", "25", "24", "25", "25", "26", "25", "27", "28", "28", "29")
"""Around two midnights, neighbours are in each other's files."""
LIMITS = Limits(pack_before="20261127", remove_before="20261126", covered=len(DAYS), archived=len(DAYS))
STATES = int(os.environ.get("WITNESS_SOAK_STATES", "24"))


@contextmanager
def hasty() -> Iterator[None]:
    with patch.multiple(os, fsync=lambda _: None, fdatasync=lambda _: None):
        yield


def made(directory: Path) -> MadeLog:
    log = MadeLog(directory, step=timedelta(hours=6))
    for index, day in enumerate(DAYS):
        log.write([record(index, log.time(index))], f"202611{day}")
    return log.publish()


def rotate(log: MadeLog) -> None:
    with rotating(log.folder):
        remove_drafts(log.folder, log.stream)
        for step in plan(log.folder, log.stream, LIMITS):
            step.run()


def settle(recorder: Recorder) -> None:
    """All that there is has been on disk for long."""
    recorder.operations += [Sync(node) for node in (*recorder.disk.files, *recorder.disk.folders)]


def require_good(log: MadeLog) -> None:
    report = verify_stream(log.folder, log.stream, log.origin, Demands(policy()))
    assert (report.verdict, report.records) == (Verdict.GOOD, len(DAYS)), report.findings


def recover(folder: Path, disk: Disk) -> None:
    folder.mkdir()
    disk.write_to(folder)
    log = MadeLog(folder, step=timedelta(hours=6))
    require_good(log)
    with hasty():
        rotate(log)
    require_good(log)
    days = sorted(path.name.removeprefix("h323_ras_202611") for path in log.folder.glob("*.jsonl*"))
    assert days == ["25.jsonl.gz", "26.jsonl.gz", "27.jsonl", "28.jsonl", "29.jsonl"]


def survive(folder: Path, recorder: Recorder, begin: int) -> int:
    folder.mkdir()
    states = 0
    for count in range(begin, len(recorder.operations) + 1):
        for disk in crash_states(recorder, count, STATES, seed=count):
            recover(folder / f"{count}-{states}", disk)
            states += 1
    return states


def test_after_each_operation(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log")
    recorder.root.mkdir()
    with hasty(), recorder.recording():
        log = made(recorder.root)
        settle(recorder)
        begin = len(recorder.operations)
        rotate(log)
    assert survive(tmp_path / "states", recorder, begin) > 50


@pytest.mark.parametrize("part", [0.15, 0.3, 0.45, 0.6, 0.75, 0.9])
def test_after_a_kill_and_a_second_rotation(tmp_path: Path, part: float) -> None:
    """What the killed one had not synced is not taken for granted by the next."""
    first = Recorder(tmp_path / "first")
    first.root.mkdir()
    with hasty(), first.recording():
        log = made(first.root)
        begin = len(first.operations)
        rotate(log)
    killed_after = begin + int(part * (len(first.operations) - begin))
    recorder = Recorder(tmp_path / "log")
    recorder.root.mkdir()
    with hasty(), recorder.recording():
        log = made(recorder.root)
        settle(recorder)
        recorder.kill_after = len(recorder.operations) + killed_after - begin
        with suppress(Killed):
            rotate(log)
        recorder.restart()
        begin = len(recorder.operations)
        rotate(log)
    assert survive(tmp_path / "states", recorder, begin)
