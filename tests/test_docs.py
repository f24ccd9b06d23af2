"""The pages' links lead somewhere, and what is generated is current."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml
from gatekeeper.core import CoreSettings
from gatekeeper.settings import FitnessSettings

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


PAGES = [name for name in tracked("*.md") if (ROOT / name).exists()]


@cache
def anchors(page: Path) -> frozenset[str]:
    """The headings of a page as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def links() -> list[tuple[str, str]]:
    found = []
    for name in PAGES:
        text = _FENCE.sub("", (ROOT / name).read_text(encoding="utf-8"))
        found += [(name, target) for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    return [(name, target) for name, target in found if "://" not in target]


@pytest.mark.parametrize(("name", "target"), links())
def test_a_link_leads_somewhere(name: str, target: str) -> None:
    path, _, anchor = target.partition("#")
    page = (ROOT / name).parent / path if path else ROOT / name
    assert page.exists()
    if anchor:
        assert anchor in anchors(page)


def test_every_page_can_be_found() -> None:
    """Each is linked from the README or from a page that is; a decision by its folder."""
    reached, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        for source, target in links():
            path = os.path.normpath(Path(source).parent / target.partition("#")[0])
            waiting += [path] if source == name and path.endswith(".md") and path not in reached else []
    assert {name for name in PAGES if name not in reached and not name.startswith("docs/decisions/")} == set()


def test_decisions_are_numbered_without_gaps_and_say_the_same_three_things() -> None:
    names = sorted(name for name in PAGES if name.startswith("docs/decisions/"))
    assert [int(Path(name).name[:4]) for name in names] == list(range(1, len(names) + 1))
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.match(rf"# {int(Path(name).name[:4])}\. ", text), name
        said = re.findall(r"^(?:## |\*\*)(Context|Choice|Consequences)\b", text, re.MULTILINE)
        assert said == ["Context", "Choice", "Consequences"], name


def test_pages_that_the_code_names_are_there() -> None:
    code = tracked("*.py", "*.yml", "*.j2", "*.toml", "lab/*", "Makefile")
    named = {
        page
        for name in code
        if (ROOT / name).is_file() and "/asn1/" not in name
        for page in re.findall(r"docs/[\w/-]+\.md", (ROOT / name).read_text(encoding="utf-8"))
    }
    assert named
    assert {page for page in named if not (ROOT / page).exists()} == set()


def test_the_reference_of_the_roles_is_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate_roles.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_that_a_page_names_exists() -> None:
    named = {
        target
        for name in PAGES
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named <= targets()
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == targets()


class TestExampleOfProduction:
    """inventories/production, as an operator copies it."""

    pytest.importorskip("ansible", reason="the controller's Python is older than 3.11")

    folder = ROOT / "inventories" / "production"

    def run(self, program: str, *arguments: str) -> str:
        command = [str(PROGRAMS / program), "--inventory", str(self.folder), *arguments]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def test_it_can_be_read_and_every_host_has_its_address(self) -> None:
        inventory = yaml.safe_load(self.run("ansible-inventory", "--list"))
        hosts = inventory["_meta"]["hostvars"]
        assert len(inventory["gatekeepers"]["hosts"]) == 2
        assert len({values["council_address"] for values in hosts.values()}) == len(hosts) == 3

    def test_every_playbook_can_be_read_with_it(self) -> None:
        self.run("ansible-playbook", "--syntax-check", "site.yml", *tracked("playbooks/*.yml"))

    def test_it_has_no_secret_and_only_addresses_and_names_of_documentation(self) -> None:
        text = "".join(path.read_text() for path in sorted(self.folder.rglob("*.yml")))
        assert not re.search(r"PRIVATE KEY|password: *\S|\$ANSIBLE_VAULT|[A-Za-z0-9+/]{40}", text)
        addresses = set(re.findall(r"\b(\d+\.\d+\.\d+)\.\d+\b", text))
        assert addresses <= {"192.0.2", "198.51.100", "203.0.113"}


def test_every_setting_of_the_gatekeeper_is_explained_and_no_other() -> None:
    shared = ROOT / "library" / "witness" / "src" / "witness" / "service" / "settings.py"
    code = (ROOT / "library" / "gatekeeper" / "src" / "gatekeeper" / "settings.py").read_text() + shared.read_text()
    asked = r"(\w+)\.(?:text|name|path|number|flag|address|take|inner|urls)\(\"(\w+)\""
    groups = {"ras", "store", "metrics", "restore", "refetch"}
    known = {name for mapping, name in re.findall(asked, code) if mapping == "top"} - groups
    known |= {f"{mapping}.{name}" for mapping, name in re.findall(asked, code) if mapping in groups}
    page = (ROOT / "docs" / "gatekeeper-yaml.md").read_text(encoding="utf-8")
    explained = {
        name for cell in re.findall(r"^\| (`.+?) \|", page, re.MULTILINE) for name in re.findall(r"`([\w.]+)`", cell)
    }
    assert explained == known - {"store.path", "store.endpoints"}
    default = CoreSettings("", "", ("", 0))
    told = {name: int(value) for name, value in re.findall(r"^\| `(\w+)` \|.* \| (\d+) \|$", page, re.MULTILINE)}
    assert len(told) > 5
    assert told.pop("slow_commit_ms") == 1_000 * default.slow_commit
    assert 1_000_000 * told.pop("disk_reserve_mb") == FitnessSettings().disk_reserve
    assert told.pop("pulse_promise_ms") == 1_000 * FitnessSettings().promise
    assert told == {name: getattr(default, name) for name in told}
