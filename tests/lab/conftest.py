"""The lab that `make lab` has brought up, as the tests reach it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = os.environ.get("LAB_NAME", "guardian")
VIP = os.environ.get("LAB_SUBNET", "10.199.23.0/24").rpartition(".")[0] + ".10"
DIRECTORY = Path(os.environ.get("LAB_DIRECTORY", ROOT / ".lab"))
GATEKEEPERS = ("gk1", "gk2")


def on_host(host: str, *command: str, check: bool = True) -> str:
    """What a command on a host of the lab prints."""
    full = [str(ROOT / "lab" / "podman"), "exec", f"{NAME}-{host}", *command]
    done = subprocess.run(full, capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode:
        pytest.fail(f"{host}: {' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def unit(host: str) -> str:
    return f"h323-gatekeeper-{'primary' if host == 'gk1' else 'secondary'}"


def status(host: str) -> dict[str, object]:
    """What the gatekeeper on this host says of itself."""
    answer: dict[str, object] = json.loads(
        on_host(host, "/opt/guardian-council/current/bin/h323-gatekeeper", "status", "--json", check=False) or "{}"
    )
    return answer


def holders() -> list[str]:
    return [host for host in GATEKEEPERS if on_host(host, "ip", "-brief", "address", "show", "to", VIP).strip()]


def terminal_command(what: str, *more: str) -> list[str]:
    program = ROOT / ".venv" / "bin" / "guardian-terminal"
    council = ["--registry", str(DIRECTORY / "guardian-registry.yaml"), "--keys", str(DIRECTORY / "keys")]
    gatekeeper = ["--gatekeeper", VIP, "--gatekeeper-key", str(DIRECTORY / "gatekeeper-key.pub.pem")]
    return [str(program), what, *council, *gatekeeper, *more]


@pytest.fixture
def both_running() -> Iterator[None]:
    """Whatever a test stops is started again."""
    yield
    for host in GATEKEEPERS:
        on_host(host, "systemctl", "start", unit(host), "keepalived")
