"""Unregistration by the endpoint: URQ (H.225.0 7.10), of the whole registration or of some of its aliases."""

from __future__ import annotations

from dataclasses import replace

from h323.council import RefusalName
from h323.ras import UnregistrationConfirm, UnregistrationRequest

from gatekeeper.core.denial import Denial
from gatekeeper.core.prerequisites import names_another_gatekeeper
from gatekeeper.core.registration import own_registration, unregister_endpoint
from gatekeeper.core.registration_index import Registration
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.terminal_alias import alias_text, alias_texts
from gatekeeper.core.transport_address import usable_addresses
from gatekeeper.store import Change


def unregister(request: Request[UnregistrationRequest]) -> Decision | Denial:
    """Decide an authenticated URQ."""
    message = request.message
    if names_another_gatekeeper(message.gatekeeper_identifier, request.settings):
        return _not_registered()
    registration = _named(request)
    if registration is None:
        return _not_registered()
    if message.endpoint_alias or message.supported_prefixes or message.endpoint_alias_pattern:
        return _partly(request, registration)
    return _whole(request, registration)


def _not_registered() -> Denial:
    return Denial(RefusalName.NOT_REGISTERED, "this is not registered", reason="notCurrentlyRegistered")


def _named(request: Request[UnregistrationRequest]) -> Registration | None:
    """The guardian's own registration, named by its identifier or, failing that, by one of its addresses."""
    message = request.message
    if message.endpoint_identifier is not None:
        return own_registration(request.state, request.guardian, message.endpoint_identifier)
    own = request.state.registration_of(request.guardian.terminal_id)
    if own is not None and set(usable_addresses(message.call_signal_address)) & set(own.call_signal_addresses):
        return own
    return None


def _whole(request: Request[UnregistrationRequest], registration: Registration) -> Decision:
    changes = unregister_endpoint(request.state, registration)
    answer = UnregistrationConfirm(request_seq_num=request.message.request_seq_num)
    return Decision(answer, changes, {"endpoint_identifier": registration.endpoint_identifier})


def _partly(request: Request[UnregistrationRequest], registration: Registration) -> Decision | Denial:
    """Only the aliases and prefixes that it names; with the last alias the registration ends."""
    message = request.message
    aliases = alias_texts(message.endpoint_alias)
    prefixes = {alias_text(supported.prefix) for supported in message.supported_prefixes or ()}
    if registration.terminal_id in aliases:
        return _whole(request, registration)
    if any(alias is not None and _is_anothers(request, alias) for alias in aliases):
        return Denial(RefusalName.GATEKEEPER_ERROR, "an alias is another endpoint's", reason="permissionDenied")
    remaining = replace(
        registration,
        aliases=tuple(alias for alias in registration.aliases if alias not in aliases),
        prefixes=tuple(prefix for prefix in registration.prefixes if prefix not in prefixes),
    )
    if remaining == registration:
        return _not_registered()
    if registration.aliases and not remaining.aliases:
        return _whole(request, registration)
    request.state.add_registration(remaining)
    answer = UnregistrationConfirm(request_seq_num=message.request_seq_num)
    notes = {"endpoint_identifier": remaining.endpoint_identifier, "aliases": list(remaining.aliases)}
    return Decision(answer, (Change(remaining.key, remaining.encoded()),), notes)


def _is_anothers(request: Request[UnregistrationRequest], alias: str) -> bool:
    holder = request.state.registration_by_alias(alias)
    return holder is not None and holder.terminal_id != request.guardian.terminal_id
