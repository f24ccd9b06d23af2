"""The call profile in an ARQ's genericData: call type, whether personal data may be spoken of, purpose."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import Enum

from h323.asn1.types import Content, EnumeratedParameter, GenericData

PROFILE_ID = uuid.UUID("6f1d6c5e-2b0a-5c39-9c58-0f3f7f0c4a11").bytes
"""Identifies the call profile: GenericIdentifier nonStandard, a GUID, which needs no registration (H.225.0 7.6)."""
CALL_TYPE, PII, PURPOSE = 1, 2, 3
MOST_PURPOSE = 256
"""Characters."""


class CallType(str, Enum):
    """What kind of call this is."""

    ROUTINE = "ROUTINE"
    ESCALATE = "ESCALATE"
    EMERGENCY = "EMERGENCY"


class ProfileError(ValueError):
    """There is a call profile, but it can't be read; its text says why."""


@dataclass(frozen=True, slots=True)
class CallProfile:
    """The council's view of a call."""

    call_type: CallType = CallType.ROUTINE
    pii: bool = False
    purpose: str = ""


_CALL_TYPES = tuple(CallType)


def profile_generic_data(profile: CallProfile) -> GenericData:
    """The GenericData that says this."""
    return GenericData(
        id=("nonStandard", PROFILE_ID),
        parameters=(
            parameter(CALL_TYPE, ("number8", _CALL_TYPES.index(profile.call_type))),
            parameter(PII, ("bool", profile.pii)),
            parameter(PURPOSE, ("unicode", profile.purpose)),
        ),
    )


def parameter(number: int, content: Content) -> EnumeratedParameter:
    """A parameter with a number as its identifier."""
    return EnumeratedParameter(id=("standard", number), content=content)


def contents(generic_data: tuple[GenericData, ...] | None, identifier: bytes) -> dict[int, Content] | None:
    """The numbered parameters of the GenericData with this identifier; None where there is none.

    Raises:
        ProfileError: it, or one of its parameters, is there more than once: which one would count?
    """
    found = [data for data in generic_data or () if data.id == ("nonStandard", identifier)]
    if not found:
        return None
    if len(found) > 1:
        raise ProfileError("the same generic data more than once")
    values: dict[int, Content] = {}
    for one in found[0].parameters or ():
        if one.id[0] != "standard" or one.content is None:
            continue
        if one.id[1] in values:
            raise ProfileError(f"parameter {one.id[1]} more than once")
        values[one.id[1]] = one.content
    return values


def read_profile(generic_data: tuple[GenericData, ...] | None) -> CallProfile:
    """The call profile of an ARQ; the default one where it has none.

    Raises:
        ProfileError: it has one that says something else than this profile defines, or more than one.
    """
    values = contents(generic_data, PROFILE_ID)
    if values is None:
        return CallProfile()
    call_type = values.get(CALL_TYPE, ("number8", 0))
    if call_type[0] != "number8" or call_type[1] >= len(_CALL_TYPES):
        raise ProfileError("an unknown call type")
    pii = values.get(PII, ("bool", False))
    if pii[0] != "bool":
        raise ProfileError("the PII flag is not a boolean")
    purpose = values.get(PURPOSE, ("unicode", ""))
    if purpose[0] != "unicode" or len(purpose[1]) > MOST_PURPOSE:
        raise ProfileError(f"the purpose is not text of at most {MOST_PURPOSE} characters")
    return CallProfile(_CALL_TYPES[call_type[1]], pii[1], purpose[1])
