"""`rotate` packs old days, and removes those that an archive has."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from witness.cli.folders import InputError, Place, policy_for, streams_below, warn_of_own_policy
from witness.cli.parser import add_command, add_directory
from witness.day_files.markers import SHIPPED, read_marker
from witness.day_files.rotation import PLAIN_DAYS, Limits, plan, remove_drafts, rotating
from witness.log.origins import origin_of
from witness.verify import Demands, StreamReport, Verdict, verify_stream, worst
from witness.verify.earlier_tiles import has_tiles

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_EPILOG = f"""\
A day is packed (gzip) if the cosigned checkpoint covers all of it and the log verifies. One that is past --keep is
removed if an archive has it, too: the file "{SHIPPED}" in the stream's folder says so, or --archived-to. Tiles stay:
the log verifies as before. The newest {PLAIN_DAYS} days of a stream are never touched. Rotation may be killed at any
time, and goes on when it is run again.

exit codes:
   0  done, or nothing to do
   1  the log does not verify: nothing was touched
   3  too few cosigners stand for it: nothing was touched
  64  the arguments or the folder can't be used

examples:
  what would be done?
      h323-witness rotate /var/log/guardian-council --policy /etc/h323-witness/policy --compress-after 7 --check
  a year here, and then only in the archive:
      h323-witness rotate /var/log/guardian-council --policy /etc/h323-witness/policy --compress-after 7 --keep 365"""
_REFUSED = {Verdict.TAMPERED, Verdict.STALE}


def add_rotate(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that rotates."""
    command = add_command(commands, "rotate", "pack old days, and remove those that an archive has", _EPILOG)
    add_directory(command)
    command.add_argument("--policy", type=Path, metavar="FILE", help="whom to believe; without it, the folder's own")
    command.add_argument(
        "--compress-after",
        "--compress-after-days",
        type=_days,
        required=True,
        metavar="DAYS",
        help="pack days that are older",
    )
    command.add_argument(
        "--keep", "--keep-days", type=_days, metavar="DAYS", help="remove days that are older, and archived (none)"
    )
    command.add_argument(
        "--archived-to", type=int, metavar="SIZE", help=f"records that an archive has, instead of the file {SHIPPED}"
    )
    command.add_argument("--check", action="store_true", help="only say what would be done")
    command.add_argument("--json", action="store_true", help="one JSON object instead of text")
    command.set_defaults(run=_rotate)


@dataclass(frozen=True, slots=True)
class _Done:
    """What was done to one file, or would be."""

    stream: str
    what: str
    path: Path
    first: int
    count: int

    def __str__(self) -> str:
        if self.what == "pack":
            return f"{self.path}: packed"
        last = self.first + self.count - 1
        return f"{self.path}: records {self.first} to {last} removed ({self.what})"


def _rotate(options: argparse.Namespace) -> int:
    places = [place for place in streams_below(options.directory, options.stream) if place.folder.is_dir()]
    if options.archived_to is not None and len(places) != 1:
        raise InputError("--archived-to says how many records of one stream an archive has; name it with --stream")
    if options.policy is None:
        warn_of_own_policy()
    done: list[_Done] = []
    verdicts = []
    for place in places:
        report = _verified(place, options)
        verdicts.append(report.verdict)
        if report.verdict not in _REFUSED:
            done += _rotate_place(place, options, report)
    verdict = worst(each for each in verdicts if each in _REFUSED)
    if options.json:
        told = [{"stream": e.stream, "what": e.what, "file": str(e.path), "removed": e.count} for e in done]
        print(json.dumps({"changed": len(done), "check": options.check, "exit_code": int(verdict), "steps": told}))
    else:
        for each in done:
            print(f"would be: {each}" if options.check else each)
        print(f"{len(done)} files {'would be ' if options.check else ''}changed")
    return verdict


def _verified(place: Place, options: argparse.Namespace) -> StreamReport:
    _, policy = policy_for(place, options.policy)
    # How old a cosignature is says nothing about days that are long covered.
    demands = Demands(policy, max_age=float("inf"))
    report = verify_stream(place.folder, place.stream, origin_of(policy, place.stream.name), demands)
    if report.verdict in _REFUSED and report.records:
        told = report.findings[0]
        print(
            f"h323-witness: {place.folder} is left as it is, as it does not verify ({told.where()}: {told.text});"
            " h323-witness verify says what to do",
            file=sys.stderr,
        )
    return report


def _rotate_place(place: Place, options: argparse.Namespace, report: StreamReport) -> list[_Done]:
    archived = options.archived_to
    if archived is None:
        archived = read_marker(place.folder, SHIPPED, place.stream.name)
    remove_before = _day_before(options.keep) if options.keep is not None else ""
    if remove_before and not (archived and has_tiles(place.folder)):
        told = f"no archive has any of it (no file {SHIPPED})" if not archived else "there are no tiles to stand for it"
        print(f"h323-witness: nothing of {place.stream.name} is removed: {told}", file=sys.stderr)
        remove_before = ""
    limits = Limits(_day_before(options.compress_after), remove_before, report.covered, archived)
    done = []
    with contextlib.nullcontext() if options.check else rotating(place.folder):
        if not options.check:
            remove_drafts(place.folder, place.stream)
        for step in plan(place.folder, place.stream, limits):
            if not options.check:
                step.run()
            done.append(_Done(place.stream.name, step.what, step.file.path, step.first, step.count))
    return done


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 100_000:
        raise argparse.ArgumentTypeError("from 1 to 100000 days")
    return days


def _today() -> datetime:
    return datetime.now(timezone.utc)


def _day_before(days: int) -> str:
    """The first day that is not so many days old."""
    try:
        return (_today() - timedelta(days=days)).strftime("%Y%m%d")
    except OverflowError:
        return ""
