"""Starts and asks the gatekeeper under load."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
SERVER_CORE, LOAD_CORE = 0, 1
"""The gatekeeper's core; the load generator's, on which etcd runs as well."""


@dataclass(frozen=True)
class Ready:
    """A process that serves: its port, what it said when it was ready, and how to ask."""

    port: int
    report: dict[str, Any]
    process: subprocess.Popen[str]

    def measures(self) -> dict[str, float]:
        """What it has used until now."""
        stdin, stdout = _pipes(self.process)
        stdin.write("?\n")
        stdin.flush()
        measured: dict[str, float] = json.loads(stdout.readline())
        return measured


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("the process has no pipes")
    return process.stdin, process.stdout


@contextlib.contextmanager
def running(program: str, **order: object) -> Iterator[Ready]:
    """A program of this folder, which gets its order as JSON, and says in JSON when it is ready."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        text = json.dumps({"core": SERVER_CORE, "folder": folder, **order})
        process = subprocess.Popen(
            [sys.executable, str(HERE / program), text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            line = _pipes(process)[1].readline()
            if not line:
                raise SystemExit(f"{program} ended before it was ready: {text}")
            report = json.loads(line)
            yield Ready(report.get("port", 0), report, process)
        finally:
            process.kill()
            process.wait()
