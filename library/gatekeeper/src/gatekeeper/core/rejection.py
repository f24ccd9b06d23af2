"""The reject message of each request, and the H.225.0 reason that stands for each of the runbook's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from h323.council import RefusalName, refusal_generic_data
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AdmissionReject,
    AdmissionRequest,
    BandwidthReject,
    BandwidthRequest,
    DisengageReject,
    DisengageRequest,
    GatekeeperReject,
    GatekeeperRequest,
    InfoRequestNak,
    InfoRequestResponse,
    LocationReject,
    LocationRequest,
    RasMessage,
    RegistrationReject,
    RegistrationRequest,
    UnregistrationReject,
    UnregistrationRequest,
)

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS
from gatekeeper.core.denial import Denial

Reject = (
    GatekeeperReject
    | RegistrationReject
    | UnregistrationReject
    | AdmissionReject
    | BandwidthReject
    | DisengageReject
    | InfoRequestNak
    | LocationReject
)
RejectReason = tuple[Any, Any]
"""An alternative of the message's own reject reason CHOICE and its value."""

_SECURITY_DENIAL = dict.fromkeys(
    (RefusalName.INVALID_SIGNATURE, RefusalName.SUSPENDED, RefusalName.REVOKED), "securityDenial"
)
_NOT_ENOUGH = {RefusalName.CAPACITY_EXCEEDED: "resourceUnavailable"}

REASONS: Mapping[type[Any], Mapping[RefusalName, str]] = {
    GatekeeperRequest: _SECURITY_DENIAL | _NOT_ENOUGH,
    RegistrationRequest: _SECURITY_DENIAL | _NOT_ENOUGH,
    UnregistrationRequest: _SECURITY_DENIAL | {RefusalName.NOT_REGISTERED: "notCurrentlyRegistered"},
    AdmissionRequest: _SECURITY_DENIAL
    | _NOT_ENOUGH
    | {
        RefusalName.SUSPENDED: "invalidPermission",
        RefusalName.REVOKED: "invalidPermission",
        RefusalName.NOT_REGISTERED: "callerNotRegistered",
        RefusalName.PII_POLICY_VIOLATION: "requestDenied",
        RefusalName.BANDWIDTH_EXCEEDED: "requestDenied",
        RefusalName.UNKNOWN_ALIAS: "calledPartyNotRegistered",
    },
    BandwidthRequest: _SECURITY_DENIAL
    | {
        RefusalName.NOT_REGISTERED: "notBound",
        RefusalName.UNKNOWN_CALL: "invalidConferenceID",
        RefusalName.BANDWIDTH_EXCEEDED: "insufficientResources",
    },
    DisengageRequest: _SECURITY_DENIAL
    | {RefusalName.NOT_REGISTERED: "notRegistered", RefusalName.UNKNOWN_CALL: "requestToDropOther"},
    LocationRequest: _SECURITY_DENIAL
    | _NOT_ENOUGH
    | {RefusalName.NOT_REGISTERED: "notRegistered", RefusalName.UNKNOWN_ALIAS: "notRegistered"},
    InfoRequestResponse: _SECURITY_DENIAL | {RefusalName.NOT_REGISTERED: "notRegistered"},
}


def _reason(message: RasMessage, denial: Denial) -> RejectReason:
    if denial.security_error is not None:
        return ("securityError", (denial.security_error, None))
    # DisengageRejectReason has no undefinedReason; securityDenial is its only refusal that says nothing.
    fallback = "securityDenial" if isinstance(message, DisengageRequest) else "undefinedReason"
    name = denial.reason or REASONS[type(message)].get(denial.name, fallback)
    return (name, denial.reason_value)


def reject_discovery(message: GatekeeperRequest, denial: Denial, gatekeeper_identifier: str) -> GatekeeperReject:
    """The GRJ that answers a GRQ."""
    return GatekeeperReject(
        request_seq_num=message.request_seq_num,
        protocol_identifier=PROTOCOL_IDENTIFIER,
        gatekeeper_identifier=gatekeeper_identifier,
        reject_reason=_reason(message, denial),
        generic_data=(refusal_generic_data(denial.refusal),),
    )


def _reject_registration(
    message: RegistrationRequest, denial: Denial, gatekeeper_identifier: str
) -> RegistrationReject:
    return RegistrationReject(
        request_seq_num=message.request_seq_num,
        protocol_identifier=PROTOCOL_IDENTIFIER,
        reject_reason=_reason(message, denial),
        gatekeeper_identifier=gatekeeper_identifier,
        generic_data=(refusal_generic_data(denial.refusal),),
    )


def _reject_bandwidth(message: BandwidthRequest, denial: Denial, _gatekeeper_identifier: str) -> BandwidthReject:
    return BandwidthReject(
        request_seq_num=message.request_seq_num,
        reject_reason=_reason(message, denial),
        allowed_band_width=denial.allowed_bandwidth_bps // BANDWIDTH_UNIT_BPS,
        generic_data=(refusal_generic_data(denial.refusal),),
    )


def _reject_report(message: InfoRequestResponse, denial: Denial, _gatekeeper_identifier: str) -> InfoRequestNak | None:
    """INAK, for those reports that want an answer."""
    if not message.need_response:
        return None
    return InfoRequestNak(request_seq_num=message.request_seq_num, nak_reason=_reason(message, denial))


def reject(message: RasMessage, denial: Denial, gatekeeper_identifier: str) -> Reject | None:
    """The reject message that answers `message`; None where H.225.0 has none for it."""
    special = _SPECIAL.get(type(message))
    if special is not None:
        return special(message, denial, gatekeeper_identifier)
    kind = _PLAIN.get(type(message))
    if kind is None or isinstance(message, tuple):
        return None
    return kind(
        request_seq_num=message.request_seq_num,
        reject_reason=_reason(message, denial),
        generic_data=(refusal_generic_data(denial.refusal),),
    )


_PLAIN: Mapping[type[Any], Callable[..., Reject]] = {
    UnregistrationRequest: UnregistrationReject,
    AdmissionRequest: AdmissionReject,
    DisengageRequest: DisengageReject,
    LocationRequest: LocationReject,
}
_SPECIAL: Mapping[type[Any], Callable[[Any, Denial, str], Reject | None]] = {
    GatekeeperRequest: reject_discovery,
    RegistrationRequest: _reject_registration,
    BandwidthRequest: _reject_bandwidth,
    InfoRequestResponse: _reject_report,
}
