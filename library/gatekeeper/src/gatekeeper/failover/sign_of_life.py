"""What a gatekeeper tells the other one of itself, and how that stands in an H.225.0 nonStandardMessage.

docs/protocol.md, "Signs of life". The content is a JSON object, so that a later release can tell more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from h323.asn1.types import NonStandardParameter
from h323.ras import NonStandardMessage, RasMessage

OBJECT = "2.25.7221617711314949491224944103757927887"
"""Identifies a sign of life: an OID made of a UUID (X.667), which needs no registration."""
LARGEST_CONTENT = 1_400
"""Octets of the JSON object."""
_LONGEST_TEXT = 200
"""Octets of each sentence in UTF-8; what is longer is cut off."""
_MOST_STREAMS = 8
_NUMBERS = range(2**53)
_HIGHEST_SEQ_NUM = 65_535


class SignError(ValueError):
    """It is no sign of life that can be read; its text says why."""


@dataclass(frozen=True, slots=True)
class PeerSign:
    """How a gatekeeper is at one moment."""

    node: str
    role: str
    epoch: int
    """The last one that it knows of, whoever holds it."""
    active: bool
    """In office, and its epoch confirmed within the last second."""
    fit: bool
    trouble: str | None
    """One sentence where it isn't fit."""
    has_quorum: bool
    """Whether its store answered within the last second."""
    witness_records: Mapping[str, int] = field(default_factory=dict)
    """Records on its disk, a stream."""
    leaving: str | None = None
    """Why it gives up office, while it does."""
    previous_end: str | None = None
    """How its service ended before it was started this time, if it knows."""
    release: str | None = None
    unix_ms: int | None = None
    """The sender's clock: milliseconds of Unix time; None where its release doesn't tell."""
    answered_epoch: int | None = None
    """The term in which it last answered a terminal; None where it hasn't since its start."""
    answered_ms_ago: int | None = None
    """Milliseconds since then."""
    successor: str | None = None
    """The node that the one in office asks to take office now, while its own terminals are still answered."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells an old sign from a new one."""

    boot: str
    """16 hexadecimal digits, drawn at each start of the sender."""
    count: int
    """Of this boot's signs to this receiver, from 1 on."""
    heard_boot: str | None = None
    """The boot of the receiver of which the sender has heard last."""
    heard_count: int = 0


def message(stamp: Stamp, sign: PeerSign) -> NonStandardMessage:
    """The message that says this."""
    fields = {
        "boot": stamp.boot,
        "count": stamp.count,
        "heard_boot": stamp.heard_boot,
        "heard_count": stamp.heard_count,
        "node": sign.node,
        "role": sign.role,
        "epoch": sign.epoch,
        "active": sign.active,
        "fit": sign.fit,
        "trouble": _short(sign.trouble),
        "has_quorum": sign.has_quorum,
        "witness_records": dict(sign.witness_records),
        "leaving": _short(sign.leaving),
        "successor": _short(sign.successor),
        "previous_end": _short(sign.previous_end),
        "release": _short(sign.release),
        "unix_ms": sign.unix_ms,
        "answered_epoch": sign.answered_epoch,
        "answered_ms_ago": sign.answered_ms_ago,
    }
    content = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    return NonStandardMessage(
        request_seq_num=(stamp.count - 1) % _HIGHEST_SEQ_NUM + 1,
        non_standard_data=NonStandardParameter(non_standard_identifier=("object", OBJECT), data=content),
    )


def _short(text: str | None) -> str | None:
    """A sentence that is known to fit: JSON would make six octets of a control character."""
    if text is None:
        return None
    plain = "".join(letter if letter.isprintable() and letter not in '"\\' else " " for letter in text)
    return plain.encode(errors="replace")[:_LONGEST_TEXT].decode(errors="ignore")


def read(received: RasMessage) -> tuple[Stamp, PeerSign]:
    """The sign in a received message, not yet believed. Members that aren't known are passed over.

    Raises:
        SignError: it is another message, or a member is missing or isn't what it should be.
    """
    if not isinstance(received, NonStandardMessage):
        raise SignError("another message")
    data = received.non_standard_data
    if data.non_standard_identifier != ("object", OBJECT):
        raise SignError("a nonStandardMessage of another kind")
    if len(data.data) > LARGEST_CONTENT:
        raise SignError(f"more than {LARGEST_CONTENT} octets")
    try:
        fields = json.loads(data.data.decode())
    except (ValueError, RecursionError) as error:
        raise SignError("its content is not JSON") from error
    if not isinstance(fields, dict):
        raise SignError("its content is not a JSON object")
    return _stamp(fields), _sign(fields)


def _stamp(fields: Mapping[str, object]) -> Stamp:
    return Stamp(
        boot=_text(fields, "boot"),
        count=_number(fields, "count"),
        heard_boot=_sentence(fields, "heard_boot"),
        heard_count=_number(fields, "heard_count"),
    )


def _sign(fields: Mapping[str, object]) -> PeerSign:
    return PeerSign(
        node=_text(fields, "node"),
        role=_text(fields, "role"),
        epoch=_number(fields, "epoch"),
        active=_flag(fields, "active"),
        fit=_flag(fields, "fit"),
        trouble=_sentence(fields, "trouble"),
        has_quorum=_flag(fields, "has_quorum"),
        witness_records=_sizes(fields),
        leaving=_sentence(fields, "leaving"),
        successor=_sentence(fields, "successor"),
        previous_end=_sentence(fields, "previous_end"),
        release=_sentence(fields, "release"),
        unix_ms=_number_if_told(fields, "unix_ms"),
        answered_epoch=_number_if_told(fields, "answered_epoch"),
        answered_ms_ago=_number_if_told(fields, "answered_ms_ago"),
    )


def _text(fields: Mapping[str, object], name: str) -> str:
    value = _sentence(fields, name)
    if value is None:
        raise SignError(f"{name} is missing")
    return value


def _sentence(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise SignError(f"{name} is no short text")
    return value


def _flag(fields: Mapping[str, object], name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise SignError(f"{name} is neither true nor false")
    return value


def _number(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value not in _NUMBERS:
        raise SignError(f"{name} is no number")
    return value


def _number_if_told(fields: Mapping[str, object], name: str) -> int | None:
    return None if fields.get(name) is None else _number(fields, name)


def _sizes(fields: Mapping[str, object]) -> dict[str, int]:
    sizes = fields.get("witness_records")
    if not isinstance(sizes, dict) or len(sizes) > _MOST_STREAMS:
        raise SignError("witness_records has no sizes of streams")
    return {str(stream): _number(sizes, stream) for stream in sizes}
