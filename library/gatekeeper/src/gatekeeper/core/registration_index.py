"""Registrations, found by everything that a decision asks for, in constant time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatekeeper.core.effects import Address
from gatekeeper.registry import AUTHENTICATIONS, SIGNED

REGISTRATION = "registration/"
TERMINAL, GATEWAY, MCU, GATEKEEPER = "terminal", "gateway", "mcu", "gatekeeper"
MOST_PREFIX = 32
"""Characters of a gateway's prefix."""
_ONLY_TERMINAL = (TERMINAL,)


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered endpoint. There may be 100,000: it has nothing that nobody asks for, and shares equal values."""

    endpoint_identifier: str
    terminal_id: str
    """The key holder, whose endpoint it is; also a terminal alias, besides those below."""
    aliases: tuple[str, ...]
    call_signal_addresses: tuple[Address, ...]
    """At least one; those that others can reach come first."""
    ras_address: Address
    source: Address
    """Where its registration came from, which is where a gatekeeper-initiated request goes."""
    time_to_live: int
    """Seconds, as granted."""
    endpoint_types: tuple[str, ...] = _ONLY_TERMINAL
    """What it is: of terminal, gateway, mcu and gatekeeper those that its RRQ named."""
    prefixes: tuple[str, ...] = ()
    """Of a gateway: dialled digits that begin so go to it."""
    pre_granted_arq: tuple[str, ...] = ()
    """Calls that it was told need no ARQ: "make_call", "answer_call"."""
    authentication: str = SIGNED
    """The policy by which it was believed, and is spoken to."""

    @property
    def key(self) -> str:
        """Its key in the store."""
        return REGISTRATION + self.endpoint_identifier

    @property
    def call_signal_address(self) -> Address:
        """Where calls to it go, unless the caller needs another network's address."""
        return self.call_signal_addresses[0]

    def call_signal_address_for(self, caller: Registration) -> Address:
        """Where a call from `caller` goes: the first address of an IP version that the caller has too."""
        versions = {_is_ipv6(address) for address in caller.call_signal_addresses}
        fitting = (address for address in self.call_signal_addresses if _is_ipv6(address) in versions)
        return next(fitting, self.call_signal_address)

    def encoded(self) -> bytes:
        """Its value in the store."""
        fields = {
            "endpoint_identifier": self.endpoint_identifier,
            "terminal_id": self.terminal_id,
            "aliases": self.aliases,
            "call_signal_addresses": self.call_signal_addresses,
            "ras_address": self.ras_address,
            "source": self.source,
            "time_to_live": self.time_to_live,
            "endpoint_types": self.endpoint_types,
            "prefixes": self.prefixes,
            "pre_granted_arq": self.pre_granted_arq,
            "authentication": self.authentication,
        }
        return json.dumps(fields).encode()


def _is_ipv6(address: Address) -> bool:
    return ":" in address[0]


class Sharing:
    """Gives equal values as one object, so that 100,000 registrations hold each host and each list once."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self._addresses: dict[Address, Address] = {}
        self._words: dict[tuple[str, ...], tuple[str, ...]] = {}

    def address(self, value: Iterable[object]) -> Address:
        """The address of a two-element list."""
        host, port = value
        address = (self._hosts.setdefault(str(host), str(host)), int(str(port)))
        return self._addresses.setdefault(address, address)

    def words(self, values: Iterable[str]) -> tuple[str, ...]:
        """The words of a list."""
        words = tuple(values)
        return self._words.setdefault(words, words)


def decode_registration(octets: bytes, sharing: Sharing | None = None) -> Registration:
    """The registration that `Registration.encoded` gave, also by the release before several addresses were kept."""
    share = sharing or Sharing()
    fields = json.loads(octets)
    terminal_id = fields["terminal_id"]
    addresses = fields.get("call_signal_addresses") or [fields["call_signal_address"]]
    return Registration(
        endpoint_identifier=fields["endpoint_identifier"],
        terminal_id=terminal_id,
        aliases=tuple(alias for alias in fields["aliases"] if alias != terminal_id),
        call_signal_addresses=tuple(share.address(address) for address in addresses),
        ras_address=share.address(fields["ras_address"]),
        source=share.address(fields["source"]),
        time_to_live=fields["time_to_live"],
        endpoint_types=share.words(fields.get("endpoint_types", _ONLY_TERMINAL)),
        prefixes=share.words(fields.get("prefixes", ())),
        pre_granted_arq=share.words(fields.get("pre_granted_arq", ())),
        authentication=sys.intern(fields.get("authentication", SIGNED)),
    )


class RegistrationIndex:
    """All registrations of the zone.

    Who adds one has seen to it that its guardian, aliases and addresses are nobody else's (see `registration.py`).
    """

    def __init__(self) -> None:
        self.registrations: dict[str, Registration] = {}
        """By endpointIdentifier."""
        self._by_terminal_id: dict[str, Registration] = {}
        self._by_alias: dict[str, Registration] = {}
        self._by_address: dict[Address, Registration] = {}
        self._by_prefix: dict[str, dict[str, Registration]] = {}
        self._mcus: dict[str, Registration] = {}
        self.by_authentication: dict[str, int] = dict.fromkeys(AUTHENTICATIONS, 0)
        """How many there are of each policy."""

    def add_registration(self, registration: Registration) -> None:
        """Add it, or replace the one with the same endpointIdentifier.

        Raises:
            ValueError: its guardian, an alias or an address belongs to another registration.
        """
        old = self.registrations.get(registration.endpoint_identifier)
        for other in self._holders(registration):
            if other is not old:
                raise ValueError(f"{registration.terminal_id} would take what {other.terminal_id} has registered")
        if old is not None:
            self._forget(old)
        self.registrations[registration.endpoint_identifier] = registration
        self._by_terminal_id[registration.terminal_id] = registration
        self.by_authentication[registration.authentication] += 1
        for address in registration.call_signal_addresses:
            self._by_address[address] = registration
        for alias in registration.aliases:
            self._by_alias[alias] = registration
        for prefix in registration.prefixes:
            self._by_prefix.setdefault(prefix, {})[registration.endpoint_identifier] = registration
        if MCU in registration.endpoint_types:
            self._mcus[registration.endpoint_identifier] = registration

    def _holders(self, registration: Registration) -> Iterator[Registration]:
        """Registrations that have something of what only one can have."""
        found = [self._by_terminal_id.get(registration.terminal_id)]
        found += [self._by_address.get(address) for address in registration.call_signal_addresses]
        found += [self._by_alias.get(alias) for alias in registration.aliases]
        return (other for other in found if other is not None)

    def remove_registration(self, registration: Registration) -> None:
        """Remove it; its calls must have been removed before."""
        self._forget(self.registrations.pop(registration.endpoint_identifier))

    def _forget(self, registration: Registration) -> None:
        """Take it out of each index but `registrations`; a group goes with its last member."""
        del self._by_terminal_id[registration.terminal_id]
        self.by_authentication[registration.authentication] -= 1
        for address in registration.call_signal_addresses:
            del self._by_address[address]
        for alias in registration.aliases:
            del self._by_alias[alias]
        for prefix in registration.prefixes:
            gateways = self._by_prefix[prefix]
            del gateways[registration.endpoint_identifier]
            if not gateways:
                del self._by_prefix[prefix]
        self._mcus.pop(registration.endpoint_identifier, None)

    def registration_of(self, terminal_id: str) -> Registration | None:
        """The registration of this guardian, if any."""
        return self._by_terminal_id.get(terminal_id)

    def registration_at(self, call_signal_address: Address) -> Registration | None:
        """The registration with this call signalling address among its own, if any."""
        return self._by_address.get(call_signal_address)

    def registration_by_alias(self, alias: str) -> Registration | None:
        """The registration with this terminal alias, if any; a terminal_id is one, too."""
        return self._by_alias.get(alias) or self._by_terminal_id.get(alias)

    def gateways_for(self, digits: str) -> tuple[Registration, ...]:
        """The gateways with the longest prefix that `digits` begin with; several may share it.

        Args:
            digits: dialled digits, at most 128 characters (H.225.0 7.5).
        """
        return tuple(self._by_prefix.get(self.longest_prefix(digits), {}).values())

    def longest_prefix(self, digits: str) -> str:
        """The longest prefix of a gateway that `digits` begin with; empty where there is none."""
        lengths = range(min(len(digits), MOST_PREFIX), 0, -1)
        return next((digits[:length] for length in lengths if digits[:length] in self._by_prefix), "")

    @property
    def registered_mcus(self) -> Mapping[str, Registration]:
        """MCUs that registered themselves, by endpointIdentifier."""
        return self._mcus
