"""Resources of gateways and MCUs: RAI (H.225.0 7.18) steers new calls to those that have some left."""

from __future__ import annotations

from h323.council import RefusalName
from h323.ras import PROTOCOL_IDENTIFIER, ResourcesAvailableConfirm, ResourcesAvailableIndicate

from gatekeeper.core.denial import Denial
from gatekeeper.core.effects import Address
from gatekeeper.core.registration import own_registration
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.state import ALMOST_OUT, State
from gatekeeper.store import Change


def indicate(request: Request[ResourcesAvailableIndicate]) -> Decision | Denial:
    """Take an RAI. What it says holds until it says otherwise, or its registration ends."""
    message, state = request.message, request.state
    registration = own_registration(state, request.guardian, message.endpoint_identifier)
    if registration is None:
        return Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered")
    identifier = registration.endpoint_identifier
    changed = message.almost_out_of_resources != (identifier in state.almost_out)
    changes: tuple[Change, ...] = ()
    if changed and message.almost_out_of_resources:
        state.almost_out.add(identifier)
        changes = (Change(ALMOST_OUT + identifier, b"1"),)
    elif changed:
        changes = state.forget_resources(identifier)
    return Decision(
        ResourcesAvailableConfirm(request_seq_num=message.request_seq_num, protocol_identifier=PROTOCOL_IDENTIFIER),
        changes,
        {"endpoint_identifier": identifier, "almost_out_of_resources": message.almost_out_of_resources},
        alive=None,
        durable=changed,
    )


def almost_out_of_resources(state: State, call_signal_address: Address) -> bool:
    """Whether the endpoint there has said that it will soon be able to take no more calls."""
    registration = state.registration_at(call_signal_address)
    return registration is not None and registration.endpoint_identifier in state.almost_out
