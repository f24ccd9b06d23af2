"""Erlang's ASN.1 compiler as the second opinion on what the octets of a value are."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from .term import Atom, Term, to_binary

ROOT = Path(__file__).parents[4]
BUILT = ROOT / ".cache" / "erlang"
RAS, H235 = Atom("H323-MESSAGES"), Atom("H235-SECURITY-MESSAGES")

Request = tuple[Atom, Atom, Term]
"""Module, type, value."""


class RefusedError(Exception):
    """Erlang has no encoding for a value, or does not read its own."""


def build() -> str | None:
    """Compile the modules where that isn't done yet; why it can't be done, if so."""
    if shutil.which("erlc") is None:
        return "Erlang is missing: run tests/bootstrap"
    result = subprocess.run(
        [str(Path(__file__).with_name("build")), str(BUILT)], check=False, capture_output=True, text=True
    )
    return None if result.returncode == 0 else f"the ITU-T modules don't compile: {result.stderr}"


def encodings(version: str, requests: list[Request], folder: Path) -> list[bytes]:
    """What Erlang makes of the values, with the modules of one version of the standard (versions.py)."""
    asked, answered = folder / "requests", folder / "answers"
    asked.write_bytes(to_binary(list(requests)))
    subprocess.run(
        [
            "erl",
            "-noshell",
            "-noinput",
            "-pa",
            str(BUILT / version),
            "-run",
            "oracle",
            "main",
            str(asked),
            str(answered),
        ],
        check=True,
        timeout=300,
    )
    answers, octets, position = [], answered.read_bytes(), 0
    for module, type_, _ in requests:
        bad, size = struct.unpack_from(">BI", octets, position)
        answer = octets[position + 5 : position + 5 + size]
        position += 5 + size
        if bad:
            raise RefusedError(f"{module.name}:{type_.name}: {answer.decode()[:2000]}")
        answers.append(answer)
    return answers
