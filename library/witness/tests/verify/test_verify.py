"""Logs that are right, and logs that somebody changed: each verdict, and where it points."""

from __future__ import annotations

import gzip
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from witness.checkpoint import Checkpoint
from witness.day_files.markers import RETAINED, write_marker
from witness.policy import judge_checkpoint
from witness.tiles import TileWriter
from witness.tree import leaf_hashes
from witness.verify import Demands, Kind, StreamReport, Verdict, verify_stream
from witness.verify.stream import DEFAULT_MAX_AGE, Wait

from library.witness.tests.made_log import DOMAIN, SIGNERS, MadeLog, policy, record


@pytest.fixture
def log(tmp_path: Path) -> MadeLog:
    return MadeLog(tmp_path).add(700).publish()


def verify(
    log: MadeLog,
    quorum: str = "wit1",
    wait: Wait | None = None,
    *,
    max_age: float = DEFAULT_MAX_AGE,
    known: tuple[Checkpoint, ...] = (),
) -> StreamReport:
    wanted = Demands(policy(quorum), max_age, known)
    return verify_stream(log.folder, log.stream, log.origin, wanted, wait=wait)


def kinds(report: StreamReport) -> list[Kind]:
    return [finding.kind for finding in report.findings]


class TestGood:
    def test_a_log(self, log: MadeLog) -> None:
        report = verify(log)
        assert (report.verdict, report.findings, report.notes) == (Verdict.GOOD, [], [])
        assert (report.first, report.records, report.covered) == (0, 700, 700)
        assert list(report.cosigned) == ["wit1"]

    @pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 512])
    def test_any_size(self, tmp_path: Path, size: int) -> None:
        assert verify(MadeLog(tmp_path).add(size).publish()).findings == []

    def test_two_levels_of_tiles(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path, step=timedelta(milliseconds=10)).add(66_000).publish()
        assert verify(log).findings == []
        log.replace(b'"index": 65900', b'"index": 65901')
        assert verify(log).verdict is Verdict.TAMPERED

    def test_days_of_which_some_are_packed(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path, step=timedelta(minutes=30)).add(300).publish()
        for path in sorted(log.folder.glob("*.jsonl"))[:3]:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        assert verify(log).findings == []

    def test_one_without_tiles_is_compared_with_the_checkpoint_alone(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(9).publish(tiles=False)
        report = verify(log)
        assert (report.verdict, len(report.notes)) == (Verdict.GOOD, 1)
        log.replace(b"gk1", b"gk2")
        assert kinds(verify(log)) == [Kind.ROOT_DIFFERS]

    def test_a_partial_tile_may_have_become_full(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(300).publish(200)
        writer = TileWriter(log.folder)
        writer.append(leaf_hashes(log.records))
        writer.publish()
        assert not (log.folder / "tile/0/000.p").exists()
        assert kinds(verify(log)) == [Kind.UNSIGNED_TAIL]

    def test_records_in_another_days_file_are_noted(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path, step=timedelta(hours=9)).add(5).publish()
        log.file("20261125").rename(tmp_path / "elsewhere")
        log.file("20261124").rename(log.file("20261125"))
        (tmp_path / "elsewhere").rename(log.file("20261124"))
        report = verify(log)
        assert (report.verdict, report.findings, len(report.notes)) == (Verdict.GOOD, [], 1)
        assert f"{log.file('20261125')}:1: record 0 is of 20261124" in report.notes[0]

    def test_tiles_may_be_ahead_of_the_checkpoint(self, log: MadeLog) -> None:
        before = (log.folder / "checkpoint").read_bytes()
        log.add(50).publish()
        (log.folder / "checkpoint").write_bytes(before)
        assert kinds(verify(log)) == [Kind.UNSIGNED_TAIL]

    def test_nothing_at_all_is_said(self, tmp_path: Path) -> None:
        report = verify(MadeLog(tmp_path))
        assert report.verdict is Verdict.GOOD
        assert "nothing was ever written" in report.notes[0]

    def test_a_quorum_of_none_needs_no_cosigner(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(5).publish(cosigners=())
        assert verify(log, "none").findings == []


class TestTampered:
    def test_every_single_changed_octet_shows(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path / "log").add(5).publish()
        for path in (each for each in log.folder.rglob("*") if each.is_file()):
            octets = path.read_bytes()
            for at, octet in enumerate(octets):
                path.write_bytes(octets[:at] + bytes([octet ^ 1]) + octets[at + 1 :])
                report = verify(log)
                assert report.verdict is not Verdict.GOOD, (path, at)
                if path.suffix == ".jsonl" or "tile" in path.parts:
                    assert report.verdict is Verdict.TAMPERED, (path, at)
            path.write_bytes(octets)
        assert verify(log).findings == []

    @pytest.mark.parametrize("index", [0, 255, 256, 300, 511, 512, 698, 699])
    def test_a_changed_record_is_named_with_its_line(self, log: MadeLog, index: int) -> None:
        log.replace(log.records[index], log.records[index].replace(b"gk1", b"gk2"))
        report = verify(log)
        assert kinds(report) == [Kind.RECORD_DIFFERS]
        finding = report.findings[0]
        assert (finding.path, finding.line, finding.index) == (log.file(), index + 1, index)
        assert "fit the checkpoint" in finding.text

    def test_of_many_changed_records_the_first_ones_are_named_and_all_counted(self, log: MadeLog) -> None:
        log.file().write_bytes(log.file().read_bytes().replace(b"gk1", b"gk2"))
        report = verify(log)
        assert [finding.index for finding in report.findings] == list(range(100))
        assert report.further == 600

    def test_a_record_and_its_tile_changed_together(self, log: MadeLog) -> None:
        changed = log.records[300].replace(b"gk1", b"gk2")
        log.replace(log.records[300], changed)
        tile = log.folder / "tile/0/001"
        tile.write_bytes(tile.read_bytes().replace(leaf_hashes([log.records[300]])[0], leaf_hashes([changed])[0]))
        assert kinds(verify(log)) == [Kind.ROOT_DIFFERS]

    def test_a_missing_record(self, log: MadeLog) -> None:
        log.replace(log.records[300] + b"\n", b"")
        report = verify(log)
        assert kinds(report) == [Kind.MISSING]
        assert (report.findings[0].index, report.findings[0].line) == (300, 301)

    def test_missing_and_changed_records_are_told_apart(self, log: MadeLog) -> None:
        log.replace(log.records[300] + b"\n", b"")
        log.replace(log.records[600], log.records[600].replace(b"gk1", b"gk2"))
        assert [(each.kind, each.index) for each in verify(log).findings] == [
            (Kind.MISSING, 300),
            (Kind.RECORD_DIFFERS, 600),
        ]

    def test_reordered_records(self, log: MadeLog) -> None:
        lines = log.file().read_bytes().splitlines(keepends=True)
        lines[300], lines[301] = lines[301], lines[300]
        log.file().write_bytes(b"".join(lines))
        assert Kind.MISPLACED in kinds(verify(log))

    def test_renumbered_records(self, log: MadeLog) -> None:
        """Two records change places and take each other's index: the tree knows."""
        first = log.records[300].replace(b'"index": 300,', b'"index": 301,')
        second = log.records[301].replace(b'"index": 301,', b'"index": 300,')
        log.replace(log.records[300] + b"\n" + log.records[301], second + b"\n" + first)
        assert [(each.kind, each.index) for each in verify(log).findings] == [
            (Kind.RECORD_DIFFERS, 300),
            (Kind.RECORD_DIFFERS, 301),
        ]

    @pytest.mark.parametrize("kept", [0, 1, 256, 699])
    def test_truncated_records(self, log: MadeLog, kept: int) -> None:
        log.file().write_bytes(b"".join(line + b"\n" for line in log.records[:kept]))
        report = verify(log)
        assert Kind.TRUNCATED in kinds(report)
        assert report.verdict is Verdict.TAMPERED

    def test_a_record_cut_within_the_checkpoint(self, log: MadeLog) -> None:
        log.file().write_bytes(log.file().read_bytes()[:-9])
        assert kinds(verify(log)) == [Kind.TORN, Kind.TRUNCATED]

    @pytest.mark.parametrize("count", [1, 300, 600])
    def test_records_that_were_cut_off_in_front(self, log: MadeLog, count: int) -> None:
        log.file().write_bytes(b"".join(line + b"\n" for line in log.records[count:]))
        report = verify(log)
        assert kinds(report) == [Kind.ABSENT]
        assert "no rotation has removed them" in report.findings[0].text

    def test_a_changed_tile(self, log: MadeLog) -> None:
        tile = log.folder / "tile/0/001"
        tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
        report = verify(log)
        assert kinds(report) == [Kind.TILE_DIFFERS]
        assert report.findings[0].path == tile

    def test_a_missing_tile(self, log: MadeLog) -> None:
        (log.folder / "tile/0/001").unlink()
        assert kinds(verify(log)) == [Kind.TILE_MISSING]

    def test_a_changed_partial_tile_of_an_earlier_checkpoint(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(9).publish(5).publish(9)
        earlier = log.folder / "tile/0/000.p/5"
        assert verify(log).findings == []
        earlier.write_bytes(bytes(160))
        assert [(each.kind, each.path) for each in verify(log).findings] == [(Kind.TILE_DIFFERS, earlier)]

    def test_a_fork(self, log: MadeLog, tmp_path: Path) -> None:
        """Another history with the right signatures, as who has all keys can make it; only an old checkpoint tells."""
        known = judge_checkpoint(log.checkpoint(500), policy()).checkpoint
        other = MadeLog(tmp_path / "other").add(400).add(350, purpose="another").publish()
        assert verify(other).findings == []
        assert kinds(verify(other, known=(known,))) == [Kind.FORK]
        assert verify(log, known=(known,)).findings == []

    def test_a_rollback(self, log: MadeLog, tmp_path: Path) -> None:
        known = judge_checkpoint((log.folder / "checkpoint").read_bytes(), policy()).checkpoint
        older = MadeLog(tmp_path / "older").add(600).publish()
        assert kinds(verify(older, known=(known,))) == [Kind.ROLLED_BACK]

    @pytest.mark.parametrize("name", ["gateway", "failover"])
    def test_another_streams_checkpoint(self, log: MadeLog, tmp_path: Path, name: str) -> None:
        other = MadeLog(tmp_path / "other", name=name).add(700).publish()
        shutil.copy(other.folder / "checkpoint", log.folder)
        assert Kind.BAD_CHECKPOINT in kinds(verify(log))

    def test_a_checkpoint_signed_by_an_unknown_key(self, log: MadeLog) -> None:
        path = log.folder / "checkpoint"
        name = SIGNERS[log.name].verifier.name.encode()
        path.write_bytes(path.read_bytes().replace(b"\xe2\x80\x94 " + name, b"\xe2\x80\x94 " + name + b"-other"))
        assert kinds(verify(log)) == [Kind.BAD_CHECKPOINT]
        path.write_text("nonsense")
        assert verify(log).verdict is Verdict.TAMPERED

    def test_a_flood_of_findings_is_bounded(self, log: MadeLog) -> None:
        log.file().write_bytes(b"".join(line + b"\n" for line in reversed(log.records * 3)))
        report = verify(log)
        assert report.verdict is Verdict.TAMPERED
        assert len(report.findings) == 1_000
        assert report.further > 500


class TestRetained:
    @pytest.fixture
    def days(self, tmp_path: Path) -> MadeLog:
        log = MadeLog(tmp_path, step=timedelta(minutes=30)).add(600).publish()
        for path in sorted(log.folder.glob("*.jsonl"))[:5]:
            path.unlink()
        return log

    def test_tiles_stand_for_records_that_a_rotation_has_removed(self, days: MadeLog) -> None:
        write_marker(days.folder, RETAINED, days.name, 216)
        report = verify(days)
        assert (report.verdict, report.first, report.records) == (Verdict.GOOD, 216, 600)
        assert "0 to 215" in report.notes[0]

    def test_a_marker_for_fewer_is_not_enough(self, days: MadeLog) -> None:
        write_marker(days.folder, RETAINED, days.name, 215)
        assert kinds(verify(days)) == [Kind.ABSENT]

    def test_records_behind_them_are_still_checked(self, days: MadeLog) -> None:
        write_marker(days.folder, RETAINED, days.name, 216)
        path = min(days.folder.glob("*.jsonl"))
        path.write_bytes(path.read_bytes().replace(b"gk1", b"gk2", 1))
        assert [(each.kind, each.index) for each in verify(days).findings] == [(Kind.RECORD_DIFFERS, 216)]

    def test_without_the_tiles_nobody_stands_for_them(self, days: MadeLog) -> None:
        write_marker(days.folder, RETAINED, days.name, 216)
        (days.folder / "tile/0/000").unlink()
        assert kinds(verify(days)) == [Kind.ABSENT]

    def test_with_changed_tiles_neither(self, days: MadeLog) -> None:
        write_marker(days.folder, RETAINED, days.name, 216)
        tile = days.folder / "tile/0/000"
        tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
        assert verify(days).verdict is Verdict.TAMPERED

    def test_a_marker_that_says_nothing(self, days: MadeLog) -> None:
        (days.folder / RETAINED).write_text("216")
        assert kinds(verify(days)) == [Kind.ABSENT]

    def test_records_that_no_checkpoint_covers_may_not_be_absent(self, days: MadeLog) -> None:
        write_marker(days.folder, RETAINED, days.name, 216)
        days.publish(100)
        assert Kind.ABSENT in kinds(verify(days))


class TestTail:
    def test_records_beyond_the_checkpoint(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(20).publish(15)
        report = verify(log)
        assert report.verdict is Verdict.UNSIGNED_TAIL
        assert (report.findings[0].index, report.findings[0].line) == (15, 16)

    def test_a_line_without_its_end(self, log: MadeLog) -> None:
        with log.file().open("ab") as file:
            file.write(record(700, log.time(700))[:30])
        assert kinds(verify(log)) == [Kind.TORN_TAIL]

    def test_what_is_wrong_in_the_tail_is_tampering(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(20).publish(15)
        log.replace(log.records[17] + b"\n", b"")
        assert verify(log).verdict is Verdict.TAMPERED

    def test_a_record_in_the_tail_has_to_be_json(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(20).publish(15)
        log.replace(log.records[17], log.records[17][:-1] + b"]")
        report = verify(log)
        assert (report.findings[0].kind, report.findings[0].line) == (Kind.NO_RECORD, 18)

    def test_a_checkpoint_that_comes_meanwhile_is_taken(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(300).publish(15)
        asked = []

        def wait(uncovered: int) -> bool:
            asked.append(uncovered)
            log.add(5).publish()
            return True

        report = verify(log, wait=wait)
        assert (report.verdict, report.covered, report.records) == (Verdict.GOOD, 305, 305)
        assert asked == [285]

    def test_records_that_come_all_the_time_are_no_unsigned_tail(self, tmp_path: Path) -> None:
        """Each checkpoint is old when it appears; what was there at first is covered in the end."""
        log = MadeLog(tmp_path).add(300).publish(280)

        def wait(_: int) -> bool:
            log.add(20).publish(310).add(7)
            with log.file().open("ab") as file:
                file.write(b'{"index": 327, ')
            return True

        report = verify(log, wait=wait)
        assert (report.verdict, report.findings, report.covered) == (Verdict.GOOD, [], 310)
        assert report.notes == ["17 records came while this was verified: they are not covered yet"]

    def test_a_line_that_is_being_written_is_waited_for(self, log: MadeLog) -> None:
        line = record(700, log.time(700))
        with log.file().open("ab") as file:
            file.write(line[:30])

        def wait(_: int) -> bool:
            with log.file().open("ab") as file:
                file.write(line[30:] + b"\n")
            log.records.append(line)
            log.publish()
            return True

        assert verify(log, wait=wait).verdict is Verdict.GOOD
        assert verify(log).records == 701

    def test_waiting_ends(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(300).publish(15)
        assert verify(log, wait=lambda _: False).verdict is Verdict.UNSIGNED_TAIL


class TestStale:
    def test_no_checkpoint(self, tmp_path: Path) -> None:
        report = verify(MadeLog(tmp_path).add(20))
        assert (report.verdict, kinds(report)) == (Verdict.STALE, [Kind.NO_CHECKPOINT])

    def test_too_few_cosigners(self, log: MadeLog) -> None:
        report = verify(log, "both")
        assert kinds(report) == [Kind.NO_QUORUM]
        assert report.verdict is Verdict.STALE
        assert verify(log.publish(cosigners=("wit1", "wit2")), "both").findings == []

    def test_no_cosigner_at_all(self, log: MadeLog) -> None:
        assert kinds(verify(log.publish(cosigners=()))) == [Kind.NO_QUORUM]

    def test_an_old_cosignature(self, tmp_path: Path) -> None:
        log = MadeLog(tmp_path).add(20).publish(15, age=timedelta(seconds=61))
        assert verify(log, max_age=59).verdict is Verdict.STALE
        assert verify(log, max_age=60).verdict is Verdict.UNSIGNED_TAIL

    def test_tampering_is_worse(self, log: MadeLog) -> None:
        log.publish(cosigners=())
        log.replace(b"gk1", b"gk2")
        assert verify(log).verdict is Verdict.TAMPERED


def test_the_origin_is_the_policys(log: MadeLog) -> None:
    assert log.origin == f"{DOMAIN}/h323_ras"
