"""The alert rules: each fires, doesn't fire and resolves as its test says, and leads to what is to be done."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = sorted((ROOT / "files" / "rules").glob("*.yml"))
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
PROMTOOL = shutil.which("promtool")

with_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not there: run tests/bootstrap")
of_each_file = pytest.mark.parametrize("file", RULES, ids=lambda path: path.stem)


def alerts(file: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def cases(file: Path) -> list[dict[str, Any]]:
    path = ROOT / "tests" / "rules" / f"{file.stem}.test.yml"
    return [case for test in yaml.safe_load(path.read_text())["tests"] for case in test["alert_rule_test"]]


def promtool(*arguments: str | Path) -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@with_promtool
@of_each_file
def test_prometheus_takes_the_rules(file: Path) -> None:
    promtool("check", "rules", file)


@with_promtool
@of_each_file
def test_alerts_fire_and_resolve_as_their_tests_say(file: Path) -> None:
    promtool("test", "rules", ROOT / "tests" / "rules" / f"{file.stem}.test.yml")


@of_each_file
def test_each_alert_is_tried_silent_then_firing_then_silent_again(file: Path) -> None:
    for alert in alerts(file):
        tried = [bool(case.get("exp_alerts")) for case in cases(file) if case["alertname"] == alert["alert"]]
        assert "010" in "".join("01"[fires] for fires in tried), alert["alert"]


@of_each_file
def test_each_alert_has_a_severity_and_leads_into_the_runbook(file: Path) -> None:
    headings = re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for alert in alerts(file):
        assert re.fullmatch("P[0-3]", alert["labels"]["severity"]), alert["alert"]
        page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert page == "docs/runbook.md"
        assert anchor in anchors, alert["alert"]
        assert alert["alert"] in RUNBOOK


@of_each_file
def test_each_metric_of_the_rules_is_explained(file: Path) -> None:
    explained = set(re.findall(r"^\| `(h323_\w+)` \|", RUNBOOK, re.MULTILINE))
    named = {name for alert in alerts(file) for name in re.findall(r"\bh323_\w+\b(?!\.\*)", alert["expr"])}
    assert named <= explained
