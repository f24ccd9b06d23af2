"""playbooks/failover_drill.yml on the lab, as on the hosts of any inventory. It brings a load of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import ROOT, status

pytestmark = pytest.mark.lab


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
