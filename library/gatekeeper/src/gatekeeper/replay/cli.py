"""`h323-witness replay` makes a log's decisions again."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from witness.day_files.flaw import Flaw
from witness.day_files.reader import DayFileReader
from witness.day_files.streams import RAS_STREAM, STREAMS
from witness.errors import WitnessError
from witness.policy import MAX_OCTETS, parse_policy
from witness.verify import Demands, Verdict, verify_stream
from witness.verify.locations import Locations

from gatekeeper.registry_history import FOLDER
from gatekeeper.replay.finding import Finding, Summary
from gatekeeper.replay.judge import Judge
from gatekeeper.replay.registries import KnownRegistries

if TYPE_CHECKING:
    from argparse import _SubParsersAction

JUSTIFIED, UNJUSTIFIED, NOT_JUDGED, USAGE = 0, 1, 4, 64
_SHOWN = 20
"""Findings that are printed for people; JSON has all that were kept."""
_RAS = STREAMS[RAS_STREAM]
_EPILOG = """\
exit codes:
   0  every decision is the one that the gatekeeper's policies make
   1  there are decisions that the log does not justify, each is named
   4  some decisions can't be judged: the registry of their time isn't there, or the log nowhere tells what there was
  64  the arguments or the folder can't be used; nothing was judged
  with --policy, what `h323-witness verify` finds comes first: where that is 1 or 3, nothing is judged; 2, an unsigned
  tail, is the exit code where all decisions are justified

examples:
  on a gatekeeper, which keeps its registries beside the log:
      h323-witness replay /var/log/guardian-council --policy my-policy
  an auditor, with the registries that he was given:
      h323-witness replay h323_witness --policy my-policy --registry january.yaml --registry february.yaml"""


class ReplayError(WitnessError):
    """Arguments that lead nowhere."""


def add_replay(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that makes decisions again."""
    text = "make each decision again by the gatekeeper's policies, and name those that the log does not justify"
    command = commands.add_parser(
        "replay",
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "directory", type=Path, metavar="DIR", help=f"the folder {_RAS.folder}, or the one above all streams"
    )
    command.add_argument(
        "--registry",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help=f"a guardian registry that was in force; may be repeated. DIR/{FOLDER} is looked into, too",
    )
    command.add_argument("--policy", type=Path, metavar="FILE", help="verify the log by this policy (C2SP) first")
    command.add_argument("--json", action="store_true", help="one JSON object instead of text")
    command.set_defaults(run=run, bad_input=USAGE)


def run(options: argparse.Namespace) -> int:
    """Carry it out; the exit code.

    Raises:
        WitnessError: the arguments lead nowhere.
    """
    directory: Path = options.directory
    below = directory / _RAS.folder
    folder = below if below.is_dir() else directory
    if not folder.is_dir():
        raise ReplayError(f"{directory} is no folder; name {_RAS.folder}, or the folder above all streams")
    verdict = Verdict.GOOD
    if options.policy is not None:
        verdict = _verified(folder, options.policy)
        if verdict not in (Verdict.GOOD, Verdict.UNSIGNED_TAIL):
            name = verdict.name.lower().replace("_", " ")
            print(f"the log is not good: {name}; see h323-witness verify. Nothing was judged.", file=sys.stderr)
            return int(verdict)
    known = KnownRegistries(options.registry, (directory / FOLDER, folder.parent / FOLDER))
    judge, locations = Judge(known.find), Locations()
    flaws = _walk(folder, judge, locations)
    if not judge.summary.records:
        raise ReplayError(f"{folder} has no records")
    code = _code(judge, flaws) or int(verdict)
    if options.json:
        print(json.dumps(_document(judge, flaws, locations, code), indent=1))
    else:
        _show(judge, flaws, locations, code)
    return code


def _verified(folder: Path, path: Path) -> Verdict:
    try:
        with path.open("rb") as file:
            policy = parse_policy(file.read(MAX_OCTETS + 1))
    except OSError as error:
        raise ReplayError(f"{path} cannot be read ({error.strerror})") from error
    origins = [log.verifier.name for log in policy.logs if log.verifier.name.endswith(f"/{RAS_STREAM}")]
    if len(origins) != 1:
        raise ReplayError(f"{path} names {len(origins)} logs of the stream {RAS_STREAM}; it has to be one")
    return verify_stream(folder, _RAS, origins[0], Demands(policy)).verdict


def _walk(folder: Path, judge: Judge, locations: Locations) -> list[Flaw]:
    flaws: list[Flaw] = []
    reader = DayFileReader(folder, _RAS)
    try:
        for run_or_flaw in reader.read():
            if isinstance(run_or_flaw, Flaw):
                flaws.append(run_or_flaw)
                continue
            locations.add(run_or_flaw)
            for record in _records(run_or_flaw.lines):
                judge.take(record)
    finally:
        reader.close()
    judge.finish()
    return flaws


def _records(lines: list[bytes]) -> Iterator[dict[str, object]]:
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        # What is no object has no field that a record must have, and is told of for that.
        yield record if isinstance(record, dict) else {}


def _code(judge: Judge, flaws: list[Flaw]) -> int:
    if judge.summary.findings or flaws:
        return UNJUSTIFIED
    return JUSTIFIED if judge.begun and not judge.summary.unjudged else NOT_JUDGED


NO_BEGINNING = (
    "nothing can be judged: behind no TERM or STATE record of this log ITEMS records tell all that there was. It was"
    " written by a release before 2026-11-24, or is shorter than a day"
)


def _show(judge: Judge, flaws: list[Flaw], locations: Locations, code: int) -> None:
    summary = judge.summary
    print(
        f"{summary.records} records, {summary.terms} terms of office: {summary.judged} decisions made again,"
        f" {summary.unproven} refusals of requests that proved nothing"
    )
    if not judge.begun:
        print(NO_BEGINNING)
    elif summary.before:
        print(f"the first {summary.before} records can't be judged: what there was before them is in older files")
    for flaw in flaws[:_SHOWN]:
        print(f"  the log is not whole: {flaw.text}")
    _show_findings("not justified", summary.findings, locations)
    _show_findings("can't be judged", summary.unjudged, locations)
    if summary.further:
        print(f"  and {summary.further} more that were not kept")
    print(f"exit code {code}")


def _show_findings(what: str, findings: list[Finding], locations: Locations) -> None:
    for finding in findings[:_SHOWN]:
        who = f" ({finding.terminal_id})" if finding.terminal_id is not None else ""
        print(f"  {what}: {_where(finding, locations)}: index {finding.index}, {finding.decided}{who}")
        print(f"    expected: {finding.expected} [{finding.rule}]")
    if len(findings) > _SHOWN:
        print(f"  and {len(findings) - _SHOWN} more (--json has up to 1000)")


def _where(finding: Finding, locations: Locations) -> str:
    path, line = locations.find(finding.index)
    return f"{path}:{line}" if path is not None else "?"


def _document(judge: Judge, flaws: list[Flaw], locations: Locations, code: int) -> dict[str, object]:
    summary: Summary = judge.summary
    return {
        "exit_code": code,
        "records": summary.records,
        "terms": summary.terms,
        "judged": summary.judged,
        "unproven": summary.unproven,
        "begun": judge.begun,
        "before": summary.before,
        "flaws": [flaw.text for flaw in flaws],
        "not_justified": [asdict(one) | {"where": _where(one, locations)} for one in summary.findings],
        "not_judged": [asdict(one) | {"where": _where(one, locations)} for one in summary.unjudged],
        "further": summary.further,
    }
