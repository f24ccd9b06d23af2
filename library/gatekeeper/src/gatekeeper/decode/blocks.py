"""A report as a block of lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from itertools import repeat

from h323.council import CallProfile, ProfileError
from h323.h235 import HashedToken, SignedToken, Token

from gatekeeper.decode.checking import Check
from gatekeeper.decode.colours import Colours
from gatekeeper.decode.fields import hidden, message_fields
from gatekeeper.decode.packets import Datagram
from gatekeeper.decode.pairing import Relation
from gatekeeper.decode.printable import milliseconds, printable, utc
from gatekeeper.decode.reading import Message, Unreadable
from gatekeeper.decode.report import Report

_WIDTH = 26
_MOST_CHARACTERS = 120
_BANDWIDTH_UNIT_BPS = 100
_LAST_TIMESTAMP = 2**32


class Blocks:
    """Makes blocks."""

    def __init__(self, colours: Colours, *, personal: bool) -> None:
        self._paint = colours
        self._personal = personal

    def block(self, report: Report) -> str:
        """The block of a report, without an empty line behind it."""
        lines = [self._head(report)]
        if isinstance(report.reading, Unreadable):
            lines += self._unreadable(report.reading)
        else:
            lines += self._message(report, report.reading)
        return "\n".join(lines)

    def _head(self, report: Report) -> str:
        name, number = report.name or "?", report.reading.request_seq_num
        title = f"{name} {number}" if number is not None else name
        paint = self._paint.bad if report.bad else self._paint.refused if report.refused else self._paint.title
        where = f"#{report.datagram.number}"
        return f"{paint(title)}  {self._paint.faint(where + _whence(report.datagram))}"

    def _line(self, name: str, text: str) -> str:
        return f"    {name:{_WIDTH - 1}} {text}"

    def _bad(self, name: str, text: str) -> str:
        return self._paint.bad(self._line(name, text))

    def _unreadable(self, reading: Unreadable) -> Iterator[str]:
        yield self._bad("unreadable", printable(reading.problem))
        if reading.fault is not None:
            fault = reading.fault
            yield self._line("field", f"{fault.field or 'the first'}, at octet {fault.octet} (counted from 0)")
            yield self._line("what is there", fault.problem)
            yield self._line("expected", fault.expected)

    def _message(self, report: Report, message: Message) -> Iterator[str]:
        if report.relation is not None:
            yield from self._relation(report.relation)
        yield from self._refusal(report)
        if report.relation is None or report.relation.repeats is None:
            yield from self._content(report, message)
        yield from self._verdict(report.check)

    def _content(self, report: Report, message: Message) -> Iterator[str]:
        """What an identical datagram before it has shown already."""
        yield from self._profile(report.profile)
        for name, value in message_fields(message, personal=self._personal).items():
            for label, text in _lines(name, value):
                yield self._line(label, text)
        if report.check is not None and report.check.token is not None:
            yield from self._token(report.check.token, report.check.age)

    def _relation(self, relation: Relation) -> Iterator[str]:
        exchange = relation.exchange
        if exchange is None:
            yield self._line("answers", "no request in this capture")
        elif relation.is_answer:
            trip = "" if relation.round_trip is None else f", {milliseconds(relation.round_trip)} after it"
            tries = f", after {relation.attempt} attempts" if relation.attempt > 1 else ""
            of = "in the name of" if exchange.doubted else "of"
            whose = f" {of} {printable(exchange.terminal)}" if exchange.terminal else ""
            yield self._line("answers", f"{exchange.name} #{exchange.number}{whose}{trip}{tries}")
        if relation.repeats is not None and relation.captured_twice:
            yield self._line("captured again", f"the packet of #{relation.repeats}, seen on another interface")
        elif relation.repeats is not None:
            yield self._paint.noted(self._line("retransmission", f"the datagram of #{relation.repeats} once more"))
        if relation.contradicts is not None:
            yield self._bad("contradicts", f"#{relation.contradicts}, which answered the same request differently")

    def _refusal(self, report: Report) -> Iterator[str]:
        if report.refusal is not None:
            detail = f": {printable(report.refusal.detail)}" if report.refusal.detail else ""
            yield self._paint.refused(self._line("refused", f"{report.refusal.name.value}{detail}"))
        elif report.reason is not None:
            yield self._paint.refused(self._line("refused", f"{report.reason} (no council refusal name)"))

    def _profile(self, profile: CallProfile | ProfileError | None) -> Iterator[str]:
        if isinstance(profile, ProfileError):
            yield self._bad("council profile", f"malformed: {profile}")
        elif profile is not None:
            purpose = profile.purpose
            if purpose and not self._personal:
                purpose = hidden(len(purpose), "characters")
            words = f"{profile.call_type.value}, personal data {'yes' if profile.pii else 'no'}"
            yield self._line("council profile", words + (f", purpose {printable(purpose)}" if purpose else ""))

    def _verdict(self, check: Check | None) -> Iterator[str]:
        if check is None:
            return
        label = "password" if isinstance(check.token, HashedToken) else "signature"
        if check.not_verified is not None:
            yield self._line(label, f"not checked: {check.not_verified}" if check.token is not None else "none")
        elif check.good:
            yield self._paint.good(self._line(label, f"good, by {check.key}"))
        elif check.key is not None:
            yield self._line(label, f"holds for {check.key}")
        paint = self._paint.bad if check.verified else self._paint.noted
        for problem in check.problems:
            yield paint(self._line(label, f"{problem.name.upper()}: {printable(problem.detail)}"))

    def _token(self, token: Token, age: float | None) -> Iterator[str]:
        general_id = "nobody" if token.general_id is None else printable(token.general_id)
        kind = "of H.235.1, " if isinstance(token, HashedToken) else ""
        yield self._line("token", f"{kind}sendersID {printable(token.senders_id)}, generalID {general_id}")
        moment = datetime.fromtimestamp(token.time_stamp % _LAST_TIMESTAMP, timezone.utc)
        when = f"{token.time_stamp} ({moment:%Y-%m-%dT%H:%M:%SZ}{_age(age)})"
        yield self._line("", f"timeStamp {when}, random {token.random}")
        if isinstance(token, SignedToken) and token.challenge is not None:
            yield self._line("", f"challenge {token.challenge.hex()}")


def _age(age: float | None) -> str:
    if age is None:
        return ", no capture time to compare with"
    return f", {abs(age):.1f} s {'old' if age >= 0 else 'ahead'} at capture"


def _whence(datagram: Datagram) -> str:
    time = "" if datagram.time is None else f"  {utc(datagram.time, ' ', ' UTC')}"
    where = "" if datagram.source is None else f"  {datagram.source} → {datagram.destination}"
    return f"{time}{where}  {len(datagram.octets) + datagram.missing} octets"


def _lines(name: str, value: object) -> Iterator[tuple[str, str]]:
    """A field on one line or, where it has many parts, one a line."""
    text = _flat(value)
    if name == "bandWidth" and isinstance(value, int):
        text += f" ({value * _BANDWIDTH_UNIT_BPS} bit/s)"
    if len(text) <= _MOST_CHARACTERS or not isinstance(value, list | Mapping):
        yield name, _short(text)
    else:
        parts = value if isinstance(value, list) else [{key: one} for key, one in value.items()]
        for label, part in zip((name, *repeat("", len(parts) - 1)), parts, strict=True):
            yield label, _short(_flat(part))


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}… ({len(text)} characters; see --json)"


def _flat(value: object) -> str:
    """A value on one line: alternatives as `name: value`, lists with commas; what is false is left out inside."""
    if isinstance(value, Mapping):
        given = {name: one for name, one in value.items() if one is not False}
        shown = (name if one is True or one == {} else f"{name}: {_nested(one)}" for name, one in given.items())
        return ", ".join(shown) or "(nothing)"
    if isinstance(value, list):
        return ", ".join(map(_nested, value)) or "(nothing)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _nested(value: object) -> str:
    text = _flat(value)
    several = isinstance(value, list | Mapping) and len(value) > 1
    return f"({text})" if several else text
