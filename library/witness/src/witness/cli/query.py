"""`query` picks records."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from witness.cli import table
from witness.cli.folders import Place, one_stream
from witness.cli.lines import write_line
from witness.cli.parser import add_command, add_directory
from witness.cli.times import parse_time, time_argument
from witness.day_files.filing import own_day
from witness.day_files.flaw import Flaw
from witness.day_files.reader import DayFileReader

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_GUARDIAN = "if://guardian/"
_NEIGHBOUR = timedelta(days=1)
"""By so much a file's day may be before its records', and records' times from their order."""
_EPILOG = """\
All conditions must hold. The records come in the log's order, a line each; --json gives their exact octets.
It reads what is there and proves nothing: h323-witness verify does.

exit codes:
   0  some were found
   1  none
  64  the arguments or the folder can't be used

examples:
  why was alice refused today?
      h323-witness query /var/log/guardian-council --guardian alice --type ARJ --since 2026-11-24
  everything about one call, for jq:
      h323-witness query /var/log/guardian-council --call 5f0c9a1e --json | jq .
  takeovers of the last days:
      h323-witness query /var/log/guardian-council --stream failover --since 2026-11-20"""


def add_query(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that picks."""
    command = add_command(commands, "query", "find records by guardian, call, time, reason or type", _EPILOG)
    add_directory(command)
    command.add_argument("--guardian", metavar="NAME", help="whom it's about: alice, or if://guardian/alice")
    command.add_argument("--call", metavar="ID", help="call identifier or conference, or how it begins")
    command.add_argument("--reason", metavar="NAME", help="the runbook's name of a refusal, as INVALID_SIGNATURE")
    command.add_argument("--type", metavar="NAME", help="msg_type (ARQ, ACF, ARJ …) or event (of the stream failover)")
    command.add_argument("--since", type=time_argument, metavar="TIME", help="not before (ISO 8601, UTC)")
    command.add_argument("--until", type=time_argument, metavar="TIME", help="before")
    command.add_argument("--limit", type=int, metavar="N", help="stop after so many")
    command.add_argument("--json", action="store_true", help="the records' lines as they are")
    command.set_defaults(run=_query)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a record must have."""

    guardian: str | None
    call: str | None
    reason: str | None
    type: str | None
    since: datetime | None
    until: datetime | None

    def needles(self) -> list[bytes]:
        """Octets without which a line need not be parsed."""
        texts = [text for text in (self.guardian, self.call, self.reason, self.type) if text is not None]
        return [json.dumps(text)[1:-1].encode() for text in texts]

    def matches(self, record: object) -> bool:
        """Whether it's one of them."""
        return (
            isinstance(record, dict)
            and (self.guardian is None or self.guardian in _values(record, "terminal_id", "claimed_terminal_id"))
            and (self.reason is None or self.reason in _values(record, "reason", "cause"))
            and (self.type is None or self.type in _values(record, "msg_type", "event"))
            and (self.call is None or any(each.startswith(self.call) for each in _calls(record)))
            and self._is_then(record.get("time"))
        )

    def _is_then(self, time: object) -> bool:
        if self.since is None and self.until is None:
            return True
        try:
            when = parse_time(str(time))
        except ValueError:
            return False
        return (self.since is None or when >= self.since) and (self.until is None or when < self.until)


def _values(record: dict[str, object], *names: str) -> list[object]:
    return [record.get(name) for name in names]


def _calls(record: dict[str, object]) -> list[str]:
    return [str(value) for value in _values(record, "call_identifier", "conference_id") if value is not None]


def _query(options: argparse.Namespace) -> int:
    place = one_stream(options.directory, options.stream)
    guardian = options.guardian
    if guardian is not None and "://" not in guardian:
        guardian = _GUARDIAN + guardian
    call = options.call.lower() if options.call is not None else None
    wanted = _Wanted(guardian, call, options.reason, options.type, options.since, options.until)
    found = 0
    for line in _records(place, wanted):
        if not found and not options.json:
            print(table.header())
        found += 1
        if options.json:
            write_line(line)
        else:
            print(table.row(line))
        if options.limit is not None and found >= options.limit:
            break
    if not found:
        print("h323-witness: no such record", file=sys.stderr)
    return 0 if found else 1


def _records(place: Place, wanted: _Wanted) -> Iterator[bytes]:
    needles = wanted.needles()
    reader = DayFileReader(place.folder, place.stream, since=_day(wanted.since, -_NEIGHBOUR))
    last = _day(wanted.until, _NEIGHBOUR)
    flaws = 0
    try:
        for item in reader.read():
            if isinstance(item, Flaw):
                flaws += 1
                continue
            for line in item.lines:
                # The files' days don't tell: one by a wrong clock has those that came later, too.
                if last and (own_day(line) or "") > last:
                    continue
                if all(needle in line for needle in needles) and wanted.matches(_parsed(line)):
                    yield line
    finally:
        reader.close()
        if flaws:
            told = f"{flaws} flaws in the files: h323-witness verify says which"
            print(f"h323-witness: WARNING: {told}", file=sys.stderr)


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _day(time: datetime | None, shift: timedelta) -> str:
    """YYYYMMDD some days from a time; empty for none."""
    try:
        return (time.astimezone(timezone.utc) + shift).strftime("%Y%m%d") if time is not None else ""
    except OverflowError:
        return ""
