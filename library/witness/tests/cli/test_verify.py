"""`h323-witness verify`: exit codes, and what people and programs are told."""

from __future__ import annotations

import io
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from witness.cli.progress import Progress

from library.witness.tests.made_log import policy_text

from .council import Council


@pytest.fixture
def council(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Council:
    return Council(tmp_path, capsys)


def test_good(council: Council) -> None:
    assert council.verify() == 0
    lines = council.out.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["h323_ras", "good"], ["gateway", "good"], ["failover", "good"]]
    assert "12 records, checkpoint of 12, cosigned by wit1 2026-11-24T12:00:12Z" in lines[0]
    assert lines[-1] == "verdict: good (exit code 0)"
    assert council.err == ""


def test_one_streams_folder(council: Council, tmp_path: Path) -> None:
    assert council.run("verify", council.ras.folder, "--policy", council.policy) == 0
    assert council.out.count("records") == 1
    shutil.copytree(council.ras.folder, tmp_path / "evidence")
    assert council.run("verify", tmp_path / "evidence", "--policy", council.policy) == 0
    assert council.run("verify", council.directory, "--stream", "gateway", "--policy", council.policy) == 0
    assert council.out.startswith("gateway")


def test_tampered(council: Council) -> None:
    council.ras.replace(b"gk1", b"gk2")
    assert council.verify() == 1
    assert f"record-differs: {council.ras.file()}:1: record 0 is not the one signed" in council.out
    assert "next: keep this folder as evidence" in council.out
    assert council.out.endswith("verdict: tampered (exit code 1)\n")


def test_unsigned_tail(council: Council) -> None:
    council.ras.add(3)
    assert council.verify() == 2
    assert "3 records beyond the checkpoint of 12" in council.out


def test_waiting_for_the_tail_to_be_covered_ends(council: Council) -> None:
    council.ras.add(3)
    assert council.verify("--wait", "0.15") == 2


@pytest.mark.parametrize("missing", ["checkpoint", "quorum", "age", "folder"])
def test_stale(council: Council, missing: str) -> None:
    if missing == "checkpoint":
        (council.ras.folder / "checkpoint").unlink()
    elif missing == "quorum":
        council.policy.write_text(policy_text("both"))
    elif missing == "age":
        council.ras.publish(age=timedelta(seconds=100))
    else:
        shutil.rmtree(council.ras.folder)
    assert council.verify() == 3
    assert council.out.endswith("verdict: stale (exit code 3)\n")
    assert council.verify("--max-age", "99") == (0 if missing == "age" else 3)


def test_tampering_with_one_stream_outweighs_the_others(council: Council) -> None:
    council.logs["gateway"].add(1)
    (council.logs["failover"].folder / "checkpoint").unlink()
    assert council.verify() == 3
    council.ras.replace(b"gk1", b"gk2")
    assert council.verify() == 1


def test_a_checkpoint_that_was_kept(council: Council, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(council.ras.checkpoint(7))
    assert council.verify("--known", kept) == 0
    council.ras.add(2).publish()
    kept.write_bytes((council.ras.folder / "checkpoint").read_bytes())
    council.ras.publish(13)
    assert council.verify("--known", kept) == 1
    assert "rolled-back" in council.out
    kept.write_text("nonsense")
    assert council.verify("--known", kept) == 64


def test_json(council: Council) -> None:
    assert council.verify("--json") == 0
    told = json.loads(council.out)
    assert (told["verdict"], told["exit_code"], told["policy_is_the_folders_own"]) == ("good", 0, False)
    council.ras.replace(council.ras.records[3], council.ras.records[3].replace(b"gk1", b"gk2"))
    assert council.verify("--json") == 1
    stream = json.loads(council.out)["streams"][0]
    assert stream["findings"][0]["index"] == 3
    assert stream["findings"][0]["line"] == 4
    assert stream["findings"][0]["file"] == str(council.ras.file())
    assert stream["checkpoint"]["size"] == 12


def test_the_folders_own_policy_is_used_and_that_is_said(council: Council) -> None:
    assert council.run("verify", council.directory) == 64
    assert "give one with --policy" in council.err
    for log in council.logs.values():
        (log.folder / "policy").write_text(policy_text())
    assert council.run("verify", council.directory, "--json") == 0
    assert "WARNING" in council.err
    assert json.loads(council.out)["policy_is_the_folders_own"] is True


class TestInputThatCannotBeUsed:
    """Its exit code is none of the verdicts'."""

    def test_no_folder(self, council: Council, tmp_path: Path) -> None:
        assert council.run("verify", tmp_path / "nowhere", "--policy", council.policy) == 64
        assert council.run("verify", tmp_path, "--policy", council.policy) == 64
        assert "has no day files" in council.err

    def test_no_policy(self, council: Council, tmp_path: Path) -> None:
        assert council.run("verify", council.directory, "--policy", tmp_path / "nowhere") == 64
        council.policy.write_text("nonsense\n")
        assert council.verify() == 64
        council.policy.write_text("quorum none\n")
        assert council.verify() == 64

    def test_arguments(self, council: Council) -> None:
        assert council.verify("--colour") == 64
        assert council.run("verify") == 64
        assert council.run() == 64
        assert "--help" in council.err

    def test_another_streams_folder(self, council: Council) -> None:
        options = ("--stream", "gateway", "--policy", council.policy)
        assert council.run("verify", council.ras.folder, *options) == 64


@pytest.mark.parametrize("command", ["verify", "prove", "query", "tail", "rotate", "policy", "keygen", "vkey"])
def test_help_is_worth_reading(council: Council, command: str) -> None:
    assert council.run(command, "--help") == 0
    assert len(council.out) > 150
    assert council.run("--help") == 0
    assert f"    {command}" in council.out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_on_a_terminal_and_taken_away() -> None:
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        progress = Progress("h323_ras", 200, stream)
        progress(100)
        progress.end()
    assert "[" + "#" * 20 + " " * 20 + "]  50%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert file.getvalue() == ""
