"""Registrations, with an index for every question that a decision asks, and the zone's calls beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from gatekeeper.core.calls import CALL, Calls, decode_call
from gatekeeper.core.effects import Address

REGISTRATION = "registration/"


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


class State:
    """All registrations and calls of the zone."""

    def __init__(self) -> None:
        self.registrations: dict[str, Registration] = {}
        self.calls = Calls()
        self._by_terminal_id: dict[str, Registration] = {}
        self._by_alias: dict[str, Registration] = {}
        self._by_address: dict[Address, Registration] = {}

    @classmethod
    def restored(cls, items: Mapping[str, bytes]) -> State:
        """The state that the store's items describe."""
        state = cls()
        for key, value in items.items():
            if key.startswith(REGISTRATION):
                state.add_registration(decode_registration(value))
        for key, value in items.items():
            if key.startswith(CALL):
                state.calls.add(decode_call(value))
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
