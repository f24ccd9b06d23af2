"""The runbook's name for a refusal, in the genericData of a reject message beside the H.225.0 reason."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import Enum

from h323.asn1.types import GenericData
from h323.council.profile import ProfileError, contents, parameter

REFUSAL_ID = uuid.UUID("a3a0f1c4-6b4e-5d0b-8f57-7d1f5a2c9e02").bytes
"""Identifies a refusal: GenericIdentifier nonStandard, a GUID."""
NAME, DETAIL = 1, 2


class RefusalName(str, Enum):
    """Why a request was refused."""

    NOT_REGISTERED = "NOT_REGISTERED"
    INVALID_SIGNATURE = "INVALID_SIGNATURE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    PII_POLICY_VIOLATION = "PII_POLICY_VIOLATION"
    BANDWIDTH_EXCEEDED = "BANDWIDTH_EXCEEDED"
    CAPACITY_EXCEEDED = "CAPACITY_EXCEEDED"
    GATEKEEPER_ERROR = "GATEKEEPER_ERROR"
    DUPLICATE_ALIAS = "DUPLICATE_ALIAS"
    UNKNOWN_ALIAS = "UNKNOWN_ALIAS"
    UNKNOWN_CALL = "UNKNOWN_CALL"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal's name and a short sentence for people."""

    name: RefusalName
    detail: str


def refusal_generic_data(refusal: Refusal) -> GenericData:
    """The GenericData that says this; without a detail, it has none."""
    name = parameter(NAME, ("text", refusal.name.value))
    detail = (parameter(DETAIL, ("unicode", refusal.detail)),) if refusal.detail else ()
    return GenericData(id=("nonStandard", REFUSAL_ID), parameters=(name, *detail))


def read_refusal(generic_data: tuple[GenericData, ...] | None) -> Refusal | None:
    """The refusal in a reject message, or None where it has none that we can read."""
    try:
        values = contents(generic_data, REFUSAL_ID) or {}
    except ProfileError:
        return None
    name, detail = values.get(NAME), values.get(DETAIL)
    if name is None or name[0] != "text" or name[1] not in RefusalName.__members__:
        return None
    return Refusal(RefusalName(name[1]), detail[1] if detail is not None and detail[0] == "unicode" else "")
