"""A report as one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from h323.council import CallProfile, ProfileError
from h323.h235 import HashedToken, SignedToken

from gatekeeper.decode.checking import Check
from gatekeeper.decode.fields import message_fields
from gatekeeper.decode.packets import Datagram
from gatekeeper.decode.pairing import Exchange, Relation
from gatekeeper.decode.printable import utc
from gatekeeper.decode.reading import Message, Unreadable
from gatekeeper.decode.report import Report
from gatekeeper.decode.summary import Summary

_NANOSECONDS_IN_MS = 1_000_000


def line(fields: Mapping[str, object]) -> str:
    """The JSON of a line; what is None is left out. ASCII, so that nothing in it can disturb a terminal."""
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def report_line(report: Report, *, personal: bool) -> str:
    """The line of a datagram."""
    reading = report.reading
    fields: dict[str, object] = {"event": "message", **_where(report.datagram), "bad": report.bad}
    if isinstance(reading, Unreadable):
        return line({**fields, **_unreadable(reading)})
    return line({**fields, **_message(report, reading, personal=personal)})


def unanswered_line(exchange: Exchange) -> str:
    """The line of a request that nobody answered."""
    return line(
        {
            "event": "unanswered",
            "frame": exchange.number,
            "message": exchange.name,
            "requestSeqNum": exchange.request_seq_num,
            "source": _text(exchange.requester),
            "destination": _text(exchange.responder),
            "terminal": exchange.terminal,
            "attempts": exchange.attempts,
        }
    )


def summary_line(summary: Summary) -> str:
    """The last line."""
    return line({"event": "summary", **summary.values()})


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _where(datagram: Datagram) -> dict[str, object]:
    return {
        "frame": datagram.number,
        "time": None if datagram.time is None else utc(datagram.time),
        "source": _text(datagram.source),
        "destination": _text(datagram.destination),
        "octets": len(datagram.octets) + datagram.missing,
    }


def _unreadable(reading: Unreadable) -> dict[str, object]:
    fault = reading.fault
    where = None
    if fault is not None:
        where = {
            "field": fault.field,
            "octet": fault.octet,
            "problem": fault.problem,
            "expected": fault.expected,
            "truncated": fault.truncated,
        }
    return {
        "message": reading.name,
        "requestSeqNum": reading.request_seq_num,
        "unreadable": reading.problem,
        "fault": where,
    }


def _message(report: Report, message: Message, *, personal: bool) -> dict[str, object]:
    return {
        "message": message.name,
        "name": message.standard_name,
        "requestSeqNum": message.request_seq_num,
        "terminal": report.terminal,
        **(_relation(report.relation) if report.relation is not None else {}),
        "reason": report.reason,
        "refusal": None
        if report.refusal is None
        else {"name": report.refusal.name.value, "detail": report.refusal.detail},
        "profile": _profile(report.profile, personal=personal),
        "fields": message_fields(message, personal=personal),
        **(_check(report.check) if report.check is not None else {}),
    }


def _relation(relation: Relation) -> dict[str, object]:
    exchange = relation.exchange
    trip = relation.round_trip
    answered = exchange.number if exchange is not None and relation.is_answer else None
    return {
        "answers": answered,
        "round_trip_ms": None if trip is None else round(trip / _NANOSECONDS_IN_MS, 3),
        "captured_again" if relation.captured_twice else "retransmission_of": relation.repeats,
        "contradicts": relation.contradicts,
        "request_missing": True if exchange is None else None,
    }


def _profile(profile: CallProfile | ProfileError | None, *, personal: bool) -> dict[str, object] | None:
    if profile is None:
        return None
    if isinstance(profile, ProfileError):
        return {"malformed": str(profile)}
    shown: dict[str, object] = {"call_type": profile.call_type.value, "pii": profile.pii}
    return shown | ({"purpose": profile.purpose} if personal else {"purpose_characters": len(profile.purpose)})


def _check(check: Check) -> dict[str, object]:
    token = check.token
    shown: dict[str, object] = {}
    if token is not None:
        shown["token"] = {
            "kind": "password" if isinstance(token, HashedToken) else "signature",
            "sendersID": token.senders_id,
            "generalID": token.general_id,
            "timeStamp": token.time_stamp,
            "random": token.random,
            "challenge": token.challenge.hex() if isinstance(token, SignedToken) and token.challenge else None,
            "age_s": None if check.age is None else round(check.age, 3),
        }
    unchecked = "not checked" if token is not None or check.problems else "none"
    verdict = unchecked if not check.verified else "good" if check.good else check.problems[0].name
    shown["signature"] = {
        "verdict": verdict,
        "key": check.key,
        "not_checked": check.not_verified,
        "problems": [{"name": one.name, "detail": one.detail} for one in check.problems],
    }
    return shown
