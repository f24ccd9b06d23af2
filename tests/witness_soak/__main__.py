"""The soak for as long as you like: `make soak OPTIONS="--minutes 10"`. It says what it kills and what it found."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.witness_soak.council import council
from tests.witness_soak.soak import Soak, SoakError

_KILLS = 60
"""In one round, each of which begins with empty logs."""


def main() -> int:
    """Exit code 1: something was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.witness_soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="no new round after that (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of the first round, to repeat it")
    parser.add_argument("--kills", type=int, default=_KILLS, help="in one round (default: %(default)s)")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1_000_000)
    end = time.monotonic() + 60 * options.minutes
    kills = records = 0
    while True:
        try:
            records += round_of(seed, options.kills)
        except SoakError as error:
            say(f"seed {seed}: {error}")
            return 1
        kills += options.kills
        say(f"seed {seed}: good; {kills} kills and {records} records so far")
        if time.monotonic() >= end:
            return 0
        seed += 1


def round_of(seed: int, kills: int) -> int:
    """One round; how many records were committed. What is left of one that fails can be looked at."""
    folder = Path(tempfile.mkdtemp(prefix=f"witness-soak-{seed}-"))
    say(f"seed {seed}: {folder}")
    with council(folder) as made:
        soak = Soak(made, seed)
        office = asyncio.run(soak.run(kills, say))
        made.stop()
        soak.check(office)
    shutil.rmtree(folder)
    return sum(len(lines) for lines in office.lines.values())


def say(text: str) -> None:
    """A line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
