"""`tail` shows the last records, and those that come."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from witness.cli import table
from witness.cli.folders import Place, one_stream
from witness.cli.lines import write_line
from witness.cli.parser import add_command, add_directory
from witness.day_files.flaw import Flaw
from witness.day_files.last import Ending, last_records
from witness.day_files.reader import DayFileReader

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_POLL = 0.2
"""Seconds between two looks at the files."""
_EPILOG = """\
Follows across midnight and rotations, in the log's order. What is shown may not be covered by a checkpoint yet.

examples:
      h323-witness tail /var/log/guardian-council -f
      h323-witness tail /var/log/guardian-council --stream failover -n 3 --json | jq ."""


def add_tail(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that shows the end."""
    command = add_command(commands, "tail", "show the last records of a log, and follow it", _EPILOG)
    add_directory(command)
    command.add_argument("-n", type=int, default=10, dest="count", metavar="N", help="so many of them (%(default)s)")
    command.add_argument("-f", "--follow", action="store_true", help="go on with those that come, until Ctrl-C")
    command.add_argument("--json", action="store_true", help="the records' lines as they are")
    command.set_defaults(run=_tail)


def _tail(options: argparse.Namespace) -> int:
    place = one_stream(options.directory, options.stream)
    ending = last_records(place.folder, place.stream, max(0, options.count))
    if not options.json:
        print(table.header())
    for line in ending.lines:
        _show(line, as_json=options.json)
    if options.follow:
        _follow(place, ending, as_json=options.json)
    return 0


def _follow(place: Place, ending: Ending, *, as_json: bool) -> None:
    reader = DayFileReader(place.folder, place.stream, ending.ends, min(ending.ends, default=""))
    try:
        while True:
            for item in reader.read():
                if isinstance(item, Flaw):
                    where = f"{item.path}:{item.line}"
                    print(f"h323-witness: WARNING: {where}: {item.text}", file=sys.stderr)
                else:
                    for line in item.lines:
                        _show(line, as_json=as_json)
            sys.stdout.flush()
            time.sleep(_POLL)
    finally:
        reader.close()


def _show(line: bytes, *, as_json: bool) -> None:
    if as_json:
        write_line(line)
    else:
        print(table.row(line))
