"""Builds Go programs that judge what we make. Their modules come from the module proxy, pinned by go.sum; so does a Go
that is new enough, where the one that is here isn't."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "judges"
# Where Go's own archive is unpacked by its instructions, which puts nothing into PATH.
_USUAL = "/usr/local/go/bin/go"
_FETCHES = (1, 21)
"""The first Go that gets the one which a module asks for, from the module proxy."""


def too_old(said: str, module: str) -> str | None:
    """Why a Go, by what `go version` says, can't build a module with this go.mod; None if it can."""
    has, wanted = re.search(r"go(\d+)\.(\d+)", said), re.search(r"^go (\d+)\.(\d+)", module, re.MULTILINE)
    if has is None or wanted is None or _number(has) >= min(_number(wanted), _FETCHES):
        return None
    return (
        f"it is {has[0]}, and {wanted[0]} is needed: unpack Go's own archive as /usr/local/go, or install"
        f" Go {_FETCHES[0]}.{_FETCHES[1]} or newer, which gets what it needs from the module proxy"
    )


def _number(matched: re.Match[str]) -> tuple[int, ...]:
    return tuple(map(int, matched.groups()))


def _find_go(module: str) -> str:
    """One that can build a module with this go.mod, or none at all."""
    troubles = []
    for go in filter(None, map(shutil.which, ("go", _USUAL))):
        environment = {**os.environ, "GOTOOLCHAIN": "local"}
        said = subprocess.run([go, "version"], capture_output=True, text=True, env=environment).stdout
        trouble = too_old(said, module)
        if trouble is None:
            return go
        troubles.append(f"{go}: {trouble}")
    pytest.fail("\n".join(troubles) or "there is no Go in PATH to build the judges with: run tests/bootstrap")


def build_go_program(module: Path, package: str = ".") -> Path:
    """The program of a Go module's folder; without Go, or without its modules, the test fails and says why."""
    go = _find_go((module / "go.mod").read_text())
    name = "-".join((module.name, *Path(package).parts[-1:])) if package != "." else module.name
    program = CACHE / "bin" / name
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOCACHE": str(CACHE / "build"),
        "GOFLAGS": "-mod=readonly -modcacherw",
        "GOPATH": str(CACHE / "path"),
        # The one that is here, if it is new enough for the module.
        "GOTOOLCHAIN": "auto",
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
