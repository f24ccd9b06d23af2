"""Arguments in, exit code out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from witness.cli import keys, policy, ship
from witness.errors import WitnessError

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; each command's help says what its exit codes mean, 2 is input that can't be used."""
    options = build_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except WitnessError as error:
        print(f"h323-witness: {error}", file=sys.stderr)
        return BAD_INPUT


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="h323-witness", description="IF.witness, the log that everybody can check.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (keys.add_keygen, keys.add_vkey, policy.add_policy, ship.add_ship, ship.add_shipped):
        add(commands)
    return parser
