"""Fuzzes, guided by coverage: `make fuzz`, or `python -m tests.fuzz.fuzz NAME SECONDS` with the dependencies "fuzz".

The corpus stays in .cache/fuzz; what fails is written there too, and said by its name.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["h323", "gatekeeper"]):
    from .attack import VECTORS, Attack
    from .properties import PROPERTIES, Terminal, Zone, guardian

CORPUS = Path(__file__).parents[2] / ".cache" / "fuzz"
SECONDS = "60"
_LONGEST = "2048"
_SIGNED = 60


def seeds() -> list[bytes]:
    """Good messages to begin with: the vectors, and what a guardian signs."""
    zone = Zone(guardian("alice"), guardian("eve"))
    eve = Terminal(zone, "eve", 103)
    attack = Attack(eve, eve.register, seed=0)
    vectors = [bytes.fromhex(octets) for octets in json.loads(VECTORS.read_text(encoding="utf-8")).values()]
    return [*vectors, *(attack.valid() for _ in range(_SIGNED))]


def corpus(name: str) -> Path:
    """The folder of a property's corpus, with at least the seeds in it."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, octets in enumerate(seeds()):
        framed = len(octets).to_bytes(2, "big") + octets if name == "receiving" else octets
        (folder / f"seed-{number}").write_bytes(framed)
    return folder


def main() -> int:
    """Fuzz one property, or all one after the other."""
    if len(sys.argv) == 1:
        command = [sys.executable, "-m", "tests.fuzz.fuzz"]
        return max(subprocess.run([*command, name, SECONDS], check=False).returncode for name in PROPERTIES)
    name, seconds = sys.argv[1:3]
    options = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", f"-artifact_prefix={CORPUS}/{name}-"]
    atheris.Setup([name, *options, str(corpus(name))], PROPERTIES[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
