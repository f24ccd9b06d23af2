"""Arguments in, exit code out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from witness.cli import keys, policy, prove, query, rotate, ship, tail, tell, verify
from witness.cli.closed_output import ENDED, leave_quietly
from witness.cli.parser import BAD_INPUT, Parser
from witness.errors import WitnessError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

GROUP = "h323_witness.commands"
"""Entry points of further commands: functions as our `add_…`, which are given the parser's commands."""
_OWN = (
    verify.add_verify,
    prove.add_prove,
    query.add_query,
    tail.add_tail,
    rotate.add_rotate,
    ship.add_ship,
    ship.add_shipped,
    tell.add_tell,
    keys.add_keygen,
    keys.add_vkey,
    policy.add_policy,
)
_DESCRIPTION = """\
IF.witness, the log that everybody can check: verify it, prove single records, look into it, keep it small.
DIR is one stream's folder, or the folder above all three (/var/log/guardian-council on our hosts)."""
_EPILOG = """\
examples:
  is it all still what was signed and cosigned?
      h323-witness verify /var/log/guardian-council --policy my-policy
  what was alice told today, and why?
      h323-witness query /var/log/guardian-council --guardian alice --since 2026-11-24
  give somebody a proof of one record, which needs nothing else than the policy:
      h323-witness prove /var/log/guardian-council 4711 > 4711.tlog-proof
      h323-witness prove --check 4711.tlog-proof --policy my-policy

docs/witness.md says what each command proves. Every command has its own --help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; each command's help says what its exit codes mean."""
    options = build_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        return leave_quietly()
    except KeyboardInterrupt:
        return ENDED
    except WitnessError as error:
        print(f"h323-witness: {error}", file=sys.stderr)
        return int(getattr(options, "bad_input", BAD_INPUT))
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser: argparse.ArgumentParser = Parser(
        prog="h323-witness",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in _OWN:
        add(commands)
    _add_others(commands)
    return parser


def _add_others(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        add: Callable[[_SubParsersAction[argparse.ArgumentParser]], None] = entry.load()
        add(commands)
