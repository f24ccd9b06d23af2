"""The reject message of each request, and the H.225.0 reason that stands for each of the runbook's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from h323.council import RefusalName, refusal_generic_data
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AdmissionReject,
    AdmissionRequest,
    DisengageReject,
    DisengageRequest,
    GatekeeperReject,
    GatekeeperRequest,
    RasMessage,
    RegistrationReject,
    RegistrationRequest,
    UnregistrationReject,
    UnregistrationRequest,
)

from gatekeeper.core.denial import Denial

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
    DisengageRequest: _SECURITY_DENIAL
    | {RefusalName.NOT_REGISTERED: "notRegistered", RefusalName.UNKNOWN_CALL: "requestToDropOther"},
}


def _reason(message: RasMessage, denial: Denial) -> RejectReason:
    if denial.security_error is not None:
        return ("securityError", (denial.security_error, None))
    # DisengageRejectReason has no undefinedReason; securityDenial is its only refusal that says nothing.
    fallback = "securityDenial" if isinstance(message, DisengageRequest) else "undefinedReason"
    name = denial.reason or REASONS[type(message)].get(denial.name, fallback)
    return (name, denial.reason_value)


def _reject_discovery(message: GatekeeperRequest, denial: Denial, gatekeeper_identifier: str) -> GatekeeperReject:
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


def reject(message: RasMessage, denial: Denial, gatekeeper_identifier: str) -> RasMessage:
    """The reject message that answers `message`.

    Raises:
        TypeError: H.225.0 has no reject message for it.
    """
    if isinstance(message, GatekeeperRequest):
        return _reject_discovery(message, denial, gatekeeper_identifier)
    if isinstance(message, RegistrationRequest):
        return _reject_registration(message, denial, gatekeeper_identifier)
    kind = _PLAIN.get(type(message))
    if kind is None or isinstance(message, tuple):
        raise TypeError(f"{type(message).__name__} has no reject message")
    return kind(
        request_seq_num=message.request_seq_num,
        reject_reason=_reason(message, denial),
        generic_data=(refusal_generic_data(denial.refusal),),
    )


_PLAIN: Mapping[type[Any], Callable[..., RasMessage]] = {
    UnregistrationRequest: UnregistrationReject,
    AdmissionRequest: AdmissionReject,
    DisengageRequest: DisengageReject,
}
