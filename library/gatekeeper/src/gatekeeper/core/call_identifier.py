"""What names a call in the messages about it (H.225.0 7.6, CallIdentifier)."""

from __future__ import annotations

from h323.asn1.types import InfoRequestResponsePerCallInfoItem
from h323.ras import AdmissionRequest, BandwidthRequest, DisengageRequest

AboutCall = AdmissionRequest | BandwidthRequest | DisengageRequest | InfoRequestResponsePerCallInfoItem

_NONE = bytes(16)


def call_identifier_of(message: AboutCall) -> str:
    """The callIdentifier as 32 hexadecimal digits.

    Version 1 endpoints have only the conferenceID, and some later ones write zeros where they mean that.
    """
    identifier = message.call_identifier
    named = identifier is not None and identifier.guid != _NONE
    return identifier.guid.hex() if identifier is not None and named else message.conference_id.hex()
