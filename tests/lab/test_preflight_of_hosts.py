"""The preflight on real hosts: one sentence, and nothing that comes after it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROOT, on_host

pytestmark = pytest.mark.lab

STRANGER = "stranger.service"


def site(*more: str) -> subprocess.CompletedProcess[str]:
    """A run of site.yml that must not get beyond the preflight."""
    command = [str(ROOT / ".venv" / "bin" / "ansible-playbook"), "--inventory", str(ROOT / "inventories" / "lab")]
    return subprocess.run(
        [*command, *more, str(ROOT / "site.yml")],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What was said, on one line; the run has failed in the preflight."""
    told = " ".join(done.stdout.split() + done.stderr.split())
    assert done.returncode != 0, told
    assert "PLAY [Every host" not in told
    return told


@pytest.fixture
def stranger() -> Iterator[None]:
    """Somebody else's server on the metrics port of gk2; the gatekeeper listens on the host's own address only."""
    server = ("python3", "-m", "http.server", "9719", "--bind", "127.0.0.1")
    on_host("gk2", "systemd-run", "--quiet", "--collect", f"--unit={STRANGER}", *server)
    on_host("gk2", "sh", "-c", "until ss -Hltn | grep -q 127.0.0.1:9719; do sleep 0.1; done")
    yield
    on_host("gk2", "systemctl", "stop", STRANGER)


@pytest.mark.usefixtures("stranger")
def test_a_port_that_somebody_else_has() -> None:
    told = refused(site())
    assert "gk2 has strangers on ports that the gatekeepers need; stop python3 (process" in told
    assert "user root), which has 9719/tcp." in told


def test_a_host_that_cannot_be_reached(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("all: {hosts: {gk2: {ansible_host: nobody}}}\n")
    told = refused(site("--inventory", str(wrong)))
    assert "gk2 cannot be reached at nobody: check that it is up" in told
