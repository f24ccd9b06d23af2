"""The benchmark measures what it says: the gatekeeper answers all of its requests, and confirms them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent / "bench" / "bench.py"


def test_a_small_run_finds_everything_confirmed(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [
        sys.executable,
        str(BENCH),
        "--only",
        "references",
        "--only",
        "memory",
        "--scale",
        "0.01",
    ]
    subprocess.run([*command, "--json", str(figures)], check=True, timeout=120)
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    assert {row["part"] for row in rows} == {"references", "memory"}
    assert [row for row in rows if row["note"]] == []
    assert all(row["value"] > 0 for row in rows)


def test_a_log_of_its_own_verifies(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(BENCH), "--only", "verification", "--scale", "0.001", "--json", str(figures)]
    subprocess.run(command, check=True, timeout=120)
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    assert [row["name"] for row in rows] == [
        f"{what}, 1000 records" for what in ("verify", "query", "prove", "verify, packed")
    ]


def test_what_the_witness_costs_is_measured_with_a_log_that_is_cosigned(tmp_path: Path) -> None:
    """The part itself ends with an error if not every record was cosigned before each turn and after the last."""
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(BENCH), "--only", "witness", "--scale", "0.01", "--json", str(figures)]
    subprocess.run(command, check=True, timeout=300)
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    assert [row["unit"] for row in rows] == ["/s", "/s", "%", "%", "us a request"]
