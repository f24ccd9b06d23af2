"""The answering leg of a call: an ARQ with answerCall (H.225.0 7.11.1)."""

from __future__ import annotations

from dataclasses import dataclass

from h323.council import RefusalName
from h323.ras import AdmissionRequest

from gatekeeper.core.called_party import called_names
from gatekeeper.core.calls import Call
from gatekeeper.core.denial import Denial
from gatekeeper.core.mcu_choice import mcu_of_registration
from gatekeeper.core.registration_index import Registration
from gatekeeper.core.request import Request
from gatekeeper.core.settings import Mcu
from gatekeeper.core.transport_address import from_transport_address

_MOST_ALIASES = 16


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: an MCU, or anybody else."""

    mcu: Mcu | None = None


def caller_of(request: Request[AdmissionRequest], registration: Registration, call_identifier: str) -> Caller | Denial:
    """Who calls this endpoint, and whether it may answer.

    Where the caller is one of ours, it was admitted to this very call: both legs have the same callIdentifier and
    conferenceID. Of others the settings say whether they may call in.
    """
    message, state = request.message, request.state
    legs = state.calls.with_identifier(call_identifier)
    if not legs:
        # A version 1 caller has no callIdentifier: its leg goes by the conferenceID.
        legs = state.calls.with_identifier(message.conference_id.hex())
    calling = [
        leg for leg in legs if not leg.answer_call and leg.endpoint_identifier != registration.endpoint_identifier
    ]
    if calling:
        return _admitted_caller(request, registration, calling)
    if _is_ours(request):
        return _refused("the caller was not admitted to this call")
    if not request.settings.outside_callers:
        return _refused("calls from outside the zone are not taken")
    return Caller()


def _admitted_caller(
    request: Request[AdmissionRequest], registration: Registration, calling: list[Call]
) -> Caller | Denial:
    mcu = mcu_of_registration(registration, request.settings)
    for leg in calling:
        # An MCU also answers as the alternate of another.
        here = leg.destination in registration.call_signal_addresses or (mcu is not None and leg.mcu is not None)
        if here and leg.conference_id == request.message.conference_id.hex():
            caller = request.state.registrations.get(leg.endpoint_identifier)
            is_mcu = caller and mcu_of_registration(caller, request.settings)
            return Caller(is_mcu or None)
    return _refused("the caller was admitted to another destination or conference")


def _is_ours(request: Request[AdmissionRequest]) -> bool:
    """Whether the caller, as the answering endpoint describes it, is registered here and has to ask before it calls."""
    message, state = request.message, request.state
    address = from_transport_address(message.src_call_signal_address) if message.src_call_signal_address else None
    found = [state.registration_at(address)] if address is not None else []
    for alias in message.src_info[:_MOST_ALIASES]:
        found += [state.registration_by_alias(name) for name in called_names(alias, request.settings)]
    for caller in found:
        guardian = request.registry.by_terminal_id(caller.terminal_id) if caller is not None else None
        if guardian is not None and "make_call" not in guardian.pre_granted_arq:
            return True
    return False


def _refused(detail: str) -> Denial:
    # Not callerNotRegistered: the answering endpoint would take it for its own registration and register again.
    return Denial(RefusalName.UNKNOWN_CALL, detail, reason="invalidPermission")
