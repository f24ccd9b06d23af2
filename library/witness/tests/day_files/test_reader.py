"""What the reader of day files gives, and what it says is wrong with them."""

from __future__ import annotations

import gzip
import json
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from witness.day_files.flaw import Flaw, FlawKind
from witness.day_files.reader import DayFileReader, Run, index_of

from library.witness.tests.made_log import MadeLog, record


@pytest.fixture
def log(tmp_path: Path) -> MadeLog:
    return MadeLog(tmp_path)


def read(log: MadeLog) -> tuple[list[bytes], list[Flaw]]:
    reader = DayFileReader(log.folder, log.stream)
    items = list(reader.read())
    flaws = [item for item in items if isinstance(item, Flaw)] + reader.finish()
    reader.close()
    return [line for item in items if isinstance(item, Run) for line in item.lines], flaws


def kinds(flaws: list[Flaw]) -> list[tuple[FlawKind, int, int | None]]:
    return [(flaw.kind, flaw.index, flaw.line) for flaw in flaws]


def lines_of(log: MadeLog) -> list[bytes]:
    return log.file().read_bytes().splitlines(keepends=True)


def test_records_of_many_days_come_in_order(tmp_path: Path) -> None:
    log = MadeLog(tmp_path, step=timedelta(hours=5)).add(100)
    assert len(list(log.folder.iterdir())) > 20
    assert read(log) == (log.records, [])


def test_packed_days_are_days_and_a_plain_one_comes_first(tmp_path: Path) -> None:
    log = MadeLog(tmp_path, step=timedelta(hours=9)).add(20)
    days = sorted(log.folder.iterdir())
    for path in days[:4]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    for path in days[:3]:
        path.unlink()
    days[3].with_name(f"{days[3].name}.gz").write_bytes(b"written in part")
    assert read(log) == (log.records, [])


def test_neighbours_around_midnight_may_be_in_different_files(log: MadeLog) -> None:
    for index, day in enumerate(["20261124", "20261125", "20261124", "20261124", "20261126", "20261125", "20261126"]):
        log.write([record(index, log.time(index))], day)
    assert read(log) == (log.records, [])


def test_another_streams_files_and_strangers_do_not_count(log: MadeLog) -> None:
    log.add(3)
    (log.folder / "gateway_20261124.jsonl").write_text("nothing")
    (log.folder / ".h323_ras_20261125.jsonl.gz.new").write_text("nothing")
    (log.folder / "h323_ras_20261125.jsonl.bak").write_text("nothing")
    assert read(log) == (log.records, [])


def test_it_goes_on_where_it_was_when_asked_again(log: MadeLog) -> None:
    log.add(2)
    reader = DayFileReader(log.folder, log.stream)
    assert [len(run.lines) for run in reader.read()] == [2]
    assert list(reader.read()) == []
    log.add(3)
    with log.file().open("ab") as file:
        file.write(record(5, log.time(5))[:20])
    assert [(run.first, len(run.lines), run.line) for run in reader.read()] == [(2, 3, 3)]
    assert kinds(reader.finish()) == [(FlawKind.TORN, 5, 6)]
    with log.file().open("ab") as file:
        file.write(record(5, log.time(5))[20:] + b"\n")
    log.write([record(6, log.time(6))], "20261125")
    assert [run.first for run in reader.read()] == [5, 6]
    assert reader.finish() == []
    assert reader.octets == sum(path.stat().st_size for path in log.folder.iterdir())
    reader.close()


def test_it_can_begin_with_any_record(log: MadeLog) -> None:
    log.records += [record(index, log.time(index)) for index in range(5)]
    log.write([record(index, log.time(index)) for index in range(5, 9)])
    reader = DayFileReader(log.folder, log.stream)
    assert [run.first for run in reader.read()] == [5]
    assert reader.first == 5
    reader.close()


def test_json_that_is_written_in_another_way_is_read_too(log: MadeLog) -> None:
    log.add(2).write([b'{"time":"2026-11-24T12:00:00.000+00:00","index":2}']).add(1)
    assert read(log) == (log.records, [])


class TestFlaws:
    def test_a_missing_record(self, log: MadeLog) -> None:
        log.add(10)
        log.file().write_bytes(b"".join(lines_of(log)[:4] + lines_of(log)[7:]))
        lines, flaws = read(log)
        assert lines == log.records[:4] + log.records[7:]
        assert [(each.kind, each.index, each.count, each.line) for each in flaws] == [(FlawKind.MISSING, 4, 3, 5)]
        assert "4 to 6" in flaws[0].text

    def test_a_record_twice(self, log: MadeLog) -> None:
        log.add(10)
        lines = lines_of(log)
        log.file().write_bytes(b"".join(lines[:6] + lines[4:]))
        found, flaws = read(log)
        assert found == log.records
        assert kinds(flaws) == [(FlawKind.MISPLACED, 6, 7), (FlawKind.MISPLACED, 6, 8)]

    def test_two_records_in_each_others_places(self, log: MadeLog) -> None:
        log.add(10)
        lines = lines_of(log)
        lines[4], lines[5] = lines[5], lines[4]
        log.file().write_bytes(b"".join(lines))
        _, flaws = read(log)
        assert {flaw.kind for flaw in flaws} == {FlawKind.MISPLACED, FlawKind.MISSING}
        assert flaws[0].line == 5

    def test_a_line_with_another_index_does_not_lose_those_behind_it(self, log: MadeLog) -> None:
        log.add(10)
        log.replace(b'{"index": 4,', b'{"index": 4000000000,')
        lines, flaws = read(log)
        assert kinds(flaws) == [(FlawKind.MISNUMBERED, 4, 5)]
        assert lines[5:] == log.records[5:]

    @pytest.mark.parametrize("line", [b"", b"[4]", b"{", b'{"index": -4}', b'{"index": true}', b"\xff", b"[" * 60_000])
    def test_a_line_that_is_no_record(self, log: MadeLog, line: bytes) -> None:
        log.add(10)
        lines = lines_of(log)
        lines[4] = line + b"\n"
        log.file().write_bytes(b"".join(lines))
        found, flaws = read(log)
        assert kinds(flaws) == [(FlawKind.NO_RECORD, 4, 5)]
        assert found == [*log.records[:4], line, *log.records[5:]]

    def test_a_line_more(self, log: MadeLog) -> None:
        log.add(10)
        lines = lines_of(log)
        log.file().write_bytes(b"".join([*lines[:4], b"hello\n", *lines[4:]]))
        found, flaws = read(log)
        assert (found, kinds(flaws)) == (log.records, [(FlawKind.NO_RECORD, 4, 5)])

    @pytest.mark.parametrize("octets", [65_536, 3_000_000])
    def test_a_line_longer_than_any_record_is_not_kept(self, log: MadeLog, octets: int) -> None:
        log.add(4)
        with log.file().open("ab") as file:
            file.write(b"x" * octets + b"\n")
        log.records.append(b"")
        log.add(2)
        found, flaws = read(log)
        assert kinds(flaws) == [(FlawKind.NO_RECORD, 4, 5)]
        assert "65535" in flaws[0].text
        assert found[5:] == log.records[5:]
        assert max(map(len, found)) < 200

    def test_a_last_line_without_its_end(self, log: MadeLog) -> None:
        log.add(3)
        log.file().write_bytes(log.file().read_bytes()[:-1])
        assert kinds(read(log)[1]) == [(FlawKind.TORN, 2, 3)]

    def test_a_line_without_its_end_in_an_older_file(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path, step=timedelta(hours=12)).add(12)
        first = min(log.folder.iterdir())
        first.write_bytes(first.read_bytes()[:-1])
        assert FlawKind.TORN in {flaw.kind for flaw in read(log)[1]}

    @pytest.mark.parametrize("cut", [1, 9, 40])
    def test_a_packed_file_that_is_cut(self, tmp_path: Path, cut: int) -> None:
        log = MadeLog(tmp_path, step=timedelta(hours=6)).add(20)
        first = min(log.folder.iterdir())
        first.with_name(f"{first.name}.gz").write_bytes(gzip.compress(first.read_bytes())[:-cut])
        first.unlink()
        flaws = read(log)[1]
        assert [flaw.kind for flaw in flaws if flaw.path.suffix == ".gz"] == [FlawKind.UNREADABLE]

    def test_a_folder_in_a_files_place(self, log: MadeLog) -> None:
        log.add(2)
        log.file("20261125").mkdir()
        assert [flaw.kind for flaw in read(log)[1]] == [FlawKind.UNREADABLE]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 12), max_size=30), st.data())
def test_whatever_the_order_reading_ends_and_no_line_is_lost(indexes: list[int], data: st.DataObject) -> None:
    """Each line comes out as a record, or a flaw names it; what comes out counts up."""
    with tempfile.TemporaryDirectory() as folder:
        log = MadeLog(Path(folder))
        log.folder.mkdir()
        days = ["20261124", "20261125", "20261126", "20261127"]
        for index in indexes:
            log.write([json.dumps({"index": index}).encode()], data.draw(st.sampled_from(days)))
        reader = DayFileReader(log.folder, log.stream)
        items = list(reader.read())
        reader.close()
        runs = [item for item in items if isinstance(item, Run)]
        extra = [item for item in items if isinstance(item, Flaw) and item.kind is FlawKind.MISPLACED]
        assert sum(len(run.lines) for run in runs) + len(extra) == len(indexes)
        numbers = [run.first + at for run in runs for at in range(len(run.lines))]
        assert numbers == sorted(set(numbers))


@given(st.binary(max_size=60))
def test_any_octets_have_an_index_or_none(line: bytes) -> None:
    found = index_of(line)
    assert found is None or found >= 0
