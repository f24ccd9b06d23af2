"""Admission: ARQ (H.225.0 7.11), one function a policy."""

from __future__ import annotations

from dataclasses import dataclass

from h323.asn1.types import Endpoint, TransportQOS
from h323.council import CallProfile, CallType, ProfileError, RefusalName, read_profile
from h323.ras import AdmissionConfirm, AdmissionRequest, UUIEsRequested

from gatekeeper.core.answering import Caller, caller_of
from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS, bandwidth_quota, clamped
from gatekeeper.core.call_identifier import call_identifier_of
from gatekeeper.core.calls import Call
from gatekeeper.core.denial import Denial
from gatekeeper.core.destination import Destination, Directory, Wanted
from gatekeeper.core.mcu_choice import mcu_capacity, mcu_of_registration
from gatekeeper.core.registration import own_registration
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import Registration, State
from gatekeeper.core.terminal_type import endpoint_type_of
from gatekeeper.core.transport_address import address_text, from_transport_address, to_transport_address
from gatekeeper.store import Change

_NO_UUIES = UUIEsRequested(
    setup=False,
    call_proceeding=False,
    connect=False,
    alerting=False,
    information=False,
    release_complete=False,
    facility=False,
    progress=False,
    empty=False,
)


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A call, and for the caller's leg where it goes."""

    call: Call
    destination: Destination | None = None


def admit(request: Request[AdmissionRequest]) -> Decision | Denial:
    """Decide an ARQ."""
    message, state = request.message, request.state
    registration = own_registration(state, request.guardian, message.endpoint_identifier)
    if registration is None:
        return Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered", reason="callerNotRegistered")
    call_identifier = call_identifier_of(message)
    call = state.calls.get(registration.endpoint_identifier, call_identifier)
    admitted = (
        _again(request, registration, call) if call is not None else _new_call(request, registration, call_identifier)
    )
    if isinstance(admitted, Denial):
        return admitted
    if call is None:
        state.calls.add(admitted.call, request.now.monotonic)
    changes = (Change(admitted.call.key, admitted.call.encoded()),)
    return Decision(_confirm(request, admitted), changes, _notes(admitted.call), alive=None)


def _again(request: Request[AdmissionRequest], registration: Registration, call: Call) -> _Admitted | Denial:
    """The same call, asked for in a fresh message: that changes nothing. Another call can't have its identifier."""
    message = request.message
    there = None if message.answer_call else _calling(request, registration)
    elsewhere = isinstance(there, Destination) and there.address != call.destination
    same_leg = (message.answer_call, message.call_reference_value) == (call.answer_call, call.call_reference)
    if elsewhere or not same_leg:
        detail = "this endpoint has another call of this callIdentifier"
        return Denial(RefusalName.UNKNOWN_CALL, detail, reason="requestDenied")
    return _Admitted(call, there if isinstance(there, Destination) else None)


def _new_call(
    request: Request[AdmissionRequest], registration: Registration, call_identifier: str
) -> _Admitted | Denial:
    message, state, settings = request.message, request.state, request.settings
    # An MCU's own end of a leg takes no seat beside the participant's.
    participant = mcu_of_registration(registration, settings) is None
    denial = (
        council_profile(message)
        or call_capacity(state, registration.endpoint_identifier, settings)
        or (conference_capacity(state, message.conference_id.hex(), settings) if participant else None)
        or own_call_identifier(state, message, call_identifier)
    )
    if denial is not None:
        return denial
    ends = (
        _answering(request, registration, call_identifier) if message.answer_call else _calling(request, registration)
    )
    if isinstance(ends, Denial):
        return ends
    granted = clamped(message.band_width, settings)
    denial = bandwidth_quota(state, registration.terminal_id, granted, request.guardian.bandwidth_quota_bps)
    if denial is not None:
        return denial
    call = Call(
        endpoint_identifier=registration.endpoint_identifier,
        terminal_id=registration.terminal_id,
        call_identifier=call_identifier,
        conference_id=message.conference_id.hex(),
        bandwidth_bps=granted,
        destination=ends.address,
        mcu=ends.mcu,
        answer_call=message.answer_call,
        call_reference=message.call_reference_value,
        participant=participant,
        admitted_at=request.now.unix,
    )
    return _Admitted(call, ends)


def council_profile(message: AdmissionRequest) -> Denial | None:
    """What the council's profile in the request says against it."""
    try:
        profile = read_profile(message.generic_data)
    except ProfileError as error:
        return Denial(RefusalName.PII_POLICY_VIOLATION, f"the council profile cannot be read: {error}")
    return pii_policy(profile)


def pii_policy(profile: CallProfile) -> Denial | None:
    """Personal data must not leave the council by an escalation."""
    if profile.call_type is CallType.ESCALATE and profile.pii:
        return Denial(RefusalName.PII_POLICY_VIOLATION, "an ESCALATE call must not carry personal data")
    return None


def call_capacity(state: State, endpoint_identifier: str, settings: CoreSettings) -> Denial | None:
    """An endpoint has at most so many calls at a time."""
    if state.calls.count_of(endpoint_identifier) >= settings.calls_per_endpoint:
        detail = f"this endpoint has {settings.calls_per_endpoint} calls already"
        return Denial(RefusalName.CAPACITY_EXCEEDED, detail, reason="exceedsCallCapacity")
    return None


def conference_capacity(state: State, conference_id: str, settings: CoreSettings) -> Denial | None:
    """A conference has at most so many participants."""
    if state.calls.participants(conference_id) >= settings.conference_capacity:
        detail = f"the conference has {settings.conference_capacity} participants already"
        return Denial(RefusalName.CAPACITY_EXCEEDED, detail)
    return None


def own_call_identifier(state: State, message: AdmissionRequest, call_identifier: str) -> Denial | None:
    """Nobody calls under the callIdentifier of somebody else's call; version 1 callers share their conference's."""
    shared = call_identifier == message.conference_id.hex()
    if message.answer_call or shared:
        return None
    if any(not leg.answer_call for leg in state.calls.with_identifier(call_identifier)):
        return Denial(RefusalName.UNKNOWN_CALL, "this callIdentifier is another endpoint's", reason="requestDenied")
    return None


def _calling(request: Request[AdmissionRequest], registration: Registration) -> Destination | Denial:
    message = request.message
    address = message.dest_call_signal_address
    wanted = Wanted(
        aliases=message.destination_info or (),
        address=from_transport_address(address) if address is not None else None,
        conference_id=message.conference_id.hex(),
        caller=registration,
    )
    return Directory(request.state, request.settings).find(wanted)


def _answering(
    request: Request[AdmissionRequest], registration: Registration, call_identifier: str
) -> Destination | Denial:
    """The answering endpoint itself, and the MCU at the other end if it's one that calls."""
    caller = caller_of(request, registration, call_identifier)
    if isinstance(caller, Denial):
        return caller
    denial = mcu_capacity(request.state, caller.mcu) if caller.mcu is not None else None
    return denial or _own_end(request, registration, caller)


def _own_end(request: Request[AdmissionRequest], registration: Registration, caller: Caller) -> Destination:
    named = request.message.dest_call_signal_address
    address = from_transport_address(named) if named is not None else None
    own = address if address in registration.call_signal_addresses else None
    return Destination(own or registration.call_signal_address, mcu=caller.mcu.name if caller.mcu else None)


def _confirm(request: Request[AdmissionRequest], admitted: _Admitted) -> AdmissionConfirm:
    """The ACF: direct call model, whatever was asked for (this gatekeeper routes no signalling)."""
    message, settings, call = request.message, request.settings, admitted.call
    there = admitted.destination if not message.answer_call else None
    return AdmissionConfirm(
        request_seq_num=message.request_seq_num,
        band_width=call.bandwidth_bps // BANDWIDTH_UNIT_BPS,
        call_model=("direct", None),
        dest_call_signal_address=to_transport_address(call.destination),
        irr_frequency=settings.irr_frequency or None,
        destination_info=(there.aliases or None) if there is not None and message.can_map_alias else None,
        destination_type=endpoint_type_of(there.kind) if there is not None else None,
        alternate_endpoints=_alternates(there) if there is not None else None,
        transport_qos=quality_of_service(message.transport_qos),
        will_respond_to_irr=True,
        uuies_requested=_NO_UUIES,
    )


def _alternates(there: Destination) -> tuple[Endpoint, ...] | None:
    """Where the caller may send Setup instead, best first."""
    kind = endpoint_type_of(there.kind)
    made = tuple(
        Endpoint(call_signal_address=(to_transport_address(address),), endpoint_type=kind, priority=priority)
        for priority, address in enumerate(there.alternates)
    )
    return made or None


def quality_of_service(wanted: TransportQOS | None) -> TransportQOS | None:
    """Who reserves resources on the way: the endpoint if it can; nobody where it would leave that to us."""
    if wanted is None:
        return None
    return ("noControl", None) if wanted[0] in ("gatekeeperControlled", "noControl") else ("endpointControlled", None)


def _notes(call: Call) -> dict[str, object]:
    return {"bandwidth_bps": call.bandwidth_bps, "destination": address_text(call.destination), "mcu": call.mcu}
