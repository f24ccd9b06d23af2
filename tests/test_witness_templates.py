"""The services of IF.witness take the configuration that the roles write for inventories/production."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from gatekeeper.outbox.mirror_settings import parse_settings as parse_mirror
from witness.cli import main as h323_witness
from witness.log.settings import parse_settings as parse_log
from witness.policy import parse_policy

pytest.importorskip("ansible", reason="the controller's Python is older than 3.11")

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
ORIGINS = [f"council.example/{stream}" for stream in ("h323_ras", "gateway", "failover")]
ROLES = ("witness", "witness_cosigner", "witness_mirror")
HOSTS = ("gk1.council.example", "gk2.council.example", "wit1.council.example")
TEMPLATES = ("witness/policy", "witness/log.yaml", "witness_mirror/mirror.yaml", "witness_cosigner/cosigner.yaml")


def keys(folder: Path, capsys: pytest.CaptureFixture[str], name: str, *arguments: str) -> list[str]:
    assert h323_witness(["keygen", "--out", str(folder / name), *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def play(folder: Path, logs: list[str], cosigner: str) -> list[dict[str, Any]]:
    """Write every template of every host, as the roles' variables have it."""
    encoded = base64.b64encode(cosigner.encode()).decode()
    files = [ROOT / "roles" / role / part / "main.yml" for role in ROLES for part in ("defaults", "vars")]
    return [
        {
            "hosts": "all",
            "connection": "local",
            "gather_facts": False,
            "vars_files": [str(path) for path in files if path.exists()],
            "vars": {
                "ansible_become": False,
                "ansible_python_interpreter": sys.executable,
                "witness_log_keys": {"stdout_lines": logs},
            },
            "tasks": [
                {"ansible.builtin.set_fact": {"witness_own_vkey": {"content": encoded}}},
                *(
                    {
                        "ansible.builtin.template": {
                            "src": str(ROOT / "roles" / template.replace("/", "/templates/")) + ".j2",
                            "dest": f"{folder}/{{{{ inventory_hostname }}}}.{Path(template).name}",
                            "mode": "0600",
                        }
                    }
                    for template in TEMPLATES
                ),
            ],
        }
    ]


@pytest.fixture
def written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str, str], Any]:
    """What the roles write: by host and file name."""
    logs = keys(tmp_path, capsys, "log-keys", *ORIGINS)
    (cosigner,) = keys(tmp_path, capsys, "cosigner-key", "--cosigner", "council.example/wit1")
    (tmp_path / "play.yml").write_text(json.dumps(play(tmp_path, logs, cosigner)))
    command = [PROGRAMS / "ansible-playbook", "--inventory", ROOT / "inventories" / "production", tmp_path / "play.yml"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return lambda host, name: (tmp_path / f"{host}.{name}").read_text()


def test_each_service_takes_what_its_role_writes(written: Callable[[str, str], str]) -> None:
    for host in HOSTS:
        log = parse_log(yaml.safe_load(written(host, "log.yaml")))
        assert (log.signing_keys is None) == (host == HOSTS[2])
        others = sorted(f"https://192.0.2.{number}:9721" for number in (11, 12, 13) if HOSTS[number - 11] != host)
        assert sorted(log.peers) == others
        assert written(host, "policy") == written(HOSTS[0], "policy")
    policy = parse_policy(written(HOSTS[0], "policy").encode())
    assert sorted(each.verifier.name for each in policy.logs) == sorted(ORIGINS)
    assert {name: each.url for name, each in policy.cosigners.items()} == {HOSTS[2]: "https://192.0.2.13:9724"}
    assert policy.groups[policy.quorum].threshold == 1
    mirror = parse_mirror(yaml.safe_load(written(HOSTS[2], "mirror.yaml")))
    assert mirror.store.endpoints[0] == "https://192.0.2.13:2379"
