"""The witness log's files: whole lines, the right day, nothing twice."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest
from witness.day_files.streams import FAILOVER_STREAM, GATEWAY_STREAM, RAS_STREAM
from witness.day_files.writer import DayFileWriter, WitnessLogError

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
DAY = 86_400.0


@dataclass(frozen=True)
class Record:
    index: int
    line: bytes


def record(index: int, unix: float = NOON, **fields: object) -> Record:
    time = datetime.fromtimestamp(unix, timezone.utc).isoformat(timespec="milliseconds")
    values = {"index": index, "time": time, "msg_type": "ARQ", **fields, "node": "gk1", "epoch": 1}
    return Record(index, json.dumps(values).encode())


@contextmanager
def opened(folder: Path, stream: str = RAS_STREAM) -> Iterator[DayFileWriter]:
    log = DayFileWriter(folder, stream)
    try:
        log.open()
        yield log
    finally:
        log.close()


def file(folder: Path, day: str = "20270115") -> Path:
    return folder / "h323_witness" / f"h323_ras_{day}.jsonl"


def indexes(path: Path) -> list[int]:
    return [json.loads(line)["index"] for line in path.read_bytes().splitlines()]


def test_files_and_lines_are_as_the_runbook_has_them(tmp_path: Path) -> None:
    with (
        opened(tmp_path) as log,
        opened(tmp_path, FAILOVER_STREAM) as failover,
        opened(tmp_path, GATEWAY_STREAM) as gateway,
    ):
        log.append([record(0), record(1)])
        failover.append([record(0, event="X")])
        gateway.append([record(0, event="Y")])
    assert file(tmp_path).read_bytes() == record(0).line + b"\n" + record(1).line + b"\n"
    assert b'"msg_type": "ARQ"' in file(tmp_path).read_bytes()
    assert (tmp_path / "ha" / "failover_20270115.jsonl").exists()
    assert (tmp_path / "gateway" / "gateway_20270115.jsonl").exists()
    assert file(tmp_path).stat().st_mode & 0o777 == 0o640


def test_each_record_is_in_the_file_of_its_own_day(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.append([record(0), record(1, NOON + DAY / 2 - 0.001), record(2, NOON + DAY / 2), record(3, NOON + DAY)])
    assert indexes(file(tmp_path)) == [0, 1]
    assert indexes(file(tmp_path, "20270116")) == [2, 3]


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    for index in range(3):
        with opened(tmp_path) as log:
            assert log.size == index
            log.append([record(index, NOON + index * DAY)])
    with opened(tmp_path) as log:
        assert log.size == 3


def test_a_clock_that_is_behind_at_midnight_confuses_nobody(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.append([record(0, NOON + DAY / 2), record(1, NOON + DAY / 2 - 0.5)])
    with opened(tmp_path) as log:
        assert log.size == 2


@pytest.mark.parametrize("torn", [b"{", b'{"index": 2, "time": "2027', b'{"index": 2}', bytes(70_000)])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    with opened(tmp_path) as log:
        log.append([record(0, padding="x" * 70_000), record(1)])
    whole = file(tmp_path).read_bytes()
    with file(tmp_path).open("ab") as raw:
        raw.write(torn)
    with opened(tmp_path) as log:
        assert log.size == 2
        assert file(tmp_path).read_bytes() == whole
        log.append([record(2)])
    assert indexes(file(tmp_path)) == [0, 1, 2]


def test_a_file_with_nothing_but_a_torn_line_is_emptied(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.append([record(0)])
    file(tmp_path, "20270116").write_bytes(b'{"index": 1')
    with opened(tmp_path) as log:
        assert log.size == 1


def test_a_last_line_that_is_no_record_is_named(tmp_path: Path) -> None:
    with opened(tmp_path):
        file(tmp_path).write_text("hello\n")
    with pytest.raises(WitnessLogError, match=r"h323_ras_20270115\.jsonl: the last line is no record; move"):
        DayFileWriter(tmp_path, RAS_STREAM).open()


@pytest.mark.parametrize("index", [0, 2])
def test_a_record_that_does_not_follow_is_not_written(tmp_path: Path, index: int) -> None:
    with opened(tmp_path) as log:
        log.append([record(0)])
        before = file(tmp_path).read_bytes()
        with pytest.raises(WitnessLogError, match="has 1 records on disk, and the store goes on with"):
            log.append([record(index)])
        assert file(tmp_path).read_bytes() == before


def test_what_the_disk_refuses_leaves_no_trace(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.append([record(0)])
        whole = file(tmp_path).read_bytes()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, limits[1]))
        try:
            with pytest.raises(WitnessLogError, match="h323_witness: File too large"):
                log.append([record(1)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert file(tmp_path).read_bytes() == whole
        log.append([record(1)])
    assert indexes(file(tmp_path)) == [0, 1]


def test_two_services_do_not_write_one_log(tmp_path: Path) -> None:
    with opened(tmp_path):
        second = DayFileWriter(tmp_path, RAS_STREAM)
        with pytest.raises(WitnessLogError, match="in use by another gatekeeper"):
            second.open()
        second.close()
    with opened(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "h323_witness").write_text("not a folder")
    with pytest.raises(WitnessLogError, match="h323_witness: File exists; make it writable"):
        DayFileWriter(tmp_path, RAS_STREAM).open()
