"""Registration: RRQ, full, additive and keepAlive (H.225.0 7.9)."""

from __future__ import annotations

from dataclasses import replace

from h323.asn1.types import RegistrationConfirmPreGrantedARQ, SupportedPrefix
from h323.council import RefusalName
from h323.ras import PROTOCOL_IDENTIFIER, AliasAddress, RegistrationConfirm, RegistrationRequest, TransportAddress

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS
from gatekeeper.core.denial import Denial
from gatekeeper.core.effects import Address
from gatekeeper.core.prerequisites import (
    assigned_gatekeeper,
    names_another_gatekeeper,
    refused_feature,
    refused_revision,
)
from gatekeeper.core.registration_index import GATEWAY, MCU, Registration
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import State
from gatekeeper.core.terminal_alias import added_aliases, alias_texts, granted_aliases, refused_alias, to_alias_address
from gatekeeper.core.terminal_type import endpoint_types, granted_prefixes, type_policy
from gatekeeper.core.transport_address import alternate_gatekeepers, reachable, usable_addresses
from gatekeeper.registry import SIGNED, Guardian
from gatekeeper.store import Change

MOST_ADDRESSES = 16
"""Call signalling addresses of one endpoint."""


def own_registration(state: State, guardian: Guardian, endpoint_identifier: str | None) -> Registration | None:
    """The registration with this endpointIdentifier if it is the guardian's own."""
    registration = state.registrations.get((endpoint_identifier or "").rstrip("\0"))
    return registration if registration and registration.terminal_id == guardian.terminal_id else None


def register(request: Request[RegistrationRequest]) -> Decision | Denial:
    """Decide an authenticated RRQ."""
    message = request.message
    if names_another_gatekeeper(message.gatekeeper_identifier, request.settings):
        return Denial(RefusalName.GATEKEEPER_ERROR, "another gatekeeper is named", reason="discoveryRequired")
    if message.keep_alive:
        return _keep_alive(request)
    denial = refused_revision(message.protocol_identifier) or refused_feature(message.feature_set)
    denial = denial or refused_alias(request)
    if denial is not None:
        return denial
    return _additive(request) if message.additive_registration else _full(request)


def _keep_alive(request: Request[RegistrationRequest]) -> Decision | Denial:
    """Lightweight registration: of its fields only identifiers, tokens and timeToLive count (H.225.0 7.9.1)."""
    message = request.message
    registration = own_registration(request.state, request.guardian, message.endpoint_identifier)
    if registration is None:
        return _full_registration_required()
    # Not longer than what is in the store, which is what the other gatekeeper would grant.
    time_to_live = min(message.time_to_live or registration.time_to_live, registration.time_to_live)
    answer = RegistrationConfirm(
        request_seq_num=message.request_seq_num,
        protocol_identifier=PROTOCOL_IDENTIFIER,
        call_signal_address=(),
        gatekeeper_identifier=request.settings.gatekeeper_identifier,
        endpoint_identifier=registration.endpoint_identifier,
        time_to_live=time_to_live,
        will_respond_to_irr=True,
        pre_granted_arq=_pre_granted_arq(registration, request.guardian),
        maintain_connection=False,
    )
    alive = Decision(answer, alive=registration.endpoint_identifier, alive_for=time_to_live, durable=False)
    if registration.source == request.source:
        return alive
    # Its NAT gave it another address: a gatekeeper-initiated request has to find it also after a failover.
    changes = _put(request.state, replace(registration, source=request.source))
    notes = {"endpoint_identifier": registration.endpoint_identifier, "time_to_live": time_to_live}
    return replace(alive, changes=changes, notes=notes, durable=True)


def _full_registration_required() -> Denial:
    return Denial(RefusalName.NOT_REGISTERED, "register in full first", reason="fullRegistrationRequired")


def _put(state: State, registration: Registration) -> tuple[Change, ...]:
    state.add_registration(registration)
    return (Change(registration.key, registration.encoded()),)


def _full(request: Request[RegistrationRequest]) -> Decision | Denial:
    message, state = request.message, request.state
    types = endpoint_types(message.terminal_type)
    denial = type_policy(types, request.guardian)
    if denial is not None:
        return denial
    addresses = _call_signal_addresses(request, types)
    if isinstance(addresses, Denial):
        return addresses
    ras_addresses = usable_addresses(message.ras_address)
    if not ras_addresses:
        return _unusable(message.ras_address, "no usable RAS address", "invalidRASAddress")
    old = state.registration_of(request.guardian.terminal_id)
    if old is None and len(state.registrations) >= request.settings.max_registrations:
        return Denial(RefusalName.CAPACITY_EXCEEDED, "too many registrations", reason="resourceUnavailable")
    changes: tuple[Change, ...] = ()
    if old is not None and not set(addresses) & set(old.call_signal_addresses):
        # The key holder has moved (another device, another address): what was there before is gone.
        changes, old = unregister_endpoint(state, old), None
    elif old is not None and message.restart:
        changes = end_calls(state, old)
    registration = Registration(
        endpoint_identifier=old.endpoint_identifier if old else request.random_bytes(8).hex().upper(),
        terminal_id=request.guardian.terminal_id,
        aliases=granted_aliases(request),
        call_signal_addresses=addresses,
        ras_address=request.source if ras_addresses[0] == request.source else ras_addresses[0],
        source=request.source,
        time_to_live=_granted(message.time_to_live, request.settings),
        endpoint_types=types,
        prefixes=granted_prefixes(message.terminal_type, types, request.guardian),
        pre_granted_arq=request.guardian.pre_granted_arq,
        authentication=request.guardian.authentication,
    )
    return _registered(request, registration, (*changes, *_put(state, registration)))


def _granted(wanted: int | None, settings: CoreSettings) -> int:
    """A timeToLive is always granted, also where none is asked for, so that nothing stays registered forever."""
    return min(wanted or settings.time_to_live, settings.time_to_live)


def _additive(request: Request[RegistrationRequest]) -> Decision | Denial:
    """Aliases and prefixes besides those of a registration that is there (H.225.0 7.9.1, additiveRegistration)."""
    message, guardian = request.message, request.guardian
    old = own_registration(request.state, guardian, message.endpoint_identifier)
    if old is None:
        return _full_registration_required()
    added = granted_prefixes(message.terminal_type, old.endpoint_types, guardian)
    registration = replace(
        old,
        aliases=added_aliases(request, old.aliases),
        prefixes=tuple(prefix for prefix in guardian.prefixes if prefix in added or prefix in old.prefixes),
        source=request.source,
        time_to_live=_granted(message.time_to_live or old.time_to_live, request.settings),
    )
    return _registered(request, registration, _put(request.state, registration))


def _call_signal_addresses(
    request: Request[RegistrationRequest], types: tuple[str, ...]
) -> tuple[Address, ...] | Denial:
    """All addresses that others can reach and nobody else has; the first of them is where calls go.

    Endpoints list the addresses of all their networks, of which many a host has the same (loopback, a bridge for
    containers). Only the first must be theirs alone for sure: of the others those that are taken are left out.
    """
    named = request.message.call_signal_address
    addresses = usable_addresses(named)
    if not addresses:
        return _unusable(named, "no usable call signalling address", "invalidCallSignalAddress")
    if len(addresses) > MOST_ADDRESSES:
        return _bad_address(f"more than {MOST_ADDRESSES} call signalling addresses")
    near = [_sharing(address, request.source) for address in addresses if reachable(address, request.source)]
    first, *others = near or addresses
    holder = _holder(first, request, types)
    if holder is not None:
        return _bad_address(f"this call signalling address is {holder}")
    return (first, *(other for other in others if _holder(other, request, types) is None))


def _holder(address: Address, request: Request[RegistrationRequest], types: tuple[str, ...]) -> str | None:
    """Whose the address is, if not the requester's to register."""
    occupant = request.state.registration_at(address)
    if occupant is not None and occupant.terminal_id != request.guardian.terminal_id:
        return "another guardian's"
    if MCU not in types and any(mcu.address == address for mcu in request.settings.mcus):
        return "an MCU's"
    return None


def _sharing(address: Address, source: Address) -> Address:
    """The address, with the source's own text of the host where that is the same: there are many registrations."""
    return (source[0], address[1]) if address[0] == source[0] else address


def _bad_address(detail: str, reason: str = "invalidCallSignalAddress") -> Denial:
    return Denial(RefusalName.GATEKEEPER_ERROR, detail, reason=reason)


def _unusable(named: tuple[TransportAddress, ...], detail: str, reason: str) -> Denial:
    foreign = bool(named) and not any(address[0] in ("ipAddress", "ip6Address") for address in named)
    return _bad_address(detail, "transportNotSupported" if foreign else reason)


def _registered(
    request: Request[RegistrationRequest], registration: Registration, changes: tuple[Change, ...]
) -> Decision:
    notes = {
        "endpoint_identifier": registration.endpoint_identifier,
        "time_to_live": registration.time_to_live,
        "aliases": list(registration.aliases),
        "endpoint_types": list(registration.endpoint_types),
        "prefixes": list(registration.prefixes) or None,
        "pre_granted_arq": list(registration.pre_granted_arq) or None,
    }
    answer = _confirm(request, registration)
    return Decision(answer, changes, notes, alive=registration.endpoint_identifier, alive_for=registration.time_to_live)


def _confirm(request: Request[RegistrationRequest], registration: Registration) -> RegistrationConfirm:
    message, settings = request.message, request.settings
    home = assigned_gatekeeper(settings, request.source, supported=message.supports_assigned_gk)
    return RegistrationConfirm(
        request_seq_num=message.request_seq_num,
        protocol_identifier=PROTOCOL_IDENTIFIER,
        # These would be the gatekeeper's own (H.225.0 7.9.2), and call signalling doesn't go through it.
        call_signal_address=(),
        terminal_alias=_alias_addresses(message, registration),
        gatekeeper_identifier=settings.gatekeeper_identifier,
        endpoint_identifier=registration.endpoint_identifier,
        alternate_gatekeeper=alternate_gatekeepers(settings.alternates),
        time_to_live=registration.time_to_live,
        will_respond_to_irr=True,
        pre_granted_arq=_pre_granted_arq(registration, request.guardian),
        maintain_connection=False,
        supports_additive_registration=True,
        supported_prefixes=_supported_prefixes(registration),
        assigned_gatekeeper=home,
        rehoming_model=("endpointBased", None) if home else None,
    )


def _alias_addresses(message: RegistrationRequest, registration: Registration) -> tuple[AliasAddress, ...]:
    """All that it is registered by; its terminal_id only if it named that, since others may not know what it is."""
    aliases = tuple(to_alias_address(alias) for alias in registration.aliases)
    named = registration.terminal_id in alias_texts(message.terminal_alias)
    return (*aliases, ("url-ID", registration.terminal_id)) if named else aliases


def _supported_prefixes(registration: Registration) -> tuple[SupportedPrefix, ...] | None:
    """Of a gateway, the prefixes that it has, be it none; others have none to speak of."""
    if GATEWAY not in registration.endpoint_types:
        return None
    return tuple(SupportedPrefix(prefix=("dialledDigits", prefix)) for prefix in registration.prefixes)


def _pre_granted_arq(registration: Registration, guardian: Guardian) -> RegistrationConfirmPreGrantedARQ | None:
    """Calls that the registry lets this endpoint make or answer without ARQ, within its quota (H.225.0 7.9.2)."""
    if not registration.pre_granted_arq:
        return None
    return RegistrationConfirmPreGrantedARQ(
        make_call="make_call" in registration.pre_granted_arq,
        use_gk_call_signal_address_to_make_call=False,
        answer_call="answer_call" in registration.pre_granted_arq,
        use_gk_call_signal_address_to_answer=False,
        total_bandwidth_restriction=guardian.bandwidth_quota_bps // BANDWIDTH_UNIT_BPS,
    )


def unregister_endpoint(state: State, registration: Registration) -> tuple[Change, ...]:
    """Remove the registration and its calls; the changes that do so in the store."""
    changes = (*end_calls(state, registration), *state.forget_resources(registration.endpoint_identifier))
    state.remove_registration(registration)
    return (*changes, Change(registration.key, None))


def end_calls(state: State, registration: Registration) -> tuple[Change, ...]:
    """Remove its calls, as after a restart; the changes that do so in the store."""
    calls = state.calls.of_endpoint(registration.endpoint_identifier)
    for call in calls:
        state.calls.remove(call)
    return tuple(Change(call.key, None) for call in calls)


def entitled(registration: Registration, guardian: Guardian) -> bool:
    """Whether the registry, which may be another than at the time of the RRQ, still gives all that is registered."""
    return (
        set(registration.aliases) <= set(guardian.aliases)
        and set(registration.endpoint_types) <= set(guardian.endpoint_types)
        and set(registration.prefixes) <= set(guardian.prefixes)
        and set(registration.pre_granted_arq) <= set(guardian.pre_granted_arq)
        and registration.authentication == guardian.authentication
        and (guardian.authentication == SIGNED or guardian.is_near(registration.source[0]))
    )
