"""Registrations and calls, with an index for every question that a decision asks: none of them searches a list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

from gatekeeper.core.effects import Address

REGISTRATION = "registration/"
CALL = "call/"


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered endpoint."""

    endpoint_identifier: str
    terminal_id: str
    aliases: tuple[str, ...]
    call_signal_address: Address
    ras_address: Address
    source: Address
    """Where its registration came from, which is where a gatekeeper-initiated request goes."""
    time_to_live: int

    @property
    def key(self) -> str:
        """Its key in the store."""
        return REGISTRATION + self.endpoint_identifier

    def encoded(self) -> bytes:
        """Its value in the store."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, slots=True)
class Call:
    """An admitted call, as one endpoint's leg of it."""

    endpoint_identifier: str
    terminal_id: str
    call_identifier: str
    """32 hexadecimal digits."""
    conference_id: str
    """32 hexadecimal digits."""
    bandwidth_bps: int
    destination: Address
    mcu: str | None
    """Name of the MCU where this leg ends, None for a call between endpoints."""
    answer_call: bool

    @property
    def key(self) -> str:
        """Its key in the store."""
        return f"{CALL}{self.endpoint_identifier}/{self.call_identifier}"

    def encoded(self) -> bytes:
        """Its value in the store."""
        return json.dumps(asdict(self)).encode()


def _address(value: Iterable[object]) -> Address:
    host, port = value
    return str(host), int(str(port))


def decode_registration(octets: bytes) -> Registration:
    """The registration that `Registration.encoded` gave."""
    fields = json.loads(octets)
    fields["aliases"] = tuple(fields["aliases"])
    for name in ("call_signal_address", "ras_address", "source"):
        fields[name] = _address(fields[name])
    return Registration(**fields)


def decode_call(octets: bytes) -> Call:
    """The call that `Call.encoded` gave."""
    fields = json.loads(octets)
    return Call(**{**fields, "destination": _address(fields["destination"])})


_Group = TypeVar("_Group")
_Member = TypeVar("_Member")


def _drop(index: dict[_Group, dict[_Member, Call]], group: _Group, member: _Member) -> None:
    """Remove one member, and the group with its last: an index must not grow with calls long gone."""
    members = index[group]
    del members[member]
    if not members:
        del index[group]


class State:
    """All registrations and calls of the zone."""

    def __init__(self) -> None:
        self.registrations: dict[str, Registration] = {}
        self.calls: dict[tuple[str, str], Call] = {}
        self._by_terminal_id: dict[str, Registration] = {}
        self._by_alias: dict[str, Registration] = {}
        self._by_address: dict[Address, Registration] = {}
        self._calls_of_endpoint: dict[str, dict[str, Call]] = {}
        self._calls_of_conference: dict[str, dict[tuple[str, str], Call]] = {}
        self._bandwidth: dict[str, int] = {}
        self._mcu_legs: dict[str, int] = {}

    @classmethod
    def restored(cls, items: Mapping[str, bytes]) -> State:
        """The state that the store's items describe."""
        state = cls()
        for key, value in items.items():
            if key.startswith(REGISTRATION):
                state.add_registration(decode_registration(value))
        for key, value in items.items():
            if key.startswith(CALL):
                state.add_call(decode_call(value))
        return state

    def add_registration(self, registration: Registration) -> None:
        """Add it, or replace the one with the same endpointIdentifier."""
        old = self.registrations.get(registration.endpoint_identifier)
        if old is not None:
            self._forget(old)
        self.registrations[registration.endpoint_identifier] = registration
        self._by_terminal_id[registration.terminal_id] = registration
        self._by_address[registration.call_signal_address] = registration
        for alias in registration.aliases:
            self._by_alias[alias] = registration

    def remove_registration(self, registration: Registration) -> None:
        """Remove it; its calls must have been removed before."""
        del self.registrations[registration.endpoint_identifier]
        self._forget(registration)

    def _forget(self, registration: Registration) -> None:
        self._by_terminal_id.pop(registration.terminal_id, None)
        if self._by_address.get(registration.call_signal_address) is registration:
            del self._by_address[registration.call_signal_address]
        for alias in registration.aliases:
            self._by_alias.pop(alias, None)

    def registration_of(self, terminal_id: str) -> Registration | None:
        """The registration of this guardian, if any."""
        return self._by_terminal_id.get(terminal_id)

    def registration_at(self, call_signal_address: Address) -> Registration | None:
        """The registration with this call signalling address, if any."""
        return self._by_address.get(call_signal_address)

    def registration_by_alias(self, alias: str) -> Registration | None:
        """The registration with this terminal alias, if any."""
        return self._by_alias.get(alias)

    def add_call(self, call: Call) -> None:
        """Add a call that isn't there yet."""
        identity = (call.endpoint_identifier, call.call_identifier)
        self.calls[identity] = call
        self._calls_of_endpoint.setdefault(call.endpoint_identifier, {})[call.call_identifier] = call
        self._calls_of_conference.setdefault(call.conference_id, {})[identity] = call
        self._bandwidth[call.terminal_id] = self.bandwidth_of(call.terminal_id) + call.bandwidth_bps
        if call.mcu is not None:
            self._mcu_legs[call.mcu] = self.legs_of(call.mcu) + 1

    def remove_call(self, call: Call) -> None:
        """Remove a call that is there."""
        identity = (call.endpoint_identifier, call.call_identifier)
        del self.calls[identity]
        _drop(self._calls_of_endpoint, call.endpoint_identifier, call.call_identifier)
        _drop(self._calls_of_conference, call.conference_id, identity)
        remaining = self._bandwidth.pop(call.terminal_id) - call.bandwidth_bps
        if remaining:
            self._bandwidth[call.terminal_id] = remaining
        if call.mcu is not None:
            self._mcu_legs[call.mcu] -= 1

    def calls_of(self, endpoint_identifier: str) -> tuple[Call, ...]:
        """This endpoint's calls."""
        return tuple(self._calls_of_endpoint.get(endpoint_identifier, {}).values())

    def participants(self, conference_id: str) -> int:
        """How many legs the conference has."""
        return len(self._calls_of_conference.get(conference_id, {}))

    def mcu_of(self, conference_id: str) -> str | None:
        """Name of the MCU that this conference is on, if it is on one."""
        legs = self._calls_of_conference.get(conference_id, {})
        return next((call.mcu for call in legs.values() if call.mcu is not None), None)

    def bandwidth_of(self, terminal_id: str) -> int:
        """Sum of this guardian's calls in bit/s."""
        return self._bandwidth.get(terminal_id, 0)

    def legs_of(self, mcu: str) -> int:
        """How many legs this MCU has."""
        return self._mcu_legs.get(mcu, 0)
