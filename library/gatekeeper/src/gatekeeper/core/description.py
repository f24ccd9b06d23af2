"""What the witness log says of a request: who, what and where to, never what may hold personal data.

Left out on purpose: the purpose text of the council profile, display names, user-user data, non-standard parameters.
"""

from __future__ import annotations

from collections.abc import Iterable

from h323.council import ProfileError, read_profile
from h323.ras import (
    AdmissionRequest,
    AliasAddress,
    BandwidthRequest,
    DisengageRequest,
    InfoRequestResponse,
    LocationRequest,
    RasMessage,
    RegistrationRequest,
    ResourcesAvailableIndicate,
    UnregistrationRequest,
)
from h323.ras.names import short_name

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS
from gatekeeper.core.call_identifier import call_identifier_of
from gatekeeper.core.terminal_alias import alias_text
from gatekeeper.core.terminal_type import endpoint_types

_MOST_ALIASES = 8


def _aliases(aliases: Iterable[AliasAddress] | None) -> list[str] | None:
    texts = [text[:128] for text in map(alias_text, aliases or ()) if text is not None]
    return texts[:_MOST_ALIASES] or None


def request_seq_num(message: RasMessage) -> int:
    """The requestSeqNum; an admissionConfirmSequence, which is no request, has none of its own."""
    return 0 if isinstance(message, tuple) else message.request_seq_num


def describe_request(message: RasMessage) -> dict[str, object]:
    """The fields of the request's record."""
    fields: dict[str, object] = {"msg_type": short_name(message), "request_seq_num": request_seq_num(message)}
    if isinstance(message, RegistrationRequest):
        fields |= _describe_registration(message)
    if isinstance(message, UnregistrationRequest):
        fields |= {"endpoint_identifier": message.endpoint_identifier, "aliases": _aliases(message.endpoint_alias)}
    if isinstance(message, AdmissionRequest | BandwidthRequest | DisengageRequest):
        fields |= {
            "endpoint_identifier": message.endpoint_identifier,
            "call_identifier": call_identifier_of(message),
            "conference_id": message.conference_id.hex(),
        }
    if isinstance(message, LocationRequest):
        fields["destination"] = _aliases(message.destination_info)
    if isinstance(message, BandwidthRequest):
        fields["requested_bandwidth_bps"] = message.band_width * BANDWIDTH_UNIT_BPS
    if isinstance(message, InfoRequestResponse | ResourcesAvailableIndicate):
        fields["endpoint_identifier"] = message.endpoint_identifier
    if isinstance(message, AdmissionRequest):
        fields |= _describe_admission(message)
    return fields


def _describe_registration(message: RegistrationRequest) -> dict[str, object]:
    if message.keep_alive:
        return {"endpoint_identifier": message.endpoint_identifier, "keep_alive": True}
    return {
        "aliases": _aliases(message.terminal_alias),
        "keep_alive": False,
        "endpoint_types": list(endpoint_types(message.terminal_type)),
        "additive": message.additive_registration,
        "restart": message.restart,
    }


def _describe_admission(message: AdmissionRequest) -> dict[str, object]:
    fields: dict[str, object] = {
        "destination": _aliases(message.destination_info),
        "requested_bandwidth_bps": message.band_width * BANDWIDTH_UNIT_BPS,
        "answer_call": message.answer_call,
    }
    try:
        profile = read_profile(message.generic_data)
    except ProfileError:
        return fields
    return fields | {"call_type": profile.call_type.value, "pii": profile.pii}
