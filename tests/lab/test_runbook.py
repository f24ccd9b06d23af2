"""The commands of docs/runbook.md, typed on the lab's hosts and on its controller as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from .conftest import GATEKEEPERS, ROOT, holders, on_host, status, unit
from .test_council import eventually

pytestmark = pytest.mark.lab

PAGE = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
REGISTRY = "/opt/guardian-council/config/guardian-registry.yaml"
DEPLOYED_ALREADY = "site.yml"
"""Molecule runs it before: with --check on fresh hosts, for real, and again."""


def blocks(kind: str) -> list[str]:
    found = re.findall(rf"^( *)```bash {kind}\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE).strip() for indent, text in found]


def controller_commands() -> list[str]:
    """Each once."""
    lines = [line for block in blocks("controller") for line in block.splitlines()]
    return [line for line in dict.fromkeys(lines) if DEPLOYED_ALREADY not in line]


@pytest.fixture(autouse=True)
def healthy() -> Iterator[None]:
    """What the page expects: both gatekeepers run, and the registry has been changed once."""
    eventually(lambda: all(status(host).get("healthy") for host in GATEKEEPERS), "both gatekeepers healthy")
    eventually(lambda: len(holders()) == 1, "one holder of the virtual address")
    for host in GATEKEEPERS:
        on_host(host, "cp", "--preserve", "--no-clobber", REGISTRY, f"{REGISTRY}.bak")
    yield
    for host in GATEKEEPERS:
        on_host(host, "rm", "--force", f"{REGISTRY}.bak")


@pytest.mark.parametrize("text", blocks("gatekeeper"))
def test_a_command_typed_on_a_gatekeeper(text: str) -> None:
    # On the active one, whose unit may be the secondary's; minimal hosts have no sudo, and we are root.
    host = holders()[0]
    command = text.replace("h323-gatekeeper-primary", unit(host)).replace("sudo ", "")
    told = on_host(host, "bash", "-euo", "pipefail", "-c", f"cd /opt/guardian-council\n{command}")
    if not re.search("systemctl|cp |tar |calls", text):
        assert told.strip()


@pytest.mark.parametrize("command", controller_commands())
def test_a_command_typed_on_the_controller(command: str) -> None:
    path = f"{ROOT / '.cache' / 'uv' / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command.replace("inventories/yours", "inventories/lab")],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if "smoke_test.yml" in command:
        assert "✅ PASS - Production Ready" in done.stdout


def test_the_users_words_find_the_gatekeeper() -> None:
    for host in GATEKEEPERS:
        found = on_host(host, "sh", "-c", "ps aux | grep -E '(h323_gatekeeper|gnugk)' | grep -v grep")
        assert found.startswith("h323-ga+")
        listening = on_host(host, "sh", "-c", "netstat -tulpn | grep -E '(1719|1720)'")
        assert len(re.findall(r"(?:tcp|udp) .*:1719 ", listening)) == 4
