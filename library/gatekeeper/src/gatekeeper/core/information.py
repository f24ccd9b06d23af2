"""Reports on calls: IRR (H.225.0 7.15)."""

from __future__ import annotations

from h323.asn1.types import InfoRequestResponsePerCallInfoItem
from h323.council import RefusalName
from h323.ras import InfoRequestAck, InfoRequestResponse

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS
from gatekeeper.core.call_identifier import call_identifier_of
from gatekeeper.core.calls import Call
from gatekeeper.core.denial import Denial
from gatekeeper.core.registration import own_registration
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.state import Registration

MOST_REPORTED = 1_000
"""Calls in one IRR that are looked at."""
_PARTIAL = ("incomplete", "segment")


def report(request: Request[InfoRequestResponse]) -> Decision | Denial:
    """Take an IRR: a sign of life of the endpoint and of the calls that it lists."""
    message, state = request.message, request.state
    registration = own_registration(state, request.guardian, message.endpoint_identifier)
    if registration is None:
        return Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered", reason="notRegistered")
    disowned = []
    for item in (message.per_call_info or ())[:MOST_REPORTED]:
        call = state.calls.get(registration.endpoint_identifier, call_identifier_of(item))
        if call is None:
            disowned.append(_unknown(item, registration))
        else:
            state.calls.report(call, request.now.monotonic)
    return Decision(
        InfoRequestAck(request_seq_num=message.request_seq_num) if message.need_response else None,
        alive=registration.endpoint_identifier,
        alive_for=registration.time_to_live,
        disowned=tuple(disowned),
        durable=False,
    )


def _unknown(item: InfoRequestResponsePerCallInfoItem, registration: Registration) -> Call:
    """The call as its endpoint describes it."""
    return Call(
        endpoint_identifier=registration.endpoint_identifier,
        terminal_id=registration.terminal_id,
        call_identifier=call_identifier_of(item),
        conference_id=item.conference_id.hex(),
        bandwidth_bps=item.band_width * BANDWIDTH_UNIT_BPS,
        destination=registration.call_signal_address,
        mcu=None,
        answer_call=item.originator is False,
        call_reference=item.call_reference_value,
    )


def denies(message: InfoRequestResponse, call: Call) -> bool:
    """Whether an endpoint that was asked after this call says that it doesn't have it."""
    listed = any(call_identifier_of(item) == call.call_identifier for item in message.per_call_info or ())
    partial = message.irr_status is not None and message.irr_status[0] in _PARTIAL
    return not listed and not partial
