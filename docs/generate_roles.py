#!/usr/bin/env python3
"""Writes docs/roles.md from the roles' argument_specs (`make docs`); with --check only says whether it is current."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "roles.md"
ORDER = (
    "common",
    "pki",
    "etcd",
    "release",
    "witness_cosigner",
    "witness",
    "witness_mirror",
    "gatekeeper",
    "keepalived",
)
"""As site.yml runs them; a role that isn't named here follows."""
HEAD = """\
# Roles and their variables

Made from `roles/*/meta/argument_specs.yml` by `make docs`; edit those. A variable is set in the inventory
(`group_vars/`, or beside a host). What every inventory must say, the `council_*` variables, is explained in
[inventories/production](../inventories/production/group_vars/all.yml).

| role | what it does | phases, as tags |
| --- | --- | --- |
"""
COLUMNS = """
| variable | type | default | what it is |
| --- | --- | --- | --- |
"""


def _sentences(text: str | list[str]) -> str:
    """A description as Markdown: C(code) as `code`."""
    return re.sub(r"C\((.*?)\)", r"`\1`", text if isinstance(text, str) else " ".join(text))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _type(option: dict[str, Any]) -> str:
    kind = option["type"]
    if kind == "list":
        kind = f"list of {option['elements']}"
    return f"{kind}: {', '.join(option['choices'])}" if "choices" in option else str(kind)


def _default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "must be set"
    if "default" not in option:
        return ""
    value = option["default"]
    return f"`{_cell(value if isinstance(value, str) and value else json.dumps(value))}`"


def _rows(options: dict[str, Any], within: str = "") -> Iterator[str]:
    for name, option in options.items():
        cells = (_type(option), _default(option), _cell(_sentences(option["description"])))
        yield f"| `{within}{name}` | {' | '.join(cells)} |"
        yield from _rows(option.get("options", {}), f"{name}[].")


def _phases(folder: Path) -> str:
    tasks = yaml.safe_load((folder / "tasks" / "main.yml").read_text(encoding="utf-8"))
    own = [tag for task in tasks for tag in task["tags"] if tag.startswith(f"{folder.name}_")]
    return ", ".join(f"`{tag}`" for tag in dict.fromkeys(own))


def _roles() -> list[Path]:
    folders = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
    return sorted(folders, key=lambda path: ORDER.index(path.name) if path.name in ORDER else len(ORDER))


def page() -> str:
    """The whole page."""
    rows, sections = [], []
    for folder in _roles():
        specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
        entry = specs["argument_specs"]["main"]
        name, does = folder.name, entry["short_description"]
        rows.append(f"| [{name}](#{name}) | {does} | {_phases(folder)} |")
        more = f"\n{_sentences(entry['description'])}\n" if "description" in entry else ""
        sections.append(f"\n## {name}\n\n{does}.\n{more}{COLUMNS}" + "\n".join(_rows(entry["options"])) + "\n")
    return HEAD + "\n".join(rows) + "\n" + "".join(sections)


def main() -> int:
    """Write the page, or check it; 1 if it was not current."""
    made = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == made:
        return 0
    sys.stderr.write(f"{PAGE.relative_to(ROOT)} is not what the roles' argument_specs say: run make docs\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
