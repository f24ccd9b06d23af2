"""Reports on calls: IRR (H.225.0 7.15)."""

from __future__ import annotations

from h323.asn1.types import InfoRequestResponsePerCallInfoItem
from h323.council import RefusalName
from h323.ras import InfoRequestAck, InfoRequestResponse

from gatekeeper.core.admission import call_capacity, conference_capacity
from gatekeeper.core.bandwidth import bandwidth_quota, clamped
from gatekeeper.core.call_identifier import call_identifier_of
from gatekeeper.core.calls import Call
from gatekeeper.core.denial import Denial
from gatekeeper.core.mcu_choice import mcu_of_registration
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
    adopted: list[Call] = []
    disowned: dict[str, Call] = {}  # by callIdentifier: a call listed many times is dropped by one DRQ
    for item in (message.per_call_info or ())[:MOST_REPORTED]:
        call = state.calls.get(registration.endpoint_identifier, call_identifier_of(item))
        if call is not None:
            state.calls.report(call, request.now.monotonic)
            continue
        call = _unknown(request, item, registration)
        if granted_beforehand(request, call) is None:
            state.calls.add(call, request.now.monotonic)
            adopted.append(call)
        else:
            disowned[call.call_identifier] = call
    return Decision(
        InfoRequestAck(request_seq_num=message.request_seq_num) if message.need_response else None,
        alive=registration.endpoint_identifier,
        alive_for=registration.time_to_live,
        adopted=tuple(adopted),
        disowned=tuple(disowned.values()),
        durable=False,
    )


def granted_beforehand(request: Request[InfoRequestResponse], call: Call) -> Denial | None:
    """What is against a call that its endpoint has made or answered without an ARQ."""
    kind = "answer_call" if call.answer_call else "make_call"
    if kind not in request.guardian.pre_granted_arq:
        return Denial(RefusalName.UNKNOWN_CALL, "the call was never admitted")
    state, settings, quota = request.state, request.settings, request.guardian.bandwidth_quota_bps
    return (
        call_capacity(state, call.endpoint_identifier, settings)
        or (conference_capacity(state, call.conference_id, settings) if call.participant else None)
        or bandwidth_quota(state, call.terminal_id, call.bandwidth_bps, quota)
    )


def _unknown(
    request: Request[InfoRequestResponse], item: InfoRequestResponsePerCallInfoItem, registration: Registration
) -> Call:
    """The call as its endpoint describes it."""
    return Call(
        endpoint_identifier=registration.endpoint_identifier,
        terminal_id=registration.terminal_id,
        call_identifier=call_identifier_of(item),
        conference_id=item.conference_id.hex(),
        bandwidth_bps=clamped(item.band_width, request.settings),
        destination=registration.call_signal_address,
        mcu=None,
        answer_call=item.originator is False,
        call_reference=item.call_reference_value,
        participant=mcu_of_registration(registration, request.settings) is None,
        admitted_at=request.now.unix,
    )


def denies(message: InfoRequestResponse, call: Call) -> bool:
    """Whether an endpoint that was asked after this call says that it doesn't have it."""
    listed = any(call_identifier_of(item) == call.call_identifier for item in message.per_call_info or ())
    partial = message.irr_status is not None and message.irr_status[0] in _PARTIAL
    return not listed and not partial
