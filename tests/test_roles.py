"""What CONTRIBUTING.md promises of every role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
PHASES = ("preflight", "build", "install", "configure", "service")

in_every_role = pytest.mark.parametrize("role", ROLES)


def read(role: str, *parts: str) -> Any:
    return yaml.safe_load(ROOT.joinpath("roles", role, *parts).read_text())


def tasks(role: str) -> list[dict[str, Any]]:
    """Every task of the role and every handler, also those in blocks."""
    found: list[dict[str, Any]] = []

    def collect(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            found.append(entry)
            collect(entry.get("block", []))

    for folder in ("tasks", "handlers"):
        for path in sorted((ROOT / "roles" / role / folder).glob("*.yml")):
            collect(read(role, folder, path.name))
    return found


@in_every_role
def test_argument_specs_equal_the_defaults(role: str) -> None:
    options: dict[str, dict[str, Any]] = {}
    for entry_point in read(role, "meta", "argument_specs.yml")["argument_specs"].values():
        options |= entry_point.get("options", {})
    assert {name: option["default"] for name, option in options.items() if "default" in option} == read(
        role, "defaults", "main.yml"
    )


@in_every_role
def test_variables_bear_the_roles_name(role: str) -> None:
    assert [name for name in read(role, "defaults", "main.yml") if not name.startswith(f"{role}_")] == []


@in_every_role
def test_main_enters_each_phase_in_order_under_a_tag_of_its_own(role: str) -> None:
    entered = []
    for entry in read(role, "tasks", "main.yml"):
        include = entry.get("ansible.builtin.include_tasks") or entry["ansible.builtin.import_tasks"]
        phase = Path(include["file"] if isinstance(include, dict) else include).stem
        assert f"{role}_{phase}" in entry["tags"]
        entered.append(phase)
    assert entered == [phase for phase in PHASES if (ROOT / "roles" / role / "tasks" / f"{phase}.yml").exists()]


@in_every_role
def test_every_configuration_from_a_template_is_validated(role: str) -> None:
    templates = [task["ansible.builtin.template"] for task in tasks(role) if "ansible.builtin.template" in task]
    assert [each["dest"] for each in templates if "validate" not in each] == []


@in_every_role
def test_what_is_owned_says_by_whom_and_with_which_mode(role: str) -> None:
    for task in tasks(role):
        for module in ("ansible.builtin.template", "ansible.builtin.copy"):
            if module in task:
                assert {"owner", "group", "mode"} <= task[module].keys(), task["name"]
