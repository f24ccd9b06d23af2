"""Changes of a call's bandwidth: BRQ from an endpoint (H.225.0 7.12)."""

from __future__ import annotations

from dataclasses import replace

from h323.council import RefusalName
from h323.ras import BandwidthConfirm, BandwidthRequest

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS, bandwidth_quota, clamped
from gatekeeper.core.call_identifier import call_identifier_of
from gatekeeper.core.denial import Denial
from gatekeeper.core.registration import own_registration
from gatekeeper.core.request import Decision, Request
from gatekeeper.store import Change


def change_bandwidth(request: Request[BandwidthRequest]) -> Decision | Denial:
    """Decide a BRQ: more within the quota, less always, and what is given up is free at once."""
    message, state = request.message, request.state
    registration = own_registration(state, request.guardian, message.endpoint_identifier)
    if registration is None:
        return Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered", reason="notBound")
    call = state.calls.get(registration.endpoint_identifier, call_identifier_of(message))
    if call is None:
        return Denial(RefusalName.UNKNOWN_CALL, "this endpoint has no such call", reason="invalidConferenceID")
    granted = clamped(message.band_width, request.settings)
    quota = request.guardian.bandwidth_quota_bps
    denial = bandwidth_quota(state, registration.terminal_id, granted - call.bandwidth_bps, quota)
    if denial is not None and granted > call.bandwidth_bps:
        free = max(0, quota - state.calls.bandwidth_of(registration.terminal_id))
        return replace(denial, allowed_bandwidth_bps=call.bandwidth_bps + free)
    changed = replace(call, bandwidth_bps=granted)
    state.calls.replace(call, changed)
    return Decision(
        BandwidthConfirm(request_seq_num=message.request_seq_num, band_width=granted // BANDWIDTH_UNIT_BPS),
        (Change(changed.key, changed.encoded()),),
        {"bandwidth_bps": granted, "bandwidth_before_bps": call.bandwidth_bps},
    )
