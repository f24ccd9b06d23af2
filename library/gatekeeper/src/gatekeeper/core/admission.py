"""Admission: ARQ (H.225.0 7.11), one function a policy."""

from __future__ import annotations

from dataclasses import dataclass

from h323.council import CallProfile, CallType, ProfileError, RefusalName, read_profile
from h323.ras import (
    AdmissionConfirm,
    AdmissionRequest,
    UUIEsRequested,
)

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS, bandwidth_quota, clamped
from gatekeeper.core.call_identifier import call_identifier_of
from gatekeeper.core.calls import Call
from gatekeeper.core.denial import Denial
from gatekeeper.core.effects import Address
from gatekeeper.core.registration import own_registration
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.settings import CoreSettings, Mcu
from gatekeeper.core.state import Registration, State
from gatekeeper.core.terminal_alias import alias_text
from gatekeeper.core.transport_address import from_transport_address, to_transport_address
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
class Destination:
    """Where a call goes: an MCU for a conference, or a registered endpoint."""

    address: Address
    mcu: str | None = None


def admit(request: Request[AdmissionRequest]) -> Decision | Denial:
    """Decide a signed ARQ."""
    message, state = request.message, request.state
    registration = own_registration(state, request.guardian, message.endpoint_identifier)
    if registration is None:
        return Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered", reason="callerNotRegistered")
    call_identifier = call_identifier_of(message)
    call = state.calls.get(registration.endpoint_identifier, call_identifier)
    if call is None:
        decided = _new_call(request, registration, call_identifier)
        if isinstance(decided, Denial):
            return decided
        call = decided
        state.calls.add(call, request.now.monotonic)
    # A call that is there already was admitted before: asking again, freshly signed, changes nothing.
    return Decision(_confirm(message, call), (Change(call.key, call.encoded()),), _notes(call), alive=None)


def _new_call(request: Request[AdmissionRequest], registration: Registration, call_identifier: str) -> Call | Denial:
    message = request.message
    try:
        profile = read_profile(message.generic_data)
    except ProfileError as error:
        return Denial(RefusalName.PII_POLICY_VIOLATION, f"the council profile cannot be read: {error}")
    denial = pii_policy(profile) or conference_capacity(request.state, message.conference_id.hex(), request.settings)
    if denial is not None:
        return denial
    destination = _destination(request, registration)
    if isinstance(destination, Denial):
        return destination
    granted = clamped(message.band_width, request.settings)
    denial = bandwidth_quota(request.state, registration.terminal_id, granted, request.guardian.bandwidth_quota_bps)
    if denial is not None:
        return denial
    return Call(
        endpoint_identifier=registration.endpoint_identifier,
        terminal_id=registration.terminal_id,
        call_identifier=call_identifier,
        conference_id=message.conference_id.hex(),
        bandwidth_bps=granted,
        destination=destination.address,
        mcu=destination.mcu,
        answer_call=message.answer_call,
        call_reference=message.call_reference_value,
        admitted_at=request.now.unix,
    )


def pii_policy(profile: CallProfile) -> Denial | None:
    """Personal data must not leave the council by an escalation."""
    if profile.call_type is CallType.ESCALATE and profile.pii:
        return Denial(RefusalName.PII_POLICY_VIOLATION, "an ESCALATE call must not carry personal data")
    return None


def conference_capacity(state: State, conference_id: str, settings: CoreSettings) -> Denial | None:
    """A conference has at most so many legs."""
    if state.calls.participants(conference_id) >= settings.conference_capacity:
        detail = f"the conference has {settings.conference_capacity} participants already"
        return Denial(RefusalName.CAPACITY_EXCEEDED, detail)
    return None


def _destination(request: Request[AdmissionRequest], registration: Registration) -> Destination | Denial:
    """Where the call goes. Nobody is admitted to a place that the gatekeeper doesn't know."""
    message = request.message
    if message.answer_call:
        return Destination(registration.call_signal_address)
    for alias in message.destination_info or ():
        text = alias_text(alias)
        if text == request.settings.council_alias:
            return least_loaded_mcu(request.state, request.settings.mcus, message.conference_id.hex())
        callee = request.state.registration_by_alias(text) if text is not None else None
        if callee is not None:
            return Destination(callee.call_signal_address)
    return _destination_at(request)


def _destination_at(request: Request[AdmissionRequest]) -> Destination | Denial:
    wanted = request.message.dest_call_signal_address
    address = from_transport_address(wanted) if wanted is not None else None
    if address is not None:
        mcu = next((mcu for mcu in request.settings.mcus if mcu.address == address), None)
        if mcu is not None:
            full = request.state.calls.legs_of(mcu.name) >= mcu.capacity
            return _mcus_full() if full else Destination(mcu.address, mcu.name)
        if request.state.registration_at(address) is not None:
            return Destination(address)
    return Denial(RefusalName.UNKNOWN_ALIAS, "nobody is registered there", reason="calledPartyNotRegistered")


def least_loaded_mcu(state: State, mcus: tuple[Mcu, ...], conference_id: str) -> Destination | Denial:
    """The MCU of this conference, or for a new conference the one with the smallest part of its capacity in use."""
    if not mcus:
        detail = "no MCU is configured; name one under mcus"
        return Denial(RefusalName.CAPACITY_EXCEEDED, detail)
    current = state.calls.mcu_of(conference_id)
    candidates = [mcu for mcu in mcus if current is None or mcu.name == current]
    free = [mcu for mcu in candidates if state.calls.legs_of(mcu.name) < mcu.capacity]
    if not free:
        return _mcus_full()
    chosen = min(free, key=lambda mcu: (state.calls.legs_of(mcu.name) / mcu.capacity, mcu.name))
    return Destination(chosen.address, chosen.name)


def _mcus_full() -> Denial:
    return Denial(RefusalName.CAPACITY_EXCEEDED, "the MCU has no free port")


def _confirm(message: AdmissionRequest, call: Call) -> AdmissionConfirm:
    return AdmissionConfirm(
        request_seq_num=message.request_seq_num,
        band_width=call.bandwidth_bps // BANDWIDTH_UNIT_BPS,
        call_model=("direct", None),
        dest_call_signal_address=to_transport_address(call.destination),
        will_respond_to_irr=False,
        uuies_requested=_NO_UUIES,
    )


def _notes(call: Call) -> dict[str, object]:
    return {"bandwidth_bps": call.bandwidth_bps, "destination": f"{call.destination[0]}:{call.destination[1]}"}
