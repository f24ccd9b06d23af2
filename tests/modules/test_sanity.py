"""The modules in a collection, as ansible-test wants to see them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("ansible", reason="the controller's Python is older than 3.11")

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("ansible-test")
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
_SANITY = ("compile", "import", "validate-modules")
_GET_PIP = "import ensurepip\n\nensurepip.bootstrap()\n"
"""Instead of what ansible-test would download."""


def collect(folder: Path) -> Path:
    """A copy of the plugins that is a collection."""
    collection = folder / "ansible_collections" / "guardian" / "council"
    for part in ("modules", "module_utils"):
        shutil.copytree(
            ROOT / "plugins" / part,
            collection / "plugins" / part,
            ignore=shutil.ignore_patterns("__pycache__", "__init__.py"),
        )
    values = {
        "namespace": "guardian",
        "name": "council",
        "version": "0.1.0",
        "readme": "README.md",
        "authors": ["Guardian Council (@guardian-council)"],
        "license": ["Apache-2.0"],
    }
    (collection / "galaxy.yml").write_text(yaml.safe_dump(values))
    (collection / "README.md").write_text("A copy for tests.\n")
    (collection / "meta").mkdir()
    (collection / "meta" / "runtime.yml").write_text("requires_ansible: '>=2.19.0'\n")
    # Our licence is another than Ansible's own modules have.
    ignored = "".join(f"plugins/modules/{path.name} validate-modules:missing-gplv3-license\n" for path in MODULES)
    (collection / "tests" / "sanity").mkdir(parents=True)
    (collection / "tests" / "sanity" / "ignore-2.19.txt").write_text(ignored)
    (collection / "tests" / "config.yml").write_text("modules:\n  python_requires: '>=3.10'\n")
    return collection


@pytest.mark.parametrize("test", _SANITY)
def test_it_passes_ansible_test(tmp_path: Path, test: str) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [PROGRAM, "sanity", "--test", test, "--python", version, "--color", "no"]
    cache = tmp_path / "home" / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True)
    (cache / "get_pip_24_2.py").write_text(_GET_PIP)
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=collect(tmp_path), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
