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


def encodings(version: str, module: Atom, type_: str, values: list[Term], folder: Path) -> list[bytes]:
    """What Erlang makes of the values, with the modules of one version of the standard (versions.py)."""
    answers = _ask(version, [(Atom("encode"), module, Atom(type_), value) for value in values], folder)
    for status, octets in answers:
        if status:
            raise RefusedError(octets.decode())
    return [octets for _, octets in answers]


def reencodings(module: Atom, type_: str, encoded: list[bytes], folder: Path) -> list[bytes | None]:
    """What Erlang makes of what it reads in the octets; None where it reads nothing, or something newer."""
    answers = _ask("7", [(Atom("decode"), module, Atom(type_), octets) for octets in encoded], folder)
    return [None if status else octets for status, octets in answers]


def _ask(version: str, questions: list[Term], folder: Path) -> list[tuple[int, bytes]]:
    asked, answered = folder / "questions", folder / "answers"
    asked.write_bytes(to_binary(questions))
    code = ["-pa", str(BUILT / version), "-pa", str(BUILT)]
    run = ["erl", "-noshell", "-noinput", *code, "-run", "oracle", "main", str(asked), str(answered)]
    subprocess.run(run, check=True, timeout=300)
    answers, octets, position = [], answered.read_bytes(), 0
    for _ in questions:
        status, size = struct.unpack_from(">BI", octets, position)
        position += 5 + size
        answers.append((status, octets[position - size : position]))
    return answers
