"""A datagram as a RAS message, or what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from h323.ras import DecodeError, RasMessage, decode
from h323.ras.fault import Fault, find_fault
from h323.ras.names import SHORT_NAMES, alternative

from gatekeeper.decode.near_miss import recognise
from gatekeeper.decode.packets import Datagram


@dataclass(frozen=True, slots=True)
class Message:
    """A RAS message that was read."""

    value: RasMessage
    standard_name: str
    """Such as admissionRequest."""
    name: str
    """Such as ARQ."""
    request_seq_num: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A datagram that is no RAS message, or a damaged one."""

    problem: str
    """One sentence without a full stop."""
    fault: Fault | None
    """Where a message broke off; None where the datagram is something else altogether."""
    name: str | None
    """Of the message that it began as."""

    @property
    def request_seq_num(self) -> int | None:
        """The number of the message that it began as, where that much could be read."""
        return self.fault.request_seq_num if self.fault is not None else None


Reading: TypeAlias = Message | Unreadable


def read(datagram: Datagram) -> Reading:
    """The RAS message in a datagram. Never raises, whatever the octets are."""
    try:
        value = decode(datagram.octets)
    except DecodeError as error:
        return _unreadable(datagram, str(error))
    name = alternative(value)
    first = value[0] if isinstance(value, tuple) and value else value
    return Message(value, name, SHORT_NAMES[name], 0 if isinstance(first, tuple) else first.request_seq_num)


def _unreadable(datagram: Datagram, said: str) -> Unreadable:
    fault = find_fault(datagram.octets)
    whole = not datagram.missing and not datagram.fragment
    something_else = recognise(datagram.octets) if whole else None
    if something_else is not None or fault is None:
        return Unreadable(f"not RAS: {something_else or said}", None, None)
    name = SHORT_NAMES.get(fault.field.partition(".")[0].partition(" ")[0])
    return Unreadable(_problem(datagram, fault), fault, name)


def _problem(datagram: Datagram, fault: Fault) -> str:
    size = len(datagram.octets)
    if datagram.fragment:
        return f"only the first IP fragment of a datagram, {size} octets; this tool doesn't put fragments together"
    if datagram.missing:
        return (
            f"the capture kept only {size} of its {size + datagram.missing} octets; take it again with tcpdump -s 0,"
            " which keeps all"
        )
    if fault.truncated:
        return f"truncated: it ends after {size} octets, within {fault.field or 'its first octet'}"
    if not fault.field:
        return "not H.323 RAS, or of a newer version: it begins with no message that is known"
    return f"malformed: {fault.field} at octet {fault.octet} {fault.problem}"
