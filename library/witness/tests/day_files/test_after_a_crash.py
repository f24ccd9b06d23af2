"""What a killed process or a power cut leaves of a day file, and how the next writer goes on from there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from witness.day_files.streams import RAS_STREAM
from witness.day_files.writer import DayFileWriter, DiskError, WitnessLogError


@dataclass(frozen=True, slots=True)
class Record:
    index: int
    line: bytes


def records_of(count: int, filler: int = 0) -> list[Record]:
    begin = '{{"index": {0}, "time": "2026-11-24T00:00:00Z", "what": "{1}"}}'
    return [Record(index, begin.format(index, "x" * filler).encode()) for index in range(count)]


def octets_of(records: list[Record]) -> bytes:
    return b"".join(record.line + b"\n" for record in records)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "h323_witness" / "h323_ras_20261124.jsonl"
    path.parent.mkdir()
    return path


def opened(file: Path) -> DayFileWriter:
    writer = DayFileWriter(file.parent.parent, RAS_STREAM)
    writer.open()
    return writer


WHOLE = octets_of(records_of(5))


@pytest.mark.parametrize(
    "left",
    [
        *(WHOLE + octets_of(records_of(8)[5:])[:cut] for cut in (1, 20, 50)),
        WHOLE + bytes(10),
        WHOLE + bytes(10) + b'"}\n',
        WHOLE + b'{"index": 5, "ti' + bytes(30) + b'"}\n' + octets_of(records_of(8)[7:]),
    ],
)
def test_what_is_there_in_part_is_cut_off(file: Path, left: bytes) -> None:
    """Also a part in the midst of a long write, which the disk shows as zeros although what follows it is there."""
    file.write_bytes(left)
    writer = opened(file)
    assert writer.size == 5
    writer.append(records_of(9)[5:])
    writer.close()
    assert file.read_bytes() == octets_of(records_of(9))


def test_a_long_write_is_synced_by_parts(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is known how far back the disk may have forgotten something."""
    syncs = []
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: syncs.append(os.fstat(descriptor).st_size))
    writer = opened(file)
    records = records_of(100, filler=50_000)
    writer.append(records)
    writer.close()
    assert file.read_bytes() == octets_of(records)
    assert syncs[-1] == len(file.read_bytes())
    longest = max(after - before for before, after in zip([0, *syncs], syncs, strict=False))
    assert longest <= (1 << 20) + 51_000
    with file.open("r+b") as changed:
        changed.seek(-longest, os.SEEK_END)
        changed.write(bytes(4096))
    again = opened(file)
    assert 0 < again.size < 100
    again.append(records[again.size :])
    again.close()
    assert file.read_bytes() == octets_of(records)


def test_a_folder_that_can_t_be_synced_doubles_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = opened(file)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", failing)
        with pytest.raises(DiskError):
            writer.append(records_of(3))
    assert writer.size == 0
    writer.append(records_of(3))
    writer.close()
    assert file.read_bytes() == octets_of(records_of(3))


def failing(_: int) -> None:
    raise OSError(5, "Input/output error")


def test_zeros_that_no_crash_leaves_are_an_error(file: Path) -> None:
    """More of them than there ever is between two syncs."""
    file.write_bytes(WHOLE + bytes(2 << 20) + b"\n")
    with pytest.raises(WitnessLogError):
        opened(file)
