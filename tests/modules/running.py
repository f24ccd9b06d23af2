"""Runs a module's own main(), as Ansible does on a host, and the program behind it; nothing is replaced."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

testing = pytest.importorskip("ansible.module_utils.testing", reason="the controller's Python is older than 3.11")
PROGRAM = Path(sys.executable).with_name("h323-witness")


def run(capsys: pytest.CaptureFixture[str], name: str, *, check: bool = False, **parameters: Any) -> dict[str, Any]:
    """What the module answers; `failed` is in it if it failed."""
    module = importlib.import_module(f"plugins.modules.{name}")
    given = {"executable": str(PROGRAM), **parameters}
    given = {key: str(value) if isinstance(value, Path) else value for key, value in given.items()}
    given |= {"_ansible_check_mode": check, "_ansible_diff": True}
    with testing.patch_module_args(given), pytest.raises(SystemExit) as ended:
        module.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert ended.value.code == (1 if answer.get("failed") else 0)
    return answer
