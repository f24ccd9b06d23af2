"""`verify` says whether a log is what was signed and cosigned."""

from __future__ import annotations

import argparse
import base64
import json
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from witness.checkpoint import Checkpoint
from witness.cli.folders import InputError, Place, policy_for, read_input, streams_below, warn_of_own_policy
from witness.cli.parser import add_command, add_directory
from witness.cli.progress import Progress
from witness.day_files.listing import list_day_files
from witness.log.origins import origin_of
from witness.policy import Policy, PolicyError, judge_checkpoint
from witness.verify import Demands, Finding, Kind, StreamReport, Verdict, verify_stream, worst
from witness.verify.stream import DEFAULT_MAX_AGE

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_SHOWN = 20
"""Findings of a stream that are printed for people; JSON has all that were kept."""
_LOOK_AGAIN = 0.1
"""Seconds between two looks for a newer checkpoint."""
_LARGEST_CHECKPOINT = 1_000_000
_WORDS = {
    Verdict.GOOD: "good",
    Verdict.TAMPERED: "tampered",
    Verdict.UNSIGNED_TAIL: "unsigned tail",
    Verdict.STALE: "stale",
}
_EPILOG = """\
exit codes:
   0  good: every record and every tile is what the checkpoint stands for, and the policy's quorum has cosigned it
   1  tampered: something is not what was signed; the records or files are named
   2  unsigned tail: there are records beyond the checkpoint, all else is good (normal for a second on a log in use)
   3  stale: no checkpoint, no quorum, or the newest cosignature is more than --max-age older than the newest record
  64  the arguments, the policy or the folder can't be used; nothing was verified

examples:
  all three streams, with the policy that you were given when the log began:
      h323-witness verify /var/log/guardian-council --policy my-policy
  a log that is written to meanwhile:
      h323-witness verify /var/log/guardian-council --policy my-policy --wait 10
  has it only grown since the checkpoints that you have kept?
      h323-witness verify h323_witness --policy my-policy --known checkpoint-of-october"""


def add_verify(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that verifies."""
    command = add_command(commands, "verify", "verify records, tiles, checkpoint and cosignatures of a log", _EPILOG)
    add_directory(command)
    command.add_argument(
        "--policy", type=Path, metavar="FILE", help="whom to believe (C2SP tlog-policy); without it, the folder's own"
    )
    command.add_argument(
        "--max-age",
        type=float,
        default=DEFAULT_MAX_AGE,
        metavar="S",
        help="seconds by which the newest cosignature may be older than the newest record (%(default).0f)",
    )
    command.add_argument(
        "--known",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a checkpoint that you have kept: the log must have grown from it; may be repeated",
    )
    command.add_argument(
        "--wait", type=float, default=0.0, metavar="S", help="seconds to wait for records that are not covered yet (0)"
    )
    command.add_argument("--json", action="store_true", help="one JSON object instead of text")
    command.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    places = streams_below(options.directory, options.stream)
    prepared = []
    for place in places:
        path, policy = policy_for(place, options.policy)
        prepared.append((place, path, policy, origin_of(policy, place.stream.name)))
    known = _known(options.known, [policy for _, _, policy, _ in prepared])
    if options.policy is None:
        warn_of_own_policy()
    reports = []
    for place, _, policy, origin in prepared:
        demands = Demands(policy, options.max_age, tuple(each for each in known if each.origin == origin))
        reports.append(_verify_place(place, origin, demands, options.wait))
    verdict = worst(report.verdict for report in reports)
    if options.json:
        policies = [str(path) for _, path, _, _ in prepared]
        print(json.dumps(_document(verdict, reports, policies, own=options.policy is None), indent=1))
    else:
        _show(verdict, reports)
    return verdict


def _known(paths: Sequence[Path], policies: Sequence[Policy]) -> list[Checkpoint]:
    """The checkpoints that were kept; they count for the log whose key has signed them."""
    found = []
    for path in paths:
        octets = read_input(path, _LARGEST_CHECKPOINT)
        problem: PolicyError | None = None
        for policy in policies:
            try:
                found.append(judge_checkpoint(octets, policy).checkpoint)
                break
            except PolicyError as error:
                problem = error
        else:
            raise InputError(f"{path}: {problem}")
    return found


def _verify_place(place: Place, origin: str, demands: Demands, patience: float) -> StreamReport:
    if not place.folder.is_dir():
        report = StreamReport(place.stream.name, place.folder, origin)
        report.add(Finding(Kind.NO_FOLDER, "the policy has this stream, and the folder is not there", place.folder))
        return report
    progress = Progress(place.stream.name, _octets(place))
    end = time.monotonic() + patience

    def wait(uncovered: int) -> bool:
        """Let the log service cover them."""
        if uncovered and time.monotonic() < end:
            time.sleep(_LOOK_AGAIN)
            return True
        return False

    try:
        return verify_stream(place.folder, place.stream, origin, demands, progress, wait)
    finally:
        progress.end()


def _octets(place: Place) -> int:
    total = 0
    for file in list_day_files(place.folder, place.stream):
        try:
            total += file.path.stat().st_size
        except OSError:
            continue
    return total


# For people


def _show(verdict: Verdict, reports: Sequence[StreamReport]) -> None:
    for report in reports:
        print(f"{report.stream:9} {_WORDS[report.verdict]:14} {_counts(report)}")
        for note in report.notes:
            print(f"  note: {note}")
        advice: list[str] = []
        for finding in report.findings[:_SHOWN]:
            where = finding.where()
            print(f"  {finding.kind.label}: {where + ': ' if where else ''}{finding.text}")
            if finding.kind.advice not in advice:
                advice.append(finding.kind.advice)
        hidden = len(report.findings) - _SHOWN + report.further if len(report.findings) > _SHOWN else report.further
        if hidden:
            print(f"  and {hidden} more of this kind or others (--json has up to 1000)")
        for each in advice:
            print(f"  next: {each}")
    print(f"verdict: {_WORDS[verdict]} (exit code {verdict:d})")


def _counts(report: StreamReport) -> str:
    records = f"{report.records} records"
    if report.checkpoint is None:
        return f"{records}, no checkpoint"
    when = ", ".join(f"{name} {_iso(at)}" for name, at in report.cosigned.items()) or "nobody"
    return f"{records}, checkpoint of {report.covered}, cosigned by {when}"


def _iso(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"at {seconds} s"


# For programs


def _document(verdict: Verdict, reports: Sequence[StreamReport], policies: Sequence[str], *, own: bool) -> object:
    return {
        "verdict": _WORDS[verdict],
        "exit_code": int(verdict),
        "policy_is_the_folders_own": own,
        "streams": [_stream_document(*each) for each in zip(reports, policies, strict=True)],
    }


def _stream_document(report: StreamReport, policy: str) -> object:
    checkpoint = report.checkpoint
    return {
        "stream": report.stream,
        "folder": str(report.folder),
        "origin": report.origin,
        "policy": policy,
        "verdict": _WORDS[report.verdict],
        "exit_code": int(report.verdict),
        "first": report.first,
        "records": report.records,
        "uncovered": max(0, report.records - report.covered),
        "checkpoint": checkpoint
        and {
            "size": checkpoint.size,
            "root": base64.b64encode(checkpoint.root).decode(),
            "cosigned": {name: _iso(at) for name, at in report.cosigned.items()},
        },
        "findings": [_finding_document(finding) for finding in report.findings],
        "further_findings": report.further,
        "notes": report.notes,
    }


def _finding_document(finding: Finding) -> object:
    return {
        "kind": finding.kind.label,
        "verdict": _WORDS[finding.kind.verdict],
        "text": finding.text,
        "file": str(finding.path) if finding.path is not None else None,
        "line": finding.line,
        "index": finding.index,
        "next": finding.kind.advice,
    }
