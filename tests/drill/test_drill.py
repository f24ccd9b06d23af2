"""What the drill makes of its results, and what its command line says. The faults themselves are tried in tests/lab."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from .faults import FAULTS, Promise
from .plot import draw
from .replayed import Replayed, read
from .report import write
from .results import Reading, Results, Run, load, of, percentile, save
from .targets import misses

ROOT = Path(__file__).resolve().parents[2]
GOOD = Run(
    fault="host-killed",
    time=1795520000.0,
    commit="0123456",
    active="gk1",
    after="gk2",
    valid=True,
    outage=140.0,
    gap=135.0,
    repair_outage=0.0,
    wait=310.0,
    repair_wait=20.0,
    requests=500,
    retries=7,
    refusals={},
    given_up=0,
    whole_after=2.5,
    switches=1,
)


def runs(fault: str, outages: list[float]) -> list[Run]:
    return [replace(GOOD, fault=fault, outage=outage) for outage in outages]


@pytest.mark.parametrize(("percent", "value"), [(50, 10.0), (95, 19.0), (99, 20.0), (100, 20.0), (1, 1.0)])
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    assert percentile(map(float, range(20, 0, -1)), percent) == value
    assert percentile([], percent) == 0.0


def test_results_survive_their_file(tmp_path: Path) -> None:
    results = Results(runs("host-killed", [140.0, 150.0]), [Reading(1795520100.0, 1000, 2000, 3, ["lost: one"])])
    save(tmp_path / "results.json", results)
    save(tmp_path / "results.json", results)
    assert load(tmp_path / "results.json") == results
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def said(**changed: object) -> str:
    found = {"where": "/log/h323_ras_20261124.jsonl:7", "decided": "ACF 64000", "expected": "a refusal"}
    return json.dumps({"judged": 9, "not_justified": [found], "not_judged": [], "flaws": [], **changed})


def test_what_a_replay_finds_is_a_violation() -> None:
    assert read(said()) == Replayed(9, 0, ["replay: /log/h323_ras_20261124.jsonl:7: ACF 64000; expected: a refusal"])
    assert read(said(not_justified=[], flaws=["a gap"])).violations == ["replay: the log is not whole: a gap"]
    assert read(said(not_justified=[], not_judged=[{}])) == Replayed(9, 1, [])
    assert read(said(not_justified=[], judged=0)).violations == ["replay: not one decision could be made again"]
    with pytest.raises(ValueError, match="Expecting value"):
        read("h323-witness: no such folder")


def test_what_did_not_count_is_left_out() -> None:
    found = [*runs("host-killed", [140.0]), replace(GOOD, valid=False), replace(GOOD, fault="cut-peer")]
    assert of(found, "host-killed") == found[:1]


@pytest.mark.parametrize(
    ("outages", "sentence"),
    [
        ([140.0] * 20, None),
        ([151.0] * 11 + [140.0] * 9, "median outage 151 ms, more than 150"),
        ([140.0] * 19 + [251.0], "99th percentile of the outages 251 ms, more than 250"),
        ([140.0] * 200 + [501.0], "longest outage 501 ms, more than 500"),
    ],
)
def test_one_fault_of_a_gatekeeper_host_is_held_to_three_figures(outages: list[float], sentence: str | None) -> None:
    assert misses(FAULTS["host-killed"], runs("host-killed", outages)) == ([sentence] if sentence else [])


@pytest.mark.parametrize(
    ("fault", "change", "sentence"),
    [
        ("host-killed", {"repair_outage": 869.0}, "longest outage at the repair 869 ms, more than 500"),
        ("host-killed", {"given_up": 2}, "2 requests of guardians were never answered"),
        ("host-killed", {"problems": ["lost: a", "lost: b"]}, "lost: a (and 1 more such)"),
        ("witness-lost", {"repair_wait": 1001.0}, "longest wait of a guardian 1001 ms, more than 1000"),
        ("witness-lost", {"refusals": {"GATEKEEPER_ERROR": 3}}, "3 requests were refused: GATEKEEPER_ERROR"),
        ("switch", {"outage": 51.0}, "longest outage 51 ms, more than 50"),
        ("processor-saturated", {"switches": 2}, "2 switches, and no reason for any"),
        ("two-faults", {"given_up": 1}, "1 requests of guardians were never answered"),
        ("quorum-lost", {"refusals": {"SUSPENDED": 1}}, "refused as SUSPENDED in place of GATEKEEPER_ERROR"),
    ],
)
def test_what_was_promised_and_not_kept_is_said(fault: str, change: dict[str, Any], sentence: str) -> None:
    good = replace(GOOD, fault=fault, outage=20.0, switches=0)
    assert misses(FAULTS[fault], [good]) == []
    assert misses(FAULTS[fault], [replace(good, **change)]) == [sentence]


def test_without_quorum_refusing_for_want_of_it_is_right() -> None:
    run = replace(GOOD, fault="quorum-lost", outage=4000.0, refusals={"GATEKEEPER_ERROR": 9}, given_up=3)
    assert misses(FAULTS["quorum-lost"], [run]) == []


def test_the_page_says_plainly_what_was_missed_and_what_was_not_run(tmp_path: Path) -> None:
    page = tmp_path / "failover.md"
    write(page, Results(runs("host-killed", [140.0] * 19 + [620.0]), [Reading(1795520100.0, 1000, 2000, 3, [])]))
    text = page.read_text(encoding="utf-8")
    assert "| host: power lost | 20 | 140 | 140 | 620 | 620 |" in text
    assert "- host: power lost: longest outage 620 ms, more than 500" in text
    assert "Not run: gatekeeper: kill -9;" in text
    assert "1,000 acknowledged answers, 2,000 records, 3 epochs; nothing wrong" in text
    columns = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert len(columns) == 1
    assert page.with_suffix(".svg").exists()


def test_every_single_outage_is_a_mark_of_the_plot() -> None:
    found = [*runs("host-killed", [140.0, 620.0]), replace(GOOD, fault="cut-peer", repair_outage=300.0)]
    drawing = draw(found)
    assert drawing.count("<circle") == 1 + len(found)  # one is in the legend
    assert ">620</text>" in drawing
    assert f">{FAULTS['host-killed'].text}</text>" in drawing


def test_the_help_lists_every_fault_and_marks_those_that_are_safe_on_hosts() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.drill", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = {name: mark for mark, name in re.findall(r"^ ([* ]) ([a-z-]+) +\S", done.stdout, re.MULTILINE)}
    assert {name: mark == "*" for name, mark in listed.items() if name in FAULTS} == {
        name: fault.on_hosts for name, fault in FAULTS.items()
    }


def test_no_fault_that_takes_a_whole_host_is_safe_on_hosts() -> None:
    unsafe = {name for name in FAULTS if name.startswith(("host", "link", "cut", "witness", "quorum", "two"))}
    assert not [name for name in unsafe if FAULTS[name].on_hosts]
    assert {fault.promise for fault in FAULTS.values()} == set(Promise)
