"""The records by which a log says under what its decisions were made: each term's state and settings, each registry."""

from __future__ import annotations

from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import State
from gatekeeper.core.transport_address import address_text
from gatekeeper.registry import Registry

TERM = "TERM"
STATE = "STATE"
REGISTRY = "REGISTRY"
FORMAT = 1
"""Of the records: raised when a decision can no longer be made again from them as before."""


def describe_term(state: State, settings: CoreSettings, previous_epoch: int | None) -> dict[str, object]:
    """What a term begins with: sums of the state that it inherits, and the settings that a decision looks at."""
    return {"msg_type": TERM, "format": FORMAT, "previous_epoch": previous_epoch} | _what_there_is(state, settings)


def describe_state(state: State, settings: CoreSettings) -> dict[str, object]:
    """The same at the beginning of a day, within a term: who has no older files can begin there."""
    return {"msg_type": STATE, "format": FORMAT} | _what_there_is(state, settings)


def _what_there_is(state: State, settings: CoreSettings) -> dict[str, object]:
    calls = state.calls
    return {
        "registrations": len(state.registrations),
        "calls": len(calls),
        "bandwidth_bps": calls.total_bandwidth,
        "settings": describe_settings(settings),
    }


def describe_settings(settings: CoreSettings) -> dict[str, object]:
    """The settings that a decision looks at; none of them is secret. Addresses are HOST:PORT, bandwidths bit/s."""
    return {
        "gatekeeper_identifier": settings.gatekeeper_identifier,
        "ras_address": address_text(settings.ras_address),
        "ras_address6": address_text(settings.ras_address6) if settings.ras_address6 is not None else None,
        "mcus": [{"name": m.name, "address": address_text(m.address), "capacity": m.capacity} for m in settings.mcus],
        "council_alias": settings.council_alias,
        "time_to_live": settings.time_to_live,
        "conference_capacity": settings.conference_capacity,
        "calls_per_endpoint": settings.calls_per_endpoint,
        "maximum_bandwidth_bps": settings.maximum_bandwidth_bps,
        "max_registrations": settings.max_registrations,
        "outside_callers": settings.outside_callers,
        "neighbours": list(settings.neighbours),
    }


def describe_registry(registry: Registry) -> dict[str, object]:
    """Which registry is in force from now on."""
    return {"msg_type": REGISTRY, "version": registry.version, "guardians": len(registry.guardians)}
