"""`h323-witness query` and `tail`."""

from __future__ import annotations

import gzip
import time
from datetime import timedelta
from pathlib import Path

import pytest
from witness.cli import main
from witness.day_files.last import last_records

from library.witness.tests.made_log import BEGIN, MadeLog, record

from .council import Council

CALL = "5f0c9a1e" * 4


@pytest.fixture
def council(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Council:
    return Council(tmp_path, capsys)


@pytest.fixture
def log(tmp_path: Path) -> MadeLog:
    """Three days of alice and bob."""
    log = MadeLog(tmp_path / "other", step=timedelta(hours=1))
    for number in range(40):
        name = "bob" if number % 2 else "alice"
        log.add(1, terminal_id=f"if://guardian/{name}", call_identifier=CALL, source="192.0.2.77:1719")
        log.add(1, terminal_id=f"if://guardian/{name}", msg_type="ARJ", reason="SUSPENDED", detail="by the registry")
    return log


def found(council: Council, log: MadeLog, *conditions: object) -> list[int]:
    code = council.run("query", log.directory, "--json", *conditions)
    indexes = [log.records.index(line.encode()) for line in council.out.splitlines()]
    assert code == (0 if indexes else 1)
    return indexes


def test_by_guardian(council: Council, log: MadeLog) -> None:
    assert found(council, log, "--guardian", "bob") == [n for n in range(80) if n % 4 in {2, 3}]
    assert found(council, log, "--guardian", "if://guardian/bob", "--limit", 1) == [2]
    assert found(council, log, "--guardian", "bo") == []
    assert council.err == "h323-witness: no such record\n"


def test_by_call_reason_and_type(council: Council, log: MadeLog) -> None:
    even = list(range(0, 80, 2))
    assert found(council, log, "--call", CALL) == even
    assert found(council, log, "--call", CALL[:8].upper()) == even
    assert found(council, log, "--call", "0c9a") == []
    assert found(council, log, "--reason", "SUSPENDED", "--guardian", "alice") == list(range(1, 80, 4))
    assert found(council, log, "--type", "ARQ") == even
    assert found(council, log, "--reason", "registry") == []


def test_by_time(council: Council, log: MadeLog) -> None:
    assert found(council, log, "--since", "2026-11-27") == list(range(60, 80))
    assert found(council, log, "--until", "2026-11-24T14:00:00Z") == [0, 1]
    assert found(council, log, "--since", "2026-11-24T15:00:00+01:00", "--until", "2026-11-24T16:00") == [2, 3]
    assert council.run("query", log.directory, "--since", "yesterday") == 64


def test_a_file_of_a_wrong_clock_does_not_hide_what_came_later(council: Council, log: MadeLog) -> None:
    late, right = record(80, BEGIN + timedelta(days=365)), record(81, BEGIN + timedelta(hours=1))
    log.write([late, right], "20271124")
    assert found(council, log, "--until", "2026-11-24T14:00:00Z") == [0, 1, 81]
    assert found(council, log, "--since", "2027-01-01") == [80]


def test_packed_days_are_searched_too(council: Council, log: MadeLog) -> None:
    plain = log.file("20261125")
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert len(found(council, log)) == 80


def test_the_table(council: Council, log: MadeLog) -> None:
    assert council.run("query", log.directory, "--limit", 2) == 0
    header, request, answer = council.out.splitlines()
    assert header.split() == ["TIME", "INDEX", "TYPE", "GUARDIAN", "CALL", "SOURCE", "REASON"]
    assert request.split() == ["2026-11-24T12:00:00.000", "0", "ARQ", "alice", "5f0c9a1e", "192.0.2.77:1719"]
    assert answer.endswith("SUSPENDED: by the registry")


def test_nothing_in_a_record_steers_the_terminal(council: Council, log: MadeLog) -> None:
    log.write([record(80, log.time(80), reason="\x1b]0;owned\x07"), b'{"index": 81, "\x1b[31m'], "20261127")
    assert council.run("query", log.directory) == 0
    assert "\x1b" not in council.out


def test_flaws_are_told(council: Council, log: MadeLog) -> None:
    log.replace(log.records[3] + b"\n", b"")
    assert council.run("query", log.directory, "--json") == 0
    assert "1 flaws in the files" in council.err


def test_the_stream_with_the_requests_is_meant_unless_another_is_named(council: Council) -> None:
    council.logs["failover"].add(1, event="FAILOVER")
    assert council.run("query", council.directory, "--type", "FAILOVER") == 1
    assert council.run("query", council.directory, "--type", "FAILOVER", "--stream", "failover") == 0


def test_the_last_records(council: Council, log: MadeLog) -> None:
    assert council.run("tail", log.directory, "--json") == 0
    assert council.out.encode().splitlines() == log.records[-10:]
    assert council.run("tail", log.directory, "-n", 0) == 0
    assert len(council.out.splitlines()) == 1
    assert council.run("tail", log.directory, "--json", "-n", 1000) == 0
    assert council.out.encode().splitlines() == log.records


def test_the_last_records_of_mixed_and_packed_days(tmp_path: Path) -> None:
    log = MadeLog(tmp_path)
    for index, day in enumerate(["24", "24", "25", "26", "25", "27", "26"]):
        log.write([record(index, log.time(index))], f"202611{day}")
    with log.file("20261127").open("ab") as file:
        file.write(b'{"index": 7')
    plain = log.file("20261126")
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    for count in range(9):
        ending = last_records(log.folder, log.stream, count)
        assert ending.lines == (log.records[-count:] if count else [])
    assert ending.ends["20261127"] == log.file("20261127").stat().st_size - 11


def test_it_follows_across_midnight_and_a_rotation(
    log: MadeLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(range(4))

    def sleep(_: float) -> None:
        match next(looks):
            case 0:
                log.add(1)
            case 1:
                old = log.file("20261124")
                old.with_name(f"{old.name}.gz").write_bytes(gzip.compress(old.read_bytes()))
                old.unlink()
                log.write([record(81, log.time(81))], "20261201")
            case 2:
                log.write([record(82, log.time(82))], "20261130")
                log.write([record(83, log.time(83))], "20261201")
            case _:
                raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    assert main(["tail", str(log.directory), "-f", "-n", "2", "--json"]) == 130
    assert capsys.readouterr().out.encode().splitlines() == log.records[-6:]


def test_a_reader_that_has_gone_is_no_error(log: MadeLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Gone:
        """A pipe whose other end is closed."""

        def __init__(self) -> None:
            self.file = (tmp_path / "out").open("wb")
            self.buffer = self

        def write(self, _: object) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            """Nothing waits."""

        def fileno(self) -> int:
            return self.file.fileno()

    gone = Gone()
    monkeypatch.setattr("sys.stdout", gone)
    assert main(["query", str(log.directory), "--json"]) == 130
    gone.file.close()
