"""Replay one run and say what each action led to: `python -m tests.model.replay [--mutant NAME] ACTION…`."""

from __future__ import annotations

import argparse
import contextlib
import sys

from .mutants import MUTANTS
from .world import Violation, World, surroundings


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> int:
    """1 where the run breaks a rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutant", choices=MUTANTS, help="a mistake that is built in")
    parser.add_argument("actions", nargs="+")
    arguments = parser.parse_args()
    mistake = MUTANTS[arguments.mutant].mistake() if arguments.mutant else contextlib.nullcontext()
    with surroundings(), mistake:
        made = World()
        try:
            made.begin()
            _replay(made, arguments.actions)
        except Violation as violation:
            _say(f"violated: {violation}")
            return 1
        finally:
            made.close()
    _say("no violation")
    return 0


def _replay(made: World, actions: list[str]) -> None:
    _say(f"{'':20} {made.description}")
    for action in actions:
        if not made.possible(action):
            _say(f"{action:20} is not possible, and passed over")
            continue
        try:
            made.do(action)
        finally:
            _say(f"{action:20} {made.description}")


if __name__ == "__main__":
    raise SystemExit(main())
