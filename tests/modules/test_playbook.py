"""The archive's unit, for a host that fetches and for one that has the log; and what the playbook does on real logs."""

from __future__ import annotations

import getpass
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from library.witness.tests.log.scene import STREAM, Keys, day_file, published, write

pytest.importorskip("ansible", reason="the controller's Python is older than 3.11")

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
ROLE = ROOT / "roles" / "witness_archive"
UNITS = (
    "h323-witness-ship.service",
    "h323-witness-ship.timer",
    "h323-witness-archive-rotate.service",
    "h323-witness-archive-rotate.timer",
    "h323-witness-archive-tell.service",
    "h323-witness-archive-verify.service",
    "h323-witness-archive-verify.timer",
)
INVENTORY = """\
gatekeepers: {hosts: {gk1: {council_address: 192.0.2.11}}}
witness: {hosts: {wit1: {council_address: 192.0.2.13}}}
witness_archives: {hosts: {archive1: {council_address: 192.0.2.14}, wit1: {}}}
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


def test_the_first_archive_tells_every_replica_once_it_is_verified(units: Path) -> None:
    words = settings(units / "archive1-h323-witness-archive-tell.service")["ExecStart"].split()
    assert words[1:3] == ["tell", "/srv/witness-archive"]
    told = [word for before, word in itertools.pairwise(words) if before == "--to"]
    assert told == ["https://192.0.2.11:9721", "https://192.0.2.13:9721"]
    done = subprocess.run([PROGRAMS / "h323-witness", *words[1:]], capture_output=True, text=True)
    assert "witness-archive/policy: cannot be read" in done.stderr
    verify = settings(units / "archive1-h323-witness-archive-verify.service")
    assert verify["OnSuccess"] == "h323-witness-archive-tell.service"
    assert "OnSuccess" not in settings(units / "wit1-h323-witness-archive-verify.service")


@pytest.mark.parametrize("unit", ["rotate", "verify"])
def test_the_daily_units_arguments_are_understood(units: Path, unit: str) -> None:
    words = settings(units / f"archive1-h323-witness-archive-{unit}.service")["ExecStart"].split()
    words = words[words.index("/opt/guardian-council/current/bin/h323-witness") + 1 :]
    done = subprocess.run([PROGRAMS / "h323-witness", *words], capture_output=True, text=True)
    assert "/srv/witness-archive" in done.stdout + done.stderr
    assert "usage" not in done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not there")
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("host", ["wit1", "archive1"])
def test_systemd_takes_the_unit(units: Path, tmp_path: Path, host: str, unit: str) -> None:
    shutil.copy(units / f"{host}-{unit}", tmp_path / unit)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / unit], capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if f"{unit}:" in line and "not executable" not in line] == []


class TestPlaybook:
    """Its tasks that ship, with this machine in the place of both hosts; what installs is left out by tags."""

    @pytest.fixture
    def run(self, tmp_path: Path) -> Callable[..., str]:
        keys = Keys()
        write(tmp_path / "log", 0, 300)
        published(tmp_path / "log", keys)
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "policy").write_text(keys.policy_text())
        (tmp_path / "hosts.yml").write_text(INVENTORY)
        variables = {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            "gatekeeper_log_directory": str(tmp_path / "log"),
            "release_current": str(PROGRAMS.parent),
            "ship_program": str(PROGRAMS / "h323-witness"),
            "ship_writer": getpass.getuser(),
            "witness_archive_user": getpass.getuser(),
            "witness_archive_source": str(tmp_path / "log"),
            "witness_archive_directory": str(tmp_path / "archive"),
            "witness_archive_config_directory": str(tmp_path / "config"),
            "witness_config_directory": str(tmp_path / "config"),
        }

        def play(*more: str) -> str:
            command = [PROGRAMS / "ansible-playbook", "-i", tmp_path / "hosts.yml", "-e", json.dumps(variables)]
            command += [
                "--tags",
                "witness_archive_ship",
                "--limit",
                "gk1,archive1",
                *more,
                ROOT / "playbooks" / "ship_witness_logs.yml",
            ]
            environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"}
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        return play

    def test_it_ships_and_marks_once_and_the_second_run_changes_nothing(
        self, run: Callable[..., str], tmp_path: Path
    ) -> None:
        def changed(output: str) -> dict[str, str]:
            return dict(re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", output, re.MULTILINE))

        foretold = run("--check", "--diff")
        assert changed(foretold) == {"archive1": "1", "gk1": "0"}
        assert re.search(r'^\+ *"?h323_ras"?: 300', foretold, re.MULTILINE)
        assert not (tmp_path / "archive").exists()
        assert changed(run()) == {"archive1": "1", "gk1": "0"}
        assert day_file(tmp_path / "archive").read_bytes() == day_file(tmp_path / "log").read_bytes()
        marker = tmp_path / "log" / STREAM.folder / "shipped"
        assert json.loads(marker.read_text()) == {"h323_ras": 300}
        # Where the archive is elsewhere, nobody has marked it yet.
        marker.unlink()
        assert changed(run()) == {"archive1": "0", "gk1": "0"}
        assert json.loads(marker.read_text()) == {"h323_ras": 300}
