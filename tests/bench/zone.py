"""The zone under load: its guardians, their keys and their registrations, all made up from a number."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator

from gatekeeper.core import Address, CoreSettings, Mcu
from gatekeeper.core.state import Registration
from gatekeeper.registry import SIGNED, Guardian, KeySlot, Registry
from gatekeeper.store import Batch, Change, Store
from h323.h235 import PrivateKey

IDENTIFIER = "guardian-council"
HOST = "127.0.0.1"
NETWORK = ipaddress.ip_network("127.0.0.0/8")
SETTINGS = CoreSettings(
    node="gk1",
    gatekeeper_identifier=IDENTIFIER,
    ras_address=(HOST, 1719),
    mcus=(Mcu("mcu1", ("192.0.2.21", 1720), capacity=1_000_000),),
    max_registrations=1_000_000,
)
_AT_ONCE = 1_000
"""Registrations in one transaction of `populate`."""


def private_key(name: str) -> PrivateKey:
    """A key of this name, the same in every process."""
    return PrivateKey(hashlib.sha256(name.encode()).digest())


def name_of(number: int) -> str:
    """The name of a guardian, which is their terminal alias as well."""
    return f"g{number:06d}"


def terminal_id_of(number: int) -> str:
    """A guardian's terminal_id."""
    return f"if://guardian/{name_of(number)}"


def endpoint_identifier_of(number: int) -> str:
    """What the gatekeeper has given a guardian's endpoint."""
    return f"{number:016X}"


def guardian(number: int, authentication: str) -> Guardian:
    """A guardian who signs or, by the policy `none`, is believed for their network."""
    slot = KeySlot(1, private_key(name_of(number)).public_key(), "active", 0.0, None, None)
    return Guardian(
        terminal_id_of(number),
        (name_of(number),),
        "guardian",
        "active",
        10_000_000,
        0.0,
        (slot,) if authentication == SIGNED else (),
        authentication=authentication,
        networks=() if authentication == SIGNED else (NETWORK,),
    )


def registry(endpoints: int, authentication: str) -> Registry:
    """The registry of so many guardians."""
    return Registry(tuple(guardian(number, authentication) for number in range(endpoints)))


def call_signal_address(number: int) -> Address:
    """Where a guardian's terminal takes calls: an address of its own."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 1720


def registrations(endpoints: int, source_port: int, authentication: str) -> Iterator[Registration]:
    """What the store has of so many registered endpoints.

    All of them sit behind the load generator's address, so that their keepAlives come from where they registered; or,
    with port 0, each has an address of its own.
    """
    for number in range(endpoints):
        host, port = call_signal_address(number)
        yield Registration(
            endpoint_identifier=endpoint_identifier_of(number),
            terminal_id=terminal_id_of(number),
            aliases=(name_of(number),),
            call_signal_addresses=((host, port),),
            ras_address=(host, 1719),
            source=(HOST, source_port) if source_port else (host, 1719),
            time_to_live=3_600,
            authentication=authentication,
        )


async def populate(store: Store, endpoints: int, source_port: int, authentication: str) -> None:
    """Register so many endpoints in the store itself."""
    term = (await store.take_over(SETTINGS.node, 0.0)).term
    everybody = registrations(endpoints, source_port, authentication)
    changes = [Change(registration.key, registration.encoded()) for registration in everybody]
    for part in _parts(changes):
        await store.commit(term.epoch, Batch(part, ()))


def _parts(changes: list[Change]) -> Iterable[tuple[Change, ...]]:
    return (tuple(changes[start : start + _AT_ONCE]) for start in range(0, len(changes), _AT_ONCE))
