"""Search further than the tests do: `make model`, or `python -m tests.model.search --help`."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time

from .alphabets import ALPHABETS, ANYTHING
from .explorer import explore, wander
from .mutants import MUTANTS
from .world import surroundings


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> int:
    """1 where a run breaks a rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=int, default=4, help="actions of a run, of which all are tried (default 4)")
    parser.add_argument("--alphabet", choices=ALPHABETS, action="append", help="only these; all unless given")
    parser.add_argument("--runs", type=int, default=200, help="long runs at random besides (default 200)")
    parser.add_argument("--length", type=int, default=80, help="actions of a long run (default 80)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the long runs")
    parser.add_argument("--mutant", choices=MUTANTS, help="search a service with this mistake built in")
    arguments = parser.parse_args()
    mistake = MUTANTS[arguments.mutant].mistake() if arguments.mutant else contextlib.nullcontext()
    broken = False
    with surroundings(), mistake:
        for name in arguments.alphabet or [name for name in ALPHABETS if name != ANYTHING.name]:
            report = explore(ALPHABETS[name], arguments.depth)
            broken |= report.found is not None
            _say(report)
        if arguments.runs:
            report = wander(ANYTHING, arguments.runs, arguments.length, arguments.seed)
            broken |= report.found is not None
            _say(report)
    return int(broken)


if __name__ == "__main__":
    raise SystemExit(main())
