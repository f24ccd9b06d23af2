"""A request as its record describes it (`core/description.py`): each policy sees in it what it saw in the real one."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping

from h323.asn1.types import (
    AddressPattern,
    FeatureDescriptor,
    FeatureSet,
    GatekeeperInfo,
    GatewayInfo,
    SupportedPrefix,
    SupportedProtocols,
    VoiceCaps,
)
from h323.council import CallProfile, CallType, profile_generic_data
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AdmissionRequest,
    AliasAddress,
    BandwidthRequest,
    CallIdentifier,
    DisengageRequest,
    EndpointType,
    GenericData,
    H221NonStandard,
    InfoRequestResponse,
    LocationRequest,
    McuInfo,
    RasMessage,
    RegistrationRequest,
    ResourcesAvailableIndicate,
    TerminalInfo,
    TransportAddress,
    UnregistrationRequest,
    VendorIdentifier,
)

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS
from gatekeeper.core.description import UNREADABLE
from gatekeeper.core.registration_index import GATEKEEPER, GATEWAY, MCU, TERMINAL
from gatekeeper.core.transport_address import from_transport_address, to_transport_address
from gatekeeper.replay.fields import Fields, RecordError, address_of

_ANOTHER = "another gatekeeper?"
"""Stands for the gatekeeperIdentifier that was named; no gatekeeper of ours is called so."""
_ANY_ADDRESS = to_transport_address(("192.0.2.1", 1))
_ANY_PRODUCT = VendorIdentifier(vendor=H221NonStandard(t35_country_code=0, t35_extension=0, manufacturer_code=0))
_ANOTHER_PROTOCOL = "0.0"
_FEATURE = FeatureDescriptor(id=("standard", 1))
_PATTERN: AddressPattern = ("wildcard", ("h323-ID", "?"))
_READABLE = {call_type.value: call_type for call_type in CallType}


def request_of(asked: Fields) -> RasMessage:
    """The request; what no policy looks at is made up.

    Raises:
        RecordError: this can't be a request's record.
    """
    kind = asked.needed_text("msg_type")
    make = _MAKE.get(kind)
    if make is None:
        raise RecordError(f"{kind} is no request with a decision of its own")
    return make(asked)


def _transport_addresses(texts: Iterable[str]) -> tuple[TransportAddress, ...]:
    return tuple(map(_transport_address, texts))


def _transport_address(text: str) -> TransportAddress:
    try:
        return to_transport_address(address_of(text))
    except ValueError as error:
        raise RecordError("not an address") from error


def _optional_address(text: str | None) -> TransportAddress | None:
    return _transport_address(text) if text is not None else None


def _names(texts: Iterable[str]) -> tuple[AliasAddress, ...]:
    return tuple(("h323-ID", text) for text in texts)


def _called(text: str) -> AliasAddress:
    """A called party: an address as it was found out, everything else by name."""
    try:
        address = address_of(text)
        ipaddress.ip_address(address[0])
    except ValueError:
        return ("h323-ID", text)
    value = to_transport_address(address)
    return ("transportID", value) if from_transport_address(value) == address else ("url-ID", f"h323:{text}")


def _another(asked: Fields) -> str | None:
    return _ANOTHER if asked.flag("another_gatekeeper") else None


def _supported(asked: Fields) -> tuple[SupportedPrefix, ...]:
    return tuple(SupportedPrefix(prefix=("h323-ID", prefix)) for prefix in asked.texts("named_prefixes"))


def _registration(asked: Fields) -> RegistrationRequest:
    ras_address = asked.text("ras_address")
    return RegistrationRequest(
        request_seq_num=asked.needed_number("request_seq_num"),
        protocol_identifier=_ANOTHER_PROTOCOL if asked.flag("another_protocol") else PROTOCOL_IDENTIFIER,
        discovery_complete=True,
        call_signal_address=_transport_addresses(asked.texts("call_signal_addresses")),
        ras_address=_transport_addresses((ras_address,) if ras_address is not None else ()),
        terminal_type=_terminal_type(asked),
        terminal_alias=_names(asked.texts("aliases")) or None,
        gatekeeper_identifier=_another(asked),
        endpoint_vendor=_ANY_PRODUCT,
        time_to_live=asked.number("requested_time_to_live"),
        keep_alive=asked.flag("keep_alive"),
        endpoint_identifier=asked.text("endpoint_identifier"),
        will_supply_uuies=False,
        additive_registration=asked.flag("additive"),
        restart=asked.flag("restart"),
        feature_set=FeatureSet(replacement_feature_set=False, needed_features=(_FEATURE,))
        if asked.flag("needs_a_feature")
        else None,
    )


def _terminal_type(asked: Fields) -> EndpointType:
    types, supported = asked.texts("endpoint_types"), _supported(asked)
    protocol: SupportedProtocols = ("voice", VoiceCaps(supported_prefixes=supported))
    return EndpointType(
        mc=False,
        undefined_node=False,
        terminal=TerminalInfo() if TERMINAL in types else None,
        gateway=GatewayInfo(protocol=(protocol,) if supported else None) if GATEWAY in types else None,
        mcu=McuInfo() if MCU in types else None,
        gatekeeper=GatekeeperInfo() if GATEKEEPER in types else None,
    )


def _unregistration(asked: Fields) -> UnregistrationRequest:
    return UnregistrationRequest(
        request_seq_num=asked.needed_number("request_seq_num"),
        call_signal_address=_transport_addresses(asked.texts("call_signal_addresses")),
        endpoint_identifier=asked.text("endpoint_identifier"),
        endpoint_alias=_names(asked.texts("aliases")) or None,
        supported_prefixes=_supported(asked) or None,
        endpoint_alias_pattern=(_PATTERN,) if asked.number("alias_patterns") else None,
        gatekeeper_identifier=_another(asked),
    )


def _call_identifier(asked: Fields) -> CallIdentifier:
    return CallIdentifier(guid=asked.octets("call_identifier"))


def _bandwidth(asked: Fields) -> int:
    return asked.needed_number("requested_bandwidth_bps") // BANDWIDTH_UNIT_BPS


def _profile(asked: Fields) -> tuple[GenericData, ...]:
    name = asked.needed_text("call_type")
    if name == UNREADABLE:
        # Two of them can't be read either.
        return (profile_generic_data(CallProfile()),) * 2
    call_type = _READABLE.get(name)
    if call_type is None:
        raise RecordError("call_type is none of the council's")
    return (profile_generic_data(CallProfile(call_type, asked.flag("pii"))),)


def _admission(asked: Fields) -> AdmissionRequest:
    return AdmissionRequest(
        request_seq_num=asked.needed_number("request_seq_num"),
        call_type=("pointToPoint", None),
        endpoint_identifier=asked.needed_text("endpoint_identifier"),
        destination_info=tuple(map(_called, asked.texts("destination"))) or None,
        dest_call_signal_address=_optional_address(asked.text("destination_address")),
        src_info=_names(asked.texts("caller")),
        src_call_signal_address=_optional_address(asked.text("caller_address")),
        band_width=_bandwidth(asked),
        call_reference_value=asked.needed_number("call_reference"),
        conference_id=asked.octets("conference_id"),
        active_mc=False,
        answer_call=asked.flag("answer_call"),
        can_map_alias=False,
        call_identifier=_call_identifier(asked),
        generic_data=_profile(asked),
    )


def _bandwidth_change(asked: Fields) -> BandwidthRequest:
    return BandwidthRequest(
        request_seq_num=asked.needed_number("request_seq_num"),
        endpoint_identifier=asked.needed_text("endpoint_identifier"),
        conference_id=asked.octets("conference_id"),
        call_reference_value=0,
        band_width=_bandwidth(asked),
        call_identifier=_call_identifier(asked),
    )


def _disengagement(asked: Fields) -> DisengageRequest:
    return DisengageRequest(
        request_seq_num=asked.needed_number("request_seq_num"),
        endpoint_identifier=asked.needed_text("endpoint_identifier"),
        conference_id=asked.octets("conference_id"),
        call_reference_value=0,
        disengage_reason=("normalDrop", None),
        call_identifier=_call_identifier(asked),
        answered_call=False,
    )


def _location(asked: Fields) -> LocationRequest:
    return LocationRequest(
        request_seq_num=asked.needed_number("request_seq_num"),
        endpoint_identifier=asked.text("endpoint_identifier"),
        destination_info=tuple(map(_called, asked.texts("destination"))),
        reply_address=_ANY_ADDRESS,
    )


def _report(asked: Fields) -> InfoRequestResponse:
    return InfoRequestResponse(
        request_seq_num=asked.needed_number("request_seq_num"),
        endpoint_type=EndpointType(mc=False, undefined_node=False),
        endpoint_identifier=asked.needed_text("endpoint_identifier"),
        ras_address=_ANY_ADDRESS,
        call_signal_address=(),
        need_response=True,
        unsolicited=True,
    )


def _resources(asked: Fields) -> ResourcesAvailableIndicate:
    return ResourcesAvailableIndicate(
        request_seq_num=asked.needed_number("request_seq_num"),
        protocol_identifier=PROTOCOL_IDENTIFIER,
        endpoint_identifier=asked.needed_text("endpoint_identifier"),
        protocols=(),
        almost_out_of_resources=asked.flag("almost_out_of_resources"),
    )


_MAKE: Mapping[str, Callable[[Fields], RasMessage]] = {
    "RRQ": _registration,
    "URQ": _unregistration,
    "ARQ": _admission,
    "BRQ": _bandwidth_change,
    "DRQ": _disengagement,
    "LRQ": _location,
    "IRR": _report,
    "RAI": _resources,
}
