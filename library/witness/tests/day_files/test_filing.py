"""Wherever clocks stand: each host has the same files, and every reader finds the records in them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from witness.day_files.filing import Filing
from witness.day_files.last import last_records
from witness.day_files.lookup import find_record
from witness.day_files.reader import DayFileReader, Run
from witness.day_files.streams import RAS_STREAM, STREAMS
from witness.day_files.writer import DayFileWriter
from witness.log.lines import Lines

STREAM = STREAMS[RAS_STREAM]
TODAY = datetime(2026, 11, 24, 23, 59, 50, tzinfo=timezone.utc)
LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Record:
    index: int
    line: bytes


def records_at(times: Sequence[datetime]) -> list[Record]:
    return [
        Record(index, json.dumps({"index": index, "time": time.isoformat(timespec="milliseconds")}).encode())
        for index, time in enumerate(times)
    ]


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[DayFileWriter]:
    with contextlib.closing(DayFileWriter(folder, RAS_STREAM)) as writer:
        writer.open()
        yield writer


def write(folder: Path, records: Sequence[Record], batches: Sequence[int]) -> None:
    """Append all of them, so many at a time, each batch by another process."""
    written = 0
    for count in (*batches, len(records)):
        with writing(folder) as writer:
            assert writer.size == written
            writer.append(records[written : written + count])
            written = writer.size


def octets(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*/*.jsonl")}


times = st.lists(
    st.one_of(
        st.integers(-20, 20).map(lambda seconds: TODAY + timedelta(seconds=seconds)),
        st.integers(0, 9).map(lambda days: TODAY + timedelta(days=days)),
        st.integers(-400, 400).map(lambda days: TODAY + timedelta(days=days)),
        st.just(LONG_AGO),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@example(when=[*(TODAY + timedelta(days=day) for day in range(5)), LONG_AGO, TODAY + timedelta(days=5)], batches=[])
@example(when=[TODAY, *(TODAY + timedelta(days=day) for day in (365, 366, 367, 1, 2, 3, 4))], batches=[3, 1])
@given(when=times, batches=st.lists(st.integers(1, 9), max_size=9))
def test_wherever_clocks_stand_the_log_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, when: list[datetime], batches: list[int]
) -> None:
    # What is told here isn't what a power cut leaves.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("os.fsync", lambda _: None)
        patched.setattr("os.fdatasync", lambda _: None)
        written_and_read(tmp_path_factory, when, batches)


def written_and_read(
    tmp_path_factory: pytest.TempPathFactory, when: Sequence[datetime], batches: Sequence[int]
) -> None:
    folder, other = tmp_path_factory.mktemp("gk1"), tmp_path_factory.mktemp("gk2")
    records = records_at(when)
    expected = [record.line for record in records]
    with contextlib.closing(Lines(folder, STREAM)) as following, writing(folder) as writer:
        for record in records:
            writer.append([record])
            assert following.read(1_000) == [record.line]
    write(other, records, batches)
    assert octets(other) == octets(folder)
    with contextlib.closing(Lines(folder, STREAM)) as anew:
        assert anew.read(1_000) == expected
    with contextlib.closing(DayFileReader(folder / STREAM.folder, STREAM)) as reader:
        runs = list(reader.read())
    assert [line for run in runs if isinstance(run, Run) for line in run.lines] == expected
    assert all(isinstance(run, Run) for run in runs)
    assert last_records(folder / STREAM.folder, STREAM, 3).lines == expected[-3:]
    for record in records:
        assert find_record(folder / STREAM.folder, STREAM, record.index) == record.line


@pytest.mark.parametrize(
    ("newest", "own", "day"),
    [
        ("", "20261124", "20261124"),
        ("20261124", "20261124", "20261124"),
        ("20261124", "20261125", "20261125"),
        ("20261124", "20270101", "20270101"),
        ("20261124", "20261123", "20261123"),
        ("20261124", "20261122", "20261124"),
        ("20270101", "20261231", "20261231"),
        ("20261124", "19700101", "20261124"),
        ("20271124", "20261125", "20271124"),
        ("00010101", "00000101", "00010101"),
        ("99999999", "20261124", "99999999"),
    ],
)
def test_a_day_that_is_long_past_is_not_the_file_s(newest: str, own: str, day: str) -> None:
    assert Filing(newest).day(own) == day
