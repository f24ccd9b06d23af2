"""What a cosigner keeps: its last checkpoints, and evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from witness.cosigner.desk import Desk
from witness.cosigner.evidence import MOST, EvidenceFolder, Submitter
from witness.cosigner.judgement import Judge
from witness.cosigner.memory import Memory, MemoryLostError
from witness.cosigner.metrics import CosignerMetrics
from witness.cosigner.origin_name import OriginNameError, file_name
from witness.durable_file import replace_durably
from witness.errors import WitnessError
from witness.note import Cosigner, open_note

from .submissions import GATEWAY, KEY, LOG, NOW, ORIGIN, Tree

ORIGINS = (ORIGIN, GATEWAY.verifier.name)
GK1 = Submitter("gk1", "192.0.2.11")


class Disk:
    """Replaces files until it is full."""

    def __init__(self) -> None:
        self.full = False

    def replace(self, path: Path, octets: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        replace_durably(path, octets)


class House:
    """A cosigner without its network."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk()
        self.memory = Memory(folder, self.disk.replace)
        self.memory.open(ORIGINS, KEY.verifier)
        self.evidence = EvidenceFolder(folder / "evidence")
        self.evidence.open()
        metrics = CosignerMetrics(dict, dict)
        judge = Judge(KEY, [LOG.verifier, GATEWAY.verifier])
        self.desk = Desk(judge, self.memory, self.evidence, metrics, lambda: float(NOW))

    def submit(self, body: bytes, submitter: Submitter = GK1) -> int:
        return self.desk.submit(body, submitter).status

    def size(self, origin: str = ORIGIN) -> int:
        return self.memory.kept[origin].checkpoint.size


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def evidence(folder: Path) -> list[Path]:
    return sorted(folder.glob("evidence/*.json"))


class TestMemory:
    def test_it_is_there_after_a_restart(self, house: House, tmp_path: Path) -> None:
        assert house.submit(Tree(10).submission(0, 10)) == 200
        assert house.submit(Tree(5, signer=GATEWAY).submission(0, 5)) == 200
        house.memory.close()
        again = House(tmp_path)
        assert (again.size(), again.size(ORIGINS[1])) == (10, 5)
        assert again.memory.kept == house.memory.kept
        assert again.submit(Tree(20, fork="x").submission(0, 20)) == 409

    def test_only_one_process_writes(self, house: House, tmp_path: Path) -> None:
        assert house
        with pytest.raises(WitnessError, match="another cosigner works in"):
            House(tmp_path)

    def test_a_disk_that_refuses_has_nothing_cosigned(self, house: House) -> None:
        house.submit(Tree(10).submission(0, 10))
        house.disk.full = True
        assert house.submit(Tree(20).submission(10, 20)) == 500
        assert house.size() == 10
        house.disk.full = False
        assert house.submit(Tree(20).submission(10, 20)) == 200
        assert house.size() == 20

    @pytest.mark.parametrize("loss", ["removed", "empty", "changed", "folder"])
    def test_one_that_has_forgotten_does_not_start(self, house: House, tmp_path: Path, loss: str) -> None:
        house.submit(Tree(10).submission(0, 10))
        house.memory.close()
        (path,) = (tmp_path / "checkpoints").iterdir()
        if loss in {"removed", "folder"}:
            path.unlink()
        else:
            path.write_bytes(b"" if loss == "empty" else path.read_bytes().replace(b"\n10\n", b"\n9\n"))
        if loss == "folder":
            path.parent.rmdir()
        with pytest.raises(MemoryLostError, match="under a new key only"):
            House(tmp_path)

    def test_another_key_does_not_take_over_what_was_cosigned(self, house: House, tmp_path: Path) -> None:
        house.submit(Tree(10).submission(0, 10))
        house.memory.close()
        with pytest.raises(MemoryLostError):
            Memory(tmp_path).open(ORIGINS, Cosigner(KEY.verifier.name, bytes(32)).verifier)

    def test_a_crash_before_the_first_checkpoint_is_no_loss(self, tmp_path: Path) -> None:
        """The mark that says "something was cosigned" comes last."""
        written: list[str] = []

        def replace(path: Path, octets: bytes) -> None:
            written.append(path.parent.name)
            replace_durably(path, octets)

        memory = Memory(tmp_path, replace)
        memory.open(ORIGINS, KEY.verifier)
        made = Judge(KEY, [LOG.verifier]).judge(Tree(3).submission(0, 3), memory.kept, NOW).cosigned
        assert made is not None
        memory.keep(made)
        assert written == ["checkpoints", tmp_path.name]


class TestEvidence:
    def test_a_fork_is_proved_by_both_notes(self, house: House, tmp_path: Path) -> None:
        house.submit(Tree(10).submission(0, 10))
        fork = Tree(10, fork="x", forked_at=7)
        assert house.submit(fork.submission(0, 10), Submitter("gk2", "192.0.2.12")) == 409
        (path,) = evidence(tmp_path)
        told = json.loads(path.read_text())
        assert (told["kind"], told["submitter"], told["address"], told["old"]) == ("fork", "gk2", "192.0.2.12", 0)
        assert told["time"] == "2026-11-18T11:06:40.000+00:00"
        # An auditor needs nothing but the log's key.
        texts = [open_note(told[name].encode(), [LOG.verifier]).text for name in ("cosigned", "submitted")]
        assert [text.split("\n")[:2] for text in texts] == [[ORIGIN, "10"]] * 2
        assert texts[0] != texts[1]
        assert house.evidence.count(ORIGIN) == 1
        assert house.evidence.count(ORIGINS[1]) == 0

    def test_the_same_is_not_kept_twice_and_nothing_is_written_over(self, house: House, tmp_path: Path) -> None:
        house.submit(Tree(10).submission(0, 10))
        fork = Tree(30, fork="x", forked_at=7)
        for old in (10, 10, 0):
            house.submit(fork.submission(old, 10))
        (path,) = evidence(tmp_path)
        before = path.read_bytes()
        assert house.submit(fork.submission(10, 30)) == 422
        house.submit(Tree(20).submission(10, 20))
        assert house.submit(fork.submission(20, 30), Submitter("gk2", "192.0.2.12")) == 422
        assert len(evidence(tmp_path)) == 2
        assert path.read_bytes() == before

    def test_a_crash_between_link_and_unlink_leaves_the_evidence_as_it_is(self, house: House, tmp_path: Path) -> None:
        house.submit(Tree(10).submission(0, 10))
        house.submit(Tree(10, fork="x").submission(10, 10))
        (path,) = evidence(tmp_path)
        before = path.read_bytes()
        (tmp_path / "evidence" / ".new").hardlink_to(path)
        house.submit(Tree(10, fork="y").submission(10, 10))
        assert len(evidence(tmp_path)) == 2
        assert path.read_bytes() == before

    def test_the_disk_is_not_filled_with_it(self, house: House, tmp_path: Path) -> None:
        house.submit(Tree(10).submission(0, 10))
        for number in range(MOST):
            (tmp_path / "evidence" / f"{file_name(ORIGIN)}-{number}.json").touch()
        assert house.submit(Tree(10, fork="x").submission(10, 10)) == 409
        assert len(evidence(tmp_path)) == MOST

    def test_evidence_that_can_not_be_kept_changes_no_answer(self, house: House, tmp_path: Path) -> None:
        house.submit(Tree(10).submission(0, 10))
        (tmp_path / "evidence").rmdir()
        assert house.submit(Tree(10, fork="x").submission(10, 10)) == 409


@pytest.mark.parametrize("origin", ["..", "/etc/passwd", "a/b", "ä/ö", "a-b"])
def test_a_file_s_name_stays_in_its_folder(origin: str) -> None:
    name = f"{file_name(origin)}.begun"
    assert "/" not in name
    assert "-" not in name
    assert name not in {".", ".."}


def test_origins_have_different_names_and_no_endless_ones() -> None:
    assert file_name("a/b") != file_name("a%2Fb")
    with pytest.raises(OriginNameError):
        file_name("ä" * 100)
