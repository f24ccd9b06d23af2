"""Admitted calls, with an index for every question that a decision asks: none of them searches a list."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from gatekeeper.core.effects import Address

CALL = "call/"

Leg = tuple[str, str]
"""What names one endpoint's leg of a call: endpointIdentifier and callIdentifier."""


@dataclass(frozen=True, slots=True)
class Call:
    """An admitted call, as one endpoint's leg of it. Both legs of a call have the same callIdentifier."""

    endpoint_identifier: str
    terminal_id: str
    call_identifier: str
    """32 hexadecimal digits."""
    conference_id: str
    """32 hexadecimal digits."""
    bandwidth_bps: int
    destination: Address
    """Where the caller sends Setup; of an answering leg its own call signalling address."""
    mcu: str | None
    """Name of the MCU at the other end of this leg, None for a call between endpoints."""
    answer_call: bool
    call_reference: int = 0
    """The endpoint's own callReferenceValue, by which it knows the call in DRQ, BRQ and IRQ."""
    participant: bool = True
    """Whether this leg takes a seat in the conference; an MCU's own end of a leg takes none."""
    admitted_at: float = 0.0
    """Unix seconds."""

    @property
    def leg(self) -> Leg:
        """What names it."""
        return self.endpoint_identifier, self.call_identifier

    @property
    def key(self) -> str:
        """Its key in the store."""
        return f"{CALL}{self.endpoint_identifier}/{self.call_identifier}"

    def encoded(self) -> bytes:
        """Its value in the store."""
        # Written out: `asdict` takes four times as long as all the rest.
        fields = {
            "endpoint_identifier": self.endpoint_identifier,
            "terminal_id": self.terminal_id,
            "call_identifier": self.call_identifier,
            "conference_id": self.conference_id,
            "bandwidth_bps": self.bandwidth_bps,
            "destination": self.destination,
            "mcu": self.mcu,
            "answer_call": self.answer_call,
            "call_reference": self.call_reference,
            "participant": self.participant,
            "admitted_at": self.admitted_at,
        }
        return json.dumps(fields).encode()


def decode_call(octets: bytes) -> Call:
    """The call that `Call.encoded` gave."""
    fields = json.loads(octets)
    host, port = fields["destination"]
    return Call(**{**fields, "destination": (str(host), int(port))})


_Group = TypeVar("_Group")
_Member = TypeVar("_Member")


def _put(index: dict[_Group, dict[_Member, Call]], group: _Group, member: _Member, call: Call) -> None:
    index.setdefault(group, {})[member] = call


def _drop(index: dict[_Group, dict[_Member, Call]], group: _Group, member: _Member) -> None:
    """Remove one member, and the group with its last: an index must not grow with calls long gone."""
    members = index[group]
    del members[member]
    if not members:
        del index[group]


def _count(counts: dict[str, int], name: str, difference: int) -> None:
    """Add to a count, and forget it at zero."""
    total = counts.pop(name, 0) + difference
    if total:
        counts[name] = total


class Calls:
    """All calls of the zone."""

    def __init__(self) -> None:
        self._calls: dict[Leg, Call] = {}
        self._reported: OrderedDict[Leg, float] = OrderedDict()
        self._of_endpoint: dict[str, dict[str, Call]] = {}
        self._of_conference: dict[str, dict[Leg, Call]] = {}
        self._by_identifier: dict[str, dict[str, Call]] = {}
        self._seats: dict[str, int] = {}
        self._bandwidth: dict[str, int] = {}
        self._mcu_legs: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls.values())

    def get(self, endpoint_identifier: str, call_identifier: str) -> Call | None:
        """This endpoint's leg of the call, if it was admitted."""
        return self._calls.get((endpoint_identifier, call_identifier))

    def add(self, call: Call, now: float) -> None:
        """Add a leg that isn't there yet; it counts as reported now (monotonic seconds)."""
        self._reported[call.leg] = now
        self._put(call)

    def _put(self, call: Call) -> None:
        self._calls[call.leg] = call
        _put(self._of_endpoint, call.endpoint_identifier, call.call_identifier, call)
        _put(self._of_conference, call.conference_id, call.leg, call)
        _put(self._by_identifier, call.call_identifier, call.endpoint_identifier, call)
        self._reckon(call, 1)

    def remove(self, call: Call) -> None:
        """Remove a leg that is there."""
        del self._reported[call.leg]
        self._take(call)

    def _take(self, call: Call) -> None:
        del self._calls[call.leg]
        _drop(self._of_endpoint, call.endpoint_identifier, call.call_identifier)
        _drop(self._of_conference, call.conference_id, call.leg)
        _drop(self._by_identifier, call.call_identifier, call.endpoint_identifier)
        self._reckon(call, -1)

    def replace(self, old: Call, new: Call) -> None:
        """Put a changed leg (another bandwidth) in the place of the one that is there."""
        self._take(old)
        self._put(new)

    def report(self, call: Call, now: float) -> None:
        """Its endpoint has said that it goes on, or was asked whether it does."""
        self._reported[call.leg] = now
        self._reported.move_to_end(call.leg)

    def report_all(self, now: float) -> None:
        """All count as reported now."""
        self._reported = OrderedDict.fromkeys(self._calls, now)

    def unreported_since(self, monotonic: float) -> list[Call]:
        """The calls of which nothing was heard after `monotonic` (seconds)."""
        silent = []
        for leg, reported in self._reported.items():
            if reported > monotonic:
                break
            silent.append(self._calls[leg])
        return silent

    def _reckon(self, call: Call, sign: int) -> None:
        _count(self._bandwidth, call.terminal_id, sign * call.bandwidth_bps)
        if call.participant:
            _count(self._seats, call.conference_id, sign)
        if call.mcu is not None:
            _count(self._mcu_legs, call.mcu, sign)

    def of_endpoint(self, endpoint_identifier: str) -> tuple[Call, ...]:
        """This endpoint's legs."""
        return tuple(self._of_endpoint.get(endpoint_identifier, {}).values())

    def count_of(self, endpoint_identifier: str) -> int:
        """How many legs this endpoint has."""
        return len(self._of_endpoint.get(endpoint_identifier, {}))

    def of_conference(self, conference_id: str) -> tuple[Call, ...]:
        """The conference's legs."""
        return tuple(self._of_conference.get(conference_id, {}).values())

    def with_identifier(self, call_identifier: str) -> tuple[Call, ...]:
        """The legs of one call."""
        return tuple(self._by_identifier.get(call_identifier, {}).values())

    def participants(self, conference_id: str) -> int:
        """How many participants the conference has."""
        return self._seats.get(conference_id, 0)

    def mcu_of(self, conference_id: str) -> str | None:
        """Name of the MCU that this conference is on, if it is on one."""
        legs = self._of_conference.get(conference_id, {})
        return next((call.mcu for call in legs.values() if call.mcu is not None), None)

    def bandwidth_of(self, terminal_id: str) -> int:
        """Sum of this guardian's calls in bit/s."""
        return self._bandwidth.get(terminal_id, 0)

    @property
    def total_bandwidth(self) -> int:
        """Sum of all calls in bit/s."""
        return sum(self._bandwidth.values())

    def legs_of(self, mcu: str) -> int:
        """How many legs this MCU has."""
        return self._mcu_legs.get(mcu, 0)
