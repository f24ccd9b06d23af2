"""Disengage: DRQ from an endpoint (H.225.0 7.14)."""

from __future__ import annotations

from h323.council import RefusalName
from h323.ras import DisengageConfirm, DisengageRequest

from gatekeeper.core.call_identifier import call_identifier_of
from gatekeeper.core.denial import Denial
from gatekeeper.core.registration import own_registration
from gatekeeper.core.request import Decision, Request
from gatekeeper.store import Change


def disengage(request: Request[DisengageRequest]) -> Decision | Denial:
    """Decide a DRQ: only the endpoint whose leg it is can end it."""
    message, state = request.message, request.state
    registration = own_registration(state, request.guardian, message.endpoint_identifier)
    if registration is None:
        return Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered", reason="notRegistered")
    call = state.calls.get(registration.endpoint_identifier, call_identifier_of(message))
    if call is None:
        return Denial(RefusalName.UNKNOWN_CALL, "this endpoint has no such call", reason="requestToDropOther")
    state.calls.remove(call)
    answer = DisengageConfirm(request_seq_num=message.request_seq_num)
    return Decision(answer, (Change(call.key, None),), {"bandwidth_bps": call.bandwidth_bps})
