"""What the witness log says of a request: all that its decision rests on, and nothing that may hold personal data.

`gatekeeper.replay.request` makes a request from this again; what one writes, the other reads. What the text in it may
say is up to `disclosure.py`. Left out: the purpose text of the council profile, display names, user-user data,
non-standard parameters and all else in `personal_data.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from h323.council import ProfileError, read_profile
from h323.ras import (
    AdmissionRequest,
    BandwidthRequest,
    DisengageRequest,
    InfoRequestResponse,
    LocationRequest,
    RasMessage,
    RegistrationRequest,
    ResourcesAvailableIndicate,
    TransportAddress,
    UnregistrationRequest,
)
from h323.ras.names import short_name

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS
from gatekeeper.core.call_identifier import call_identifier_of
from gatekeeper.core.disclosure import Disclosure
from gatekeeper.core.prerequisites import refused_feature, refused_revision
from gatekeeper.core.terminal_alias import alias_text
from gatekeeper.core.terminal_type import endpoint_types, named_prefixes
from gatekeeper.core.transport_address import address_text, from_transport_address, usable_addresses

MOST_ADDRESSES = 17
"""Call signalling addresses of one request: with so many it is refused."""
UNREADABLE = "unreadable"
"""The call type of a call profile that can't be read."""

Fields = dict[str, object]


def request_seq_num(message: RasMessage) -> int:
    """The requestSeqNum; an admissionConfirmSequence, which is no request, has none of its own."""
    return 0 if isinstance(message, tuple) else message.request_seq_num


def describe_request(message: RasMessage, disclosure: Disclosure) -> Fields:
    """The fields of the request's record."""
    fields: Fields = {"msg_type": short_name(message), "request_seq_num": request_seq_num(message)}
    describe = _DESCRIBE.get(type(message))
    return fields if describe is None else fields | describe(message, disclosure)


def _addresses(values: Iterable[TransportAddress]) -> list[str] | None:
    return [address_text(address) for address in usable_addresses(values)[:MOST_ADDRESSES]] or None


def _address(value: TransportAddress | None) -> str | None:
    address = from_transport_address(value) if value is not None else None
    return address_text(address) if address is not None else None


def _another_gatekeeper(identifier: str | None, disclosure: Disclosure) -> bool | None:
    return disclosure.names_another_gatekeeper(identifier) or None


def _registration(message: RegistrationRequest, disclosure: Disclosure) -> Fields:
    common: Fields = {
        "endpoint_identifier": disclosure.identifier(message.endpoint_identifier),
        "keep_alive": message.keep_alive,
        "requested_time_to_live": message.time_to_live,
        "another_gatekeeper": _another_gatekeeper(message.gatekeeper_identifier, disclosure),
    }
    if message.keep_alive:
        return common
    return common | {
        "aliases": disclosure.own_aliases(message.terminal_alias),
        "endpoint_types": list(endpoint_types(message.terminal_type)),
        "named_prefixes": disclosure.prefixes(named_prefixes(message.terminal_type)),
        "call_signal_addresses": _addresses(message.call_signal_address),
        "ras_address": next(iter(_addresses(message.ras_address) or ()), None),
        "additive": message.additive_registration,
        "restart": message.restart,
        "another_protocol": refused_revision(message.protocol_identifier) is not None or None,
        "needs_a_feature": refused_feature(message.feature_set) is not None or None,
    }


def _unregistration(message: UnregistrationRequest, disclosure: Disclosure) -> Fields:
    supported = (alias_text(one.prefix) for one in message.supported_prefixes or ())
    return {
        "endpoint_identifier": disclosure.identifier(message.endpoint_identifier),
        "aliases": disclosure.own_aliases(message.endpoint_alias),
        "named_prefixes": disclosure.prefixes(supported),
        "alias_patterns": len(message.endpoint_alias_pattern or ()) or None,
        "call_signal_addresses": _addresses(message.call_signal_address),
        "another_gatekeeper": _another_gatekeeper(message.gatekeeper_identifier, disclosure),
    }


def _call(message: AdmissionRequest | BandwidthRequest | DisengageRequest, disclosure: Disclosure) -> Fields:
    return {
        "endpoint_identifier": disclosure.identifier(message.endpoint_identifier),
        "call_identifier": call_identifier_of(message),
        "conference_id": message.conference_id.hex(),
    }


def _bandwidth(message: BandwidthRequest, disclosure: Disclosure) -> Fields:
    return _call(message, disclosure) | {"requested_bandwidth_bps": message.band_width * BANDWIDTH_UNIT_BPS}


def _admission(message: AdmissionRequest, disclosure: Disclosure) -> Fields:
    fields = _call(message, disclosure) | {
        "destination": disclosure.called(message.destination_info),
        "destination_address": _address(message.dest_call_signal_address),
        "requested_bandwidth_bps": message.band_width * BANDWIDTH_UNIT_BPS,
        "answer_call": message.answer_call,
        "call_reference": message.call_reference_value,
    }
    if message.answer_call:
        fields["caller"] = disclosure.callers(message.src_info)
        fields["caller_address"] = _address(message.src_call_signal_address)
    try:
        profile = read_profile(message.generic_data)
    except ProfileError:
        return fields | {"call_type": UNREADABLE}
    return fields | {"call_type": profile.call_type.value, "pii": profile.pii}


def _location(message: LocationRequest, disclosure: Disclosure) -> Fields:
    return {
        "endpoint_identifier": disclosure.identifier(message.endpoint_identifier),
        "destination": disclosure.called(message.destination_info),
    }


def _report(message: InfoRequestResponse, disclosure: Disclosure) -> Fields:
    return {"endpoint_identifier": disclosure.identifier(message.endpoint_identifier)}


def _resources(message: ResourcesAvailableIndicate, disclosure: Disclosure) -> Fields:
    return {
        "endpoint_identifier": disclosure.identifier(message.endpoint_identifier),
        "almost_out_of_resources": message.almost_out_of_resources,
    }


_DESCRIBE: Mapping[type[Any], Callable[[Any, Disclosure], Fields]] = {
    RegistrationRequest: _registration,
    UnregistrationRequest: _unregistration,
    AdmissionRequest: _admission,
    BandwidthRequest: _bandwidth,
    DisengageRequest: _call,
    LocationRequest: _location,
    InfoRequestResponse: _report,
    ResourcesAvailableIndicate: _resources,
}
