"""Builds Go programs that judge what we make. Their modules come from the module proxy, pinned by go.sum."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "judges"
# Where Go's own archive is unpacked by its instructions, which puts nothing into PATH.
_USUAL = "/usr/local/go/bin/go"


def build_go_program(module: Path, package: str = ".") -> Path:
    """The program of a Go module's folder; without Go, or without its modules, the test fails and says why."""
    go = shutil.which("go") or shutil.which(_USUAL)
    if go is None:
        pytest.fail("there is no Go in PATH to build the judges with: run tests/bootstrap")
    name = "-".join((module.name, *Path(package).parts[-1:])) if package != "." else module.name
    program = CACHE / "bin" / name
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOCACHE": str(CACHE / "build"),
        "GOFLAGS": "-mod=readonly -modcacherw",
        "GOPATH": str(CACHE / "path"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    built = subprocess.run(
        [go, "build", "-trimpath", "-o", str(program), package],
        cwd=module,
        env=environment,
        capture_output=True,
        text=True,
    )
    if built.returncode:
        pytest.fail(f"Go can't build {module.relative_to(ROOT)}; are its modules to be had?\n{built.stderr[-3000:]}")
    return program
