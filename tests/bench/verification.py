"""How long `h323-witness verify` takes for a million records, and a query through all of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "library" / "witness" / "tests"))

from made_log import MadeLog, policy_text, record

RECORDS = 1_000_000
_STEP = timedelta(milliseconds=250)
"""So that there are a few days."""
_PROGRAM = Path(sys.executable).with_name("h323-witness")
_FIELDS = {
    "request_seq_num": 4711,
    "endpoint_identifier": "0123456789abcdef",
    "call_identifier": "0123456789abcdef" * 2,
    "conference_id": "fedcba9876543210" * 2,
    "terminal_id": "if://guardian/alpha",
    "source": "192.0.2.77:1719",
    "authentication": "signed",
    "request_digest": "0123456789abcdef" * 4,
}
"""What makes a record as long as the gatekeeper's."""


@dataclass(frozen=True)
class Taken:
    """What one run took."""

    seconds: float
    cpu: float
    """Seconds of processor time."""
    resident: float
    """Largest resident memory, in MB."""


def verified(count: int) -> dict[str, Taken]:
    """By what was done: what it took with a log of so many records."""
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
        log = MadeLog(Path(folder) / "logs")
        # In a process of its own: Linux counts the memory of who starts a program as that program's.
        subprocess.run([sys.executable, __file__, folder, str(count)], check=True)
        policy = Path(folder) / "policy"
        policy.write_text(policy_text())
        taken = {
            "verify": _run("verify", log.directory, "--stream", log.name, "--policy", policy),
            "query": _run("query", log.directory, "--guardian", "alpha", "--reason", "SUSPENDED", expected=1),
            "prove": _run("prove", log.directory, count // 2),
        }
        for day in sorted(log.folder.glob("*.jsonl")):
            subprocess.run(["gzip", str(day)], check=True)
        return taken | {"verify, packed": _run("verify", log.directory, "--stream", log.name, "--policy", policy)}


def _make_log(folder: Path, count: int) -> None:
    log = MadeLog(folder / "logs", step=_STEP)
    at_once = 10_000
    for first in range(0, count, at_once):
        indexes = range(first, min(count, first + at_once))
        log.write([record(index, log.time(index), **_FIELDS) for index in indexes])
    log.publish()


def _run(*arguments: object, expected: int = 0) -> Taken:
    began = time.monotonic()
    process = subprocess.Popen([_PROGRAM, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected:
        raise RuntimeError(f"{arguments[0]} ended with {process.returncode}")
    return Taken(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    _make_log(Path(sys.argv[1]), int(sys.argv[2]))
