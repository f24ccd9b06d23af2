"""The failover drill, each fault once: what is lost and who admits. How long it takes, `make drill` measures."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drill.begin import begin, lab_of_environment
from tests.drill.council import Council
from tests.drill.drill import Drill, repair_all
from tests.drill.faults import FAULTS, Fault, Promise

from .conftest import ROOT, status

pytestmark = pytest.mark.lab

_SATURATED = 5.0


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    council = Council(lab_of_environment())
    try:
        begun = begin(council, tmp_path_factory.mktemp("drill"), print)
        try:
            yield begun
        finally:
            begun.close()
            assert repair_all(council) == []
    finally:
        council.close()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_nothing_acknowledged_is_lost_and_one_admits(
    drill: Drill, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault.promise is Promise.STEADY:
        monkeypatch.setattr(fault, "hold", _SATURATED)
    with drill.series(fault):
        run = drill.run(fault)
        if not run.after:
            drill.recover()
    assert run.problems == []
    assert run.requests > 0
    if fault.promise is Promise.STEADY:
        assert run.switches == 0
    if fault.promise is Promise.QUORUM:
        assert set(run.refusals) <= {"GATEKEEPER_ERROR"}
    else:
        assert (run.refusals, run.given_up) == ({}, 0)


def playbook(*more: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".venv" / "bin" / "ansible-playbook"), "--inventory", str(ROOT / "inventories" / "lab")]
    return subprocess.run(
        [*command, *more, str(ROOT / "playbooks" / "failover_drill.yml")],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_playbook_does_nothing_that_was_not_confirmed() -> None:
    before = status("gk1")["epoch"]
    done = playbook("-e", "failover_drill_confirm=yes")
    assert done.returncode != 0
    assert "Nothing was done" in done.stdout
    assert status("gk1")["epoch"] == before


def test_the_playbook_drills_the_hosts_of_the_inventory(tmp_path: Path) -> None:
    asked = {"failover_drill_confirm": "break", "failover_drill_times": "1", "failover_drill_report": tmp_path / "f.md"}
    settings = [f"--extra-vars={name}={value}" for name, value in asked.items()]
    done = playbook(
        *settings, "--extra-vars", '{"failover_drill_faults": ["switch"], "failover_drill_with_calls": true}'
    )
    # How long the switch took may be a miss on a busy machine; that it was done and repaired may not.
    assert "written:" in done.stdout, done.stdout + done.stderr
    assert "| planned switch | 1 |" in (tmp_path / "f.md").read_text(encoding="utf-8")
