"""A report as one line for people: enough to follow an evening, and to see where to look closer."""

from __future__ import annotations

from collections.abc import Iterator

from h323.council import CallProfile
from h323.ras import RegistrationRequest

from gatekeeper.decode.colours import Colours
from gatekeeper.decode.pairing import Relation
from gatekeeper.decode.printable import milliseconds, printable, utc
from gatekeeper.decode.reading import Unreadable
from gatekeeper.decode.report import Report

_LONGEST_ADDRESS = 21
"""Characters of an IPv4 address with a port; an IPv6 one pushes the rest to the right."""
_NAME_WIDTH = 11


def brief_line(report: Report, colours: Colours) -> str:
    """The line of a report."""
    datagram, number = report.datagram, report.reading.request_seq_num
    time = "" if datagram.time is None else f"{utc(datagram.time, ' ', '')}  "
    where = ""
    if datagram.source is not None:
        where = f"{datagram.source!s:>{_LONGEST_ADDRESS}} → {datagram.destination!s:{_LONGEST_ADDRESS}}  "
    title = f"{report.name or '?'}{'' if number is None else f' {number}'}"
    paint = colours.bad if report.bad else colours.refused if report.refused else colours.title
    words = "  ".join(_words(report))
    return f"{time}#{datagram.number:<6} {where}{paint(f'{title:{_NAME_WIDTH}}')} {words}".rstrip()


def _words(report: Report) -> Iterator[str]:
    if isinstance(report.reading, Unreadable):
        yield printable(report.reading.problem)
        return
    if report.terminal is not None:
        yield printable(report.terminal)
    if isinstance(report.reading.value, RegistrationRequest) and report.reading.value.keep_alive:
        yield "keepAlive"
    if isinstance(report.profile, CallProfile):
        yield report.profile.call_type.value
    if report.relation is not None:
        yield from _relation(report.relation)
    if report.refusal is not None:
        yield report.refusal.name.value
    elif report.reason is not None:
        yield report.reason
    check = report.check
    if check is not None and check.problems:
        yield ", ".join(problem.name.upper() for problem in check.problems)


def _relation(relation: Relation) -> Iterator[str]:
    if relation.exchange is None:
        yield "answers nothing in this capture"
    elif relation.is_answer:
        trip = "" if relation.round_trip is None else f" after {milliseconds(relation.round_trip)}"
        yield f"answers #{relation.exchange.number}{trip}"
    if relation.repeats is not None:
        again = relation.repeats
        yield f"#{again} on another interface" if relation.captured_twice else f"retransmission of #{again}"
    if relation.contradicts is not None:
        yield f"contradicts #{relation.contradicts}"
