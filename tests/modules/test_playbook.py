"""The archive's unit is one that systemd takes, for a host that fetches and for one that has the log."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="the controller's Python is older than 3.11")

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
ROLE = ROOT / "roles" / "witness_archive"
UNITS = ("h323-witness-ship.service", "h323-witness-ship.timer")
INVENTORY = """\
gatekeepers: {hosts: {gk1: {council_address: 192.0.2.11}}}
witness: {hosts: {wit1: {council_address: 192.0.2.13}}}
witness_archives: {hosts: {wit1: {}, archive1: {council_address: 192.0.2.14}}}
"""


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units")
    (folder / "hosts.yml").write_text(INVENTORY)
    play: dict[str, Any] = {
        "hosts": "witness_archives",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(ROLE / part / "main.yml") for part in ("defaults", "vars")],
        "vars": {"ansible_python_interpreter": sys.executable, "release_current": "/opt/guardian-council/current"},
        "tasks": [
            {
                "ansible.builtin.template": {
                    "src": f"{ROLE}/templates/{unit}.j2",
                    "dest": f"{folder}/{{{{ inventory_hostname }}}}-{unit}",
                    "mode": "0600",
                }
            }
            for unit in UNITS
        ],
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    command = [PROGRAMS / "ansible-playbook", "--inventory", folder / "hosts.yml", folder / "play.yml"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def settings(path: Path) -> dict[str, str]:
    text = path.read_text().replace("\\\n", "")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def test_a_host_of_its_own_fetches_over_mutual_tls_as_a_user_of_its_own(units: Path) -> None:
    unit = settings(units / "archive1-h323-witness-ship.service")
    words = unit["ExecStart"].split()
    assert words[:3] == ["/opt/guardian-council/current/bin/h323-witness", "ship", "https://192.0.2.13:9721"]
    assert words[words.index("--private-key") + 1] == "/etc/guardian-council/pki/host-key.pem"
    assert (unit["User"], unit["SupplementaryGroups"]) == ("h323-archive", "guardian-pki")
    assert unit["ReadWritePaths"] == "/srv/witness-archive"
    assert "PrivateNetwork" not in unit


def test_a_replica_ships_its_folder_as_the_day_files_owner_without_network(units: Path) -> None:
    unit = settings(units / "wit1-h323-witness-ship.service")
    words = unit["ExecStart"].split()
    assert words[2:4] == ["/var/log/guardian-council", "/srv/witness-archive"]
    assert "--private-key" not in words
    assert (unit["User"], unit["SupplementaryGroups"]) == ("h323-mirror", "h323-auditors")
    assert unit["PrivateNetwork"] == "yes"


@pytest.mark.parametrize("host", ["wit1", "archive1"])
def test_the_program_takes_the_units_arguments(units: Path, host: str) -> None:
    words = settings(units / f"{host}-h323-witness-ship.service")["ExecStart"].split()
    done = subprocess.run([PROGRAMS / "h323-witness", *words[1:]], capture_output=True, text=True)
    # All of them are understood; there's no policy here.
    assert (done.returncode, "witness-archive/policy: cannot be read" in done.stderr) == (2, True), done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not there")
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("host", ["wit1", "archive1"])
def test_systemd_takes_the_unit(units: Path, tmp_path: Path, host: str, unit: str) -> None:
    shutil.copy(units / f"{host}-{unit}", tmp_path / unit)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / unit], capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if f"{unit}:" in line and "not executable" not in line] == []
