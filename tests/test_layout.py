"""Rules of the repository's layout that nobody would notice being broken."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


def test_ansible_takes_nothing_under_library_for_a_module() -> None:
    """Ansible scans the top of a playbook-adjacent library/, and a configured library path two folders deep."""
    assert not list((ROOT / "library").glob("*.py"))
    assert not tracked("*setup.py")


def test_no_private_key_is_in_the_repository() -> None:
    found = subprocess.run(["git", "grep", "-lE", "BEGIN [A-Z ]*PRIVATE KEY"], cwd=ROOT, capture_output=True, text=True)
    assert [name for name in found.stdout.splitlines() if "tests" not in Path(name).parts] == []


def test_git_ignores_every_key_that_the_pages_have_made() -> None:
    keys = ["keys/guardian-01.pem", "h323-gatekeeper-state/gatekeeper-key.pem", "trial/gatekeeper-key.pem", ".lab/pki"]
    ignored = subprocess.run(["git", "check-ignore", *keys], cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout.split() == keys
