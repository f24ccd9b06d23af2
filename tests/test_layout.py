"""Rules of the repository's layout that nobody would notice being broken."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


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


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_argument_specs_equal_its_defaults(role: str) -> None:
    folder = ROOT / "roles" / role
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text())
    options: dict[str, dict[str, object]] = {}
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    for entry_point in specs.values():
        options |= entry_point.get("options", {})
    assert {name: option.get("default") for name, option in options.items() if "default" in option} == defaults


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_variables_bear_its_name(role: str) -> None:
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())
    assert [name for name in defaults if not name.startswith(f"{role}_")] == []
