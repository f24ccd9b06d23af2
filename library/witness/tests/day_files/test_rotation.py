"""Rotation: what is packed and removed, and that the log verifies after each operation that it could die behind."""

from __future__ import annotations

import gzip
import itertools
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from witness.day_files.markers import RETAINED, read_marker
from witness.day_files.rotation import Limits, RotationError, Step, plan, remove_drafts, rotating
from witness.log.lines import Lines
from witness.verify import Demands, Verdict, verify_stream

from library.witness.tests.made_log import MadeLog, policy, record

ALL = 10**9


@pytest.fixture
def log(tmp_path: Path) -> MadeLog:
    """Ten days from 24 November on, 24 records a day; the first has 12."""
    return MadeLog(tmp_path, step=timedelta(hours=1)).add(220).publish()


def limits(pack: str = "20261201", remove: str = "", covered: int = ALL, archived: int = ALL) -> Limits:
    return Limits(pack, remove, covered, archived)


def rotate(log: MadeLog, allowed: Limits) -> list[Step]:
    steps = []
    with rotating(log.folder):
        remove_drafts(log.folder, log.stream)
        for step in plan(log.folder, log.stream, allowed):
            step.run()
            steps.append(step)
    return steps


def verdict(log: MadeLog, folder: Path | None = None) -> Verdict:
    report = verify_stream(folder or log.folder, log.stream, log.origin, Demands(policy()))
    return report.verdict


def names(log: MadeLog) -> list[str]:
    return sorted(path.name.removeprefix("h323_ras_") for path in log.folder.glob("h323_ras_*"))


def test_days_before_the_limit_are_packed_and_the_log_verifies(log: MadeLog) -> None:
    steps = rotate(log, limits(pack="20261126"))
    assert [(step.what, step.file.day) for step in steps] == [("pack", "20261124"), ("pack", "20261125")]
    assert names(log)[:3] == ["20261124.jsonl.gz", "20261125.jsonl.gz", "20261126.jsonl"]
    assert gzip.decompress((log.folder / "h323_ras_20261124.jsonl.gz").read_bytes()).count(b"\n") == 12
    assert verdict(log) is Verdict.GOOD
    assert rotate(log, limits(pack="20261126")) == []


def test_two_hosts_pack_the_same_octets(log: MadeLog, tmp_path: Path) -> None:
    other = MadeLog(tmp_path / "other", step=log.step).add(220).publish()
    rotate(log, limits())
    rotate(other, limits())
    name = "h323_ras_20261124.jsonl.gz"
    assert (log.folder / name).read_bytes() == (other.folder / name).read_bytes()


def test_the_newest_days_are_never_touched(log: MadeLog) -> None:
    rotate(log, limits("99999999", "99999999"))
    assert names(log) == ["20261201.jsonl", "20261202.jsonl", "20261203.jsonl"]
    assert verdict(log) is Verdict.GOOD


@pytest.mark.parametrize(("covered", "packed"), [(36, 2), (35, 1), (12, 1), (11, 0), (0, 0)])
def test_only_days_are_packed_that_the_checkpoint_covers_whole(log: MadeLog, covered: int, packed: int) -> None:
    assert len(rotate(log, limits(covered=covered))) == packed


@pytest.mark.parametrize(("archived", "first"), [(ALL, 84), (84, 84), (83, 60), (12, 12), (11, 0), (0, 0)])
def test_only_days_are_removed_that_the_archive_has_whole(log: MadeLog, archived: int, first: int) -> None:
    rotate(log, limits(pack="20261201", remove="20261128", archived=archived))
    report = verify_stream(log.folder, log.stream, log.origin, Demands(policy()))
    assert (report.verdict, report.first, report.records) == (Verdict.GOOD, first, 220)
    assert read_marker(log.folder, RETAINED, log.name) == first


def test_what_nobody_has_removed_is_missed(log: MadeLog) -> None:
    rotate(log, limits(remove="20261126"))
    (log.folder / "h323_ras_20261126.jsonl.gz").unlink()
    assert verdict(log) is Verdict.TAMPERED


def test_a_log_with_a_gap_is_left_alone(log: MadeLog) -> None:
    log.file("20261125").unlink()
    with pytest.raises(RotationError, match="records 12 to 35 are missing"):
        rotate(log, limits(remove="20261128"))


def test_two_rotations_at_once_do_not_meet(log: MadeLog) -> None:
    with rotating(log.folder), pytest.raises(RotationError, match="another rotation"), rotating(log.folder):
        pass


def test_a_packed_file_beside_the_plain_one_does_not_come_to_light(log: MadeLog) -> None:
    """As a rotation leaves it that was killed between the two, and whose files are removed next."""
    plain = log.file("20261124")
    plain.with_name(f"{plain.name}.gz").write_bytes(b"whatever")
    rotate(log, limits(pack="", remove="20261125"))
    assert not any(name.startswith("20261124") for name in names(log))
    assert verdict(log) is Verdict.GOOD


@pytest.fixture
def mixed(tmp_path: Path) -> MadeLog:
    """Neighbours around midnight in each other's days."""
    log = MadeLog(tmp_path, step=timedelta(hours=6))
    days = ["24", "24", "24", "25", "24", "25", "25", "26", "25", "24", "26", "26", "27", "28", "28", "29", "30"]
    for index, day in enumerate(days):
        log.write([record(index, log.time(index))], f"202611{day}")
    return log.publish()


@pytest.mark.parametrize("packed", [False, True])
def test_mixed_neighbours_go_step_by_step(mixed: MadeLog, packed: bool) -> None:
    if packed:
        rotate(mixed, limits())
    assert verdict(mixed) is Verdict.GOOD
    steps = []
    for step in plan(mixed.folder, mixed.stream, limits(pack="", remove="20261127")):
        step.run()
        steps.append((step.what, step.file.day[-2:], step.first, step.count))
        assert verdict(mixed) is Verdict.GOOD, steps
    assert [first for _, _, first, _ in steps] == [0, 3, 4, 5, 7, 8, 9, 10]
    assert [what for what, *_ in steps].count("remove") == 3
    assert names(mixed)[0].startswith("20261127")


@pytest.mark.parametrize("packed", [False, True])
def test_it_may_be_killed_after_any_operation(
    mixed: MadeLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    """Whatever was done until then verifies, a second run finishes it, and the log service reads it."""
    if packed:
        rotate(mixed, limits(pack="20261126"))
    allowed = limits(pack="20261127", remove="20261126")
    before = {path.relative_to(mixed.folder): path.read_bytes() for path in mixed.folder.rglob("*") if path.is_file()}
    for survived in itertools.count():
        copy = MadeLog(tmp_path / f"copy{survived}", step=mixed.step, records=mixed.records)
        for path, octets in before.items():
            (copy.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (copy.folder / path).write_bytes(octets)
        with monkeypatch.context() as patched:
            kill_after(patched, survived)
            try:
                rotate(copy, allowed)
                break
            except Killed:
                pass
        assert verdict(copy) is Verdict.GOOD, survived
        rotate(copy, allowed)
        assert verdict(copy) is Verdict.GOOD, survived
        first = read_marker(copy.folder, RETAINED, copy.name)
        lines = Lines(copy.directory, copy.stream, first)
        assert lines.read(100) == copy.records[first:]
        lines.close()
    assert survived >= 20


class Killed(BaseException):
    """The process ends here."""


def kill_after(patched: pytest.MonkeyPatch, operations: int) -> None:
    """Let so many of the operations that change a folder happen, and no more."""
    left = itertools.count(operations, -1)

    def watched(real: Callable[..., object]) -> Callable[..., object]:
        def function(*arguments: object, **options: object) -> object:
            if next(left) <= 0:
                raise Killed
            return real(*arguments, **options)

        return function

    for name in ("fsync", "rename", "unlink"):
        patched.setattr(os, name, watched(getattr(os, name)))
