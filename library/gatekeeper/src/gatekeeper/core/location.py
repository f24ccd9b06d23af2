"""Location: LRQ (H.225.0 7.13), from endpoints, and from gatekeepers of other zones that the settings name."""

from __future__ import annotations

from dataclasses import replace

from h323.asn1.types import LocationRejectReason
from h323.council import RefusalName
from h323.ras import LocationConfirm, LocationReject, LocationRequest

from gatekeeper.core.denial import Denial
from gatekeeper.core.destination import Destination, Directory, Wanted
from gatekeeper.core.effects import Address
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import State
from gatekeeper.core.terminal_type import endpoint_type_of
from gatekeeper.core.transport_address import address_text, from_transport_address, to_transport_address

_REASONS = {"calledPartyNotRegistered": "notRegistered"}
"""LRJ's name for what ARJ calls otherwise."""


def locate(request: Request[LocationRequest]) -> Decision | Denial:
    """Decide an endpoint's LRQ: where a call would go, without admitting one."""
    message = request.message
    registration = request.state.registration_of(request.guardian.terminal_id)
    if registration is None or message.endpoint_identifier not in (None, registration.endpoint_identifier):
        return Denial(RefusalName.NOT_REGISTERED, "this endpoint is not registered", reason="notRegistered")
    wanted = Wanted(message.destination_info, None, None, registration)
    found = _find(wanted, request.state, request.settings)
    if isinstance(found, Denial):
        return found
    confirm = replace(
        _confirm(message, found, request.settings.ras_address_for(request.source)),
        destination_info=found.aliases or None if message.can_map_alias else None,
        destination_type=endpoint_type_of(found.kind),
    )
    return Decision(confirm, notes={"destination": address_text(found.address)})


def locate_for_neighbour(
    message: LocationRequest, source: Address, state: State, settings: CoreSettings
) -> LocationConfirm | LocationReject:
    """Answer a neighbour's LRQ.

    With nothing but addresses or a reason: what is sent to an address that proves nothing must not be larger than
    what came from there. A call that follows is admitted, or not, when its called endpoint asks (`outside_callers`).
    """
    found = _find(Wanted(message.destination_info, None, None, None), state, settings)
    if isinstance(found, Denial):
        return LocationReject(
            request_seq_num=message.request_seq_num,
            reject_reason=_reject_reason(found),
        )
    return _confirm(message, found, settings.ras_address_for(source))


def _reject_reason(denial: Denial) -> LocationRejectReason:
    if denial.reason == "incompleteAddress":
        return ("incompleteAddress", None)
    if denial.reason == "aliasesInconsistent":
        return ("aliasesInconsistent", None)
    return ("resourceUnavailable", None) if denial.name is RefusalName.CAPACITY_EXCEEDED else ("notRegistered", None)


def reply_address(message: LocationRequest, source: Address) -> Address:
    """Where the answer goes: where the request wants it, as long as that is on the host that it came from."""
    wanted = from_transport_address(message.reply_address)
    return wanted if wanted is not None and wanted[0] == source[0] else source


def _find(wanted: Wanted, state: State, settings: CoreSettings) -> Destination | Denial:
    found = Directory(state, settings).find(wanted)
    if isinstance(found, Denial) and found.reason is not None:
        return replace(found, reason=_REASONS.get(found.reason, found.reason))
    return found


def _confirm(message: LocationRequest, found: Destination, own: Address) -> LocationConfirm:
    return LocationConfirm(
        request_seq_num=message.request_seq_num,
        call_signal_address=to_transport_address(found.address),
        ras_address=to_transport_address(found.ras_address or own),
    )
