"""`h323-witness rotate`, and the commands that others bring."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from datetime import datetime, timedelta, timezone
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from witness.cli import rotate
from witness.day_files.markers import SHIPPED, write_marker
from witness.errors import WitnessError

from library.witness.tests.made_log import MadeLog

from .council import Council


@pytest.fixture
def council(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Council:
    """Ten days of requests, the last of which is today."""
    monkeypatch.setattr(rotate, "_today", lambda: datetime(2026, 12, 3, 12, tzinfo=timezone.utc))
    council = Council(tmp_path, capsys)
    log = council.ras
    shutil.rmtree(log.folder)
    council.logs["h323_ras"] = MadeLog(log.directory, step=timedelta(hours=1)).add(220).publish()
    return council


def run(council: Council, *more: object) -> int:
    return council.run("rotate", council.directory, "--policy", council.policy, "--compress-after", 5, *more)


def names(council: Council) -> list[str]:
    return sorted(path.name.removeprefix("h323_ras_") for path in council.ras.folder.glob("h323_ras_*"))


def test_it_packs_old_days(council: Council) -> None:
    before = sorted(council.directory.rglob("*"))
    assert run(council, "--check") == 0
    assert council.out.count("would be: ") == 4
    assert sorted(council.directory.rglob("*")) == before
    assert run(council) == 0
    assert council.out.endswith("4 files changed\n")
    assert [name for name in names(council) if name.endswith(".gz")] == [
        f"202611{day}.jsonl.gz" for day in range(24, 28)
    ]
    assert council.verify() == 0
    assert run(council, "--json") == 0
    assert json.loads(council.out) == {"changed": 0, "check": False, "exit_code": 0, "steps": []}


def test_it_removes_what_was_shipped(council: Council) -> None:
    assert run(council, "--keep", 7) == 0
    assert "nothing of h323_ras is removed: no archive" in council.err
    write_marker(council.ras.folder, SHIPPED, "h323_ras", 60)
    assert run(council, "--keep-days", 7, "--check") == 0
    assert council.out.splitlines()[0].endswith("h323_ras_20261124.jsonl.gz: records 0 to 11 removed (remove)")
    assert run(council, "--keep-days", 7) == 0
    assert names(council)[0] == "20261126.jsonl.gz"
    assert council.verify() == 0
    assert "records 0 to 35 are not here" in council.out
    assert council.run("prove", council.directory, 36, "--policy", council.policy) == 0
    assert council.run("prove", council.directory, 35) == 64
    assert "archive" in council.err


def test_an_archives_size_can_be_told(council: Council) -> None:
    assert run(council, "--keep", 7, "--archived-to", 220) == 64
    assert run(council, "--keep", 7, "--archived-to", 220, "--stream", "h323_ras") == 0
    assert names(council)[0] == "20261126.jsonl.gz"


@pytest.mark.parametrize(("broken", "code"), [("record", 1), ("checkpoint", 3)])
def test_a_log_that_does_not_verify_is_left_alone(council: Council, broken: str, code: int) -> None:
    if broken == "record":
        council.ras.replace(b"gk1", b"gk2")
    else:
        (council.ras.folder / "checkpoint").unlink()
    before = names(council)
    assert run(council) == code
    assert "is left as it is" in council.err
    assert names(council) == before


def test_arguments(council: Council) -> None:
    assert council.run("rotate", council.directory, "--policy", council.policy) == 64
    assert run(council, "--keep", 0) == 64
    (council.ras.folder / SHIPPED).write_text("[]")
    assert run(council, "--keep", 7) == 64
    assert "remove it if nobody knows why" in council.err


def add_greet(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """As another distribution's entry point."""
    command = commands.add_parser("greet", help="say hello")
    command.add_argument("name")
    command.set_defaults(run=greet)


def greet(options: argparse.Namespace) -> int:
    if options.name == "nobody":
        raise WitnessError("there is nobody")
    print(f"hello {options.name}")
    return 7


def test_another_distribution_brings_a_command(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("greet", f"{__name__}:add_greet", "h323_witness.commands")
    monkeypatch.setattr(EntryPoint, "load", lambda _: add_greet)
    monkeypatch.setattr(
        sys.modules["witness.cli.main"], "entry_points", lambda group: [entry] if group == entry.group else []
    )
    assert council.run("greet", "alice") == 7
    assert council.out == "hello alice\n"
    assert council.run("greet", "nobody") == 2
    assert council.err == "h323-witness: there is nobody\n"
