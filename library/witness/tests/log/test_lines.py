"""A stream's lines out of its day files: in order, once, and only whole ones."""

from __future__ import annotations

import contextlib
import gzip
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from witness.log.lines import Lines, LinesError, ShrunkError, first_index

from .scene import DAY, NOON, STREAM, day_file, record, write


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    with contextlib.closing(Lines(tmp_path, STREAM)) as made:
        yield made


def everything(lines: Lines, at_once: int = 1_000) -> list[bytes]:
    found = []
    while part := lines.read(at_once):
        found += part
    return found


def whole(folder: Path, at_once: int = 1_000) -> list[bytes]:
    with contextlib.closing(Lines(folder, STREAM)) as lines:
        return everything(lines, at_once)


def pack(path: Path) -> None:
    with gzip.open(path.with_name(path.name + ".gz"), "wb") as packed:
        packed.write(path.read_bytes())
    path.unlink()


def test_nothing_is_there_before_the_first_record(tmp_path: Path, lines: Lines) -> None:
    assert lines.read(10) == []
    expected = write(tmp_path, 0, 3)
    assert lines.read(2) == expected[:2]
    assert lines.read(10) == expected[2:]
    assert lines.read(10) == []
    assert lines.index == 3


def test_a_line_is_read_once_it_is_whole(tmp_path: Path, lines: Lines) -> None:
    expected = write(tmp_path, 0, 1)
    assert everything(lines) == expected
    line = record(1).line
    with day_file(tmp_path).open("ab") as file:
        file.write(line[:20])
        file.flush()
        assert lines.read(10) == []
        file.write(line[20:])
        file.flush()
        assert lines.read(10) == []
        file.write(b"\n")
        file.flush()
        assert lines.read(10) == [line]


def test_a_torn_line_that_is_cut_off_was_never_there(tmp_path: Path, lines: Lines) -> None:
    write(tmp_path, 0, 1)
    everything(lines)
    with day_file(tmp_path).open("ab") as file:
        file.write(b'{"index": 1, "ti')
    assert lines.read(10) == []
    expected = write(tmp_path, 1, 2)
    assert everything(lines) == expected


def test_a_file_that_became_shorter_is_told(tmp_path: Path, lines: Lines) -> None:
    write(tmp_path, 0, 2)
    everything(lines)
    path = day_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ShrunkError, match="has become shorter"):
        lines.read(10)


def test_a_file_that_was_replaced_is_told(tmp_path: Path, lines: Lines) -> None:
    write(tmp_path, 0, 2)
    everything(lines)
    path = day_file(tmp_path)
    other = path.with_name("copied")
    other.write_bytes(path.read_bytes())
    other.rename(path)
    with pytest.raises(ShrunkError, match="was replaced"):
        lines.read(10)


def test_a_file_that_was_packed_goes_on_in_the_next_day(tmp_path: Path, lines: Lines) -> None:
    write(tmp_path, 0, 2)
    everything(lines)
    pack(day_file(tmp_path))
    assert lines.read(10) == []
    assert lines.read(10) == []
    expected = record(2, NOON + 86_400).line
    day_file(tmp_path, str(int(DAY) + 1)).write_bytes(expected + b"\n")
    assert everything(lines) == [expected]


@settings(max_examples=60, deadline=None)
@example(days=[0, 0, 0, 0, 1, 1, 3], packed=set(), at_once=1, early=0)
@given(
    days=st.lists(st.integers(0, 6), min_size=1, max_size=60),
    packed=st.sets(st.integers(0, 6)),
    at_once=st.integers(1, 7),
    early=st.integers(0, 60),
)
def test_every_mixture_of_days_is_read_in_order(
    tmp_path_factory: pytest.TempPathFactory, days: list[int], packed: set[int], at_once: int, early: int
) -> None:
    """Days go up, but for neighbours whose clocks were before midnight again."""
    folder = tmp_path_factory.mktemp("days")
    (folder / STREAM.folder).mkdir()
    days.sort()
    for place in range(1, len(days), 5):
        days[place - 1], days[place] = days[place], max(days[place - 1], days[place] - 1)
    lines = Lines(folder, STREAM)
    expected: list[bytes] = []
    found: list[bytes] = []
    for index, day in enumerate(days):
        one = record(index, NOON + day * 86_400)
        expected.append(one.line)
        with day_file(folder, str(int(DAY) + day)).open("ab") as file:
            file.write(one.line + b"\n")
        if index >= early:
            found += everything(lines, at_once)
    found += everything(lines, at_once)
    assert found == expected
    lines.close()
    for day in packed:
        path = day_file(folder, str(int(DAY) + day))
        if path.exists():
            pack(path)
    assert whole(folder, at_once) == expected


def test_reading_goes_on_from_any_place(tmp_path: Path, lines: Lines) -> None:
    expected = [*write(tmp_path, 0, 5), *write(tmp_path, 5, 5, unix=NOON + 86_400)]
    for index in itertools.count():
        rest = Lines(tmp_path, STREAM, index, lines.position())
        assert everything(rest, 3) == expected[index:]
        rest.close()
        if not lines.read(1):
            break
    assert index == 10


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [
        (b'{"index": 2, "time": "2027-01-15T12:00:00.000+00:00"}\n', "goes on at octet .* with another record than 1"),
        (b'{"index": 0, "time": "2027-01-15T12:00:00.000+00:00"}\n', "record 0 stands where 1 or a later one should"),
        (b'{"index": true}\n', "a record without a number"),
        (b'{"index": "1"}\n', "a record without a number"),
        (b"\n", "is no record"),
        (b"[" * 50_000 + b"\n", "is no record"),
        (b"\xff\n", "is no record"),
        (b"x" * 70_000, "a line of more than 65535 octets"),
        (b'{"index": 1, "padding": "' + b"x" * 66_000 + b'"}\n', "record 1 has more than 65535 octets"),
    ],
)
def test_what_is_no_stream_is_named(tmp_path: Path, spoilt: bytes, error: str) -> None:
    write(tmp_path, 0, 1)
    with day_file(tmp_path).open("ab") as file:
        file.write(spoilt)
    with pytest.raises(LinesError, match=error):
        whole(tmp_path)


def test_a_packed_file_that_is_none_is_named(tmp_path: Path) -> None:
    write(tmp_path, 0, 50)
    pack(day_file(tmp_path))
    packed = day_file(tmp_path).with_name(f"{STREAM.prefix}_{DAY}.jsonl.gz")
    good = packed.read_bytes()
    for broken in (b"plain", good[: len(good) // 2], good[:30] + bytes(10) + good[40:]):
        packed.write_bytes(broken)
        with pytest.raises(LinesError):
            whole(tmp_path)


def test_the_first_record_that_is_there_is_found(tmp_path: Path) -> None:
    assert first_index(tmp_path, STREAM) == 0
    write(tmp_path, 0, 5)
    assert first_index(tmp_path, STREAM) == 0
    write(tmp_path, 5, 5, unix=NOON + 86_400)
    day_file(tmp_path).unlink()
    assert first_index(tmp_path, STREAM) == 5
    day_file(tmp_path, str(int(DAY) + 1)).write_text("hello\n")
    with pytest.raises(LinesError, match="no record"):
        first_index(tmp_path, STREAM)


def test_days_of_other_files_do_not_matter(tmp_path: Path) -> None:
    expected = write(tmp_path, 0, 3)
    for name in ("h323_ras_20270116.jsonl.tmp", "h323_ras_x.jsonl", "checkpoint", ".h323_ras_20270114.jsonl"):
        (tmp_path / STREAM.folder / name).write_text("hello\n")
    assert whole(tmp_path) == expected
