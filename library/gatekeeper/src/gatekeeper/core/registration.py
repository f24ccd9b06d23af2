"""Registration: RRQ, full and keepAlive, and URQ (H.225.0 7.9, 7.10)."""

from __future__ import annotations

from h323.council import RefusalName
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AliasAddress,
    RegistrationConfirm,
    RegistrationRequest,
    UnregistrationConfirm,
    UnregistrationRequest,
)

from gatekeeper.core.denial import Denial
from gatekeeper.core.effects import Address
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.state import Registration, State
from gatekeeper.core.transport_address import first_address, to_transport_address
from gatekeeper.registry import Guardian, Registry
from gatekeeper.store import Change

ALIAS_KINDS = ("h323-ID", "dialledDigits", "url-ID")


def alias_text(alias: AliasAddress) -> str | None:
    """The terminal alias as the registry writes it, or None for kinds that it doesn't know."""
    value = alias[1]
    return value if alias[0] in ALIAS_KINDS and isinstance(value, str) else None


def to_alias_address(alias: str) -> AliasAddress:
    """The AliasAddress of a terminal alias from the registry: digits are dialled, the rest is an H.323 ID."""
    return ("dialledDigits", alias) if alias.isdigit() else ("h323-ID", alias)


def register(request: Request[RegistrationRequest]) -> Decision | Denial:
    """Decide a signed RRQ."""
    wanted = request.message.gatekeeper_identifier
    if wanted is not None and wanted != request.settings.gatekeeper_identifier:
        return Denial(RefusalName.GATEKEEPER_ERROR, "another gatekeeper is named", reason="discoveryRequired")
    return _keep_alive(request) if request.message.keep_alive else _full(request)


def _keep_alive(request: Request[RegistrationRequest]) -> Decision | Denial:
    registration = own_registration(request.state, request.guardian, request.message.endpoint_identifier)
    if registration is None:
        return Denial(RefusalName.NOT_REGISTERED, "register in full first", reason="fullRegistrationRequired")
    answer = RegistrationConfirm(
        request_seq_num=request.message.request_seq_num,
        protocol_identifier=PROTOCOL_IDENTIFIER,
        call_signal_address=(),
        gatekeeper_identifier=request.settings.gatekeeper_identifier,
        endpoint_identifier=registration.endpoint_identifier,
        time_to_live=registration.time_to_live,
        will_respond_to_irr=False,
        maintain_connection=False,
    )
    return Decision(answer, alive=registration.endpoint_identifier, durable=False)


def _full(request: Request[RegistrationRequest]) -> Decision | Denial:
    message, state = request.message, request.state
    call_signal_address = first_address(message.call_signal_address)
    if call_signal_address is None:
        return _bad_address("no usable call signalling address", "invalidCallSignalAddress")
    ras_address = first_address(message.ras_address)
    if ras_address is None:
        return _bad_address("no usable RAS address", "invalidRASAddress")
    denial = _foreign_alias(message.terminal_alias, request.guardian, request.registry)
    if denial is not None:
        return denial
    occupant = state.registration_at(call_signal_address)
    if occupant is not None and occupant.terminal_id != request.guardian.terminal_id:
        return _bad_address("this call signalling address is another guardian's", "invalidCallSignalAddress")
    old = state.registration_of(request.guardian.terminal_id)
    if old is None and len(state.registrations) >= request.settings.max_registrations:
        return Denial(RefusalName.CAPACITY_EXCEEDED, "too many registrations", reason="resourceUnavailable")
    changes: tuple[Change, ...] = ()
    if old is not None and old.call_signal_address != call_signal_address:
        # The key holder has moved (another device, another address): what was there before is gone.
        changes, old = unregister_endpoint(state, old), None
    registration = _registration(request, old, call_signal_address, ras_address)
    state.add_registration(registration)
    return Decision(
        _confirm(request, registration),
        (*changes, Change(registration.key, registration.encoded())),
        {"endpoint_identifier": registration.endpoint_identifier, "time_to_live": registration.time_to_live},
        alive=registration.endpoint_identifier,
    )


def _bad_address(detail: str, reason: str) -> Denial:
    return Denial(RefusalName.GATEKEEPER_ERROR, detail, reason=reason)


def _foreign_alias(aliases: tuple[AliasAddress, ...] | None, guardian: Guardian, registry: Registry) -> Denial | None:
    """A guardian may use the aliases that the registry gives them, no others."""
    for alias in aliases or ():
        text = alias_text(alias)
        owner = registry.by_alias(text) if text is not None else None
        if owner is None:
            return Denial(RefusalName.UNKNOWN_ALIAS, "an alias is not on the registry", reason="invalidAlias")
        if owner.terminal_id != guardian.terminal_id:
            return Denial(RefusalName.DUPLICATE_ALIAS, "an alias is another guardian's", reason="duplicateAlias")
    return None


def _registration(
    request: Request[RegistrationRequest], old: Registration | None, call_signal_address: Address, ras_address: Address
) -> Registration:
    wanted = request.message.time_to_live or request.settings.time_to_live
    return Registration(
        endpoint_identifier=old.endpoint_identifier if old else request.random_bytes(8).hex().upper(),
        terminal_id=request.guardian.terminal_id,
        aliases=(*request.guardian.aliases, request.guardian.terminal_id),
        call_signal_address=call_signal_address,
        ras_address=ras_address,
        source=request.source,
        time_to_live=min(wanted, request.settings.time_to_live),
    )


def _confirm(request: Request[RegistrationRequest], registration: Registration) -> RegistrationConfirm:
    return RegistrationConfirm(
        request_seq_num=request.message.request_seq_num,
        protocol_identifier=PROTOCOL_IDENTIFIER,
        call_signal_address=(to_transport_address(registration.call_signal_address),),
        terminal_alias=tuple(to_alias_address(alias) for alias in request.guardian.aliases),
        gatekeeper_identifier=request.settings.gatekeeper_identifier,
        endpoint_identifier=registration.endpoint_identifier,
        time_to_live=registration.time_to_live,
        will_respond_to_irr=False,
        maintain_connection=False,
    )


def own_registration(state: State, guardian: Guardian, endpoint_identifier: str | None) -> Registration | None:
    """The registration with this endpointIdentifier if it is the guardian's own."""
    registration = state.registrations.get(endpoint_identifier or "")
    return registration if registration and registration.terminal_id == guardian.terminal_id else None


def unregister(request: Request[UnregistrationRequest]) -> Decision | Denial:
    """Decide a signed URQ: the endpoint is named by its identifier or, failing that, by its addresses."""
    message = request.message
    registration = own_registration(request.state, request.guardian, message.endpoint_identifier)
    if registration is None and message.endpoint_identifier is None:
        address = first_address(message.call_signal_address)
        at_address = request.state.registration_at(address) if address else None
        own = at_address is not None and at_address.terminal_id == request.guardian.terminal_id
        registration = at_address if own else None
    if registration is None:
        return Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered", reason="notCurrentlyRegistered")
    changes = unregister_endpoint(request.state, registration)
    answer = UnregistrationConfirm(request_seq_num=message.request_seq_num)
    return Decision(answer, changes, {"endpoint_identifier": registration.endpoint_identifier})


def unregister_endpoint(state: State, registration: Registration) -> tuple[Change, ...]:
    """Remove the registration and its calls; the changes that do so in the store."""
    calls = state.calls.of_endpoint(registration.endpoint_identifier)
    for call in calls:
        state.calls.remove(call)
    state.remove_registration(registration)
    return (*(Change(call.key, None) for call in calls), Change(registration.key, None))
