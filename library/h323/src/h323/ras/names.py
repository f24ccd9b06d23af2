"""The short names by which people call RAS messages (H.225.0 7), by their alternative in RasMessage."""

from __future__ import annotations

from collections.abc import Mapping

from h323.asn1.encoders import RAS_MESSAGES
from h323.asn1.types import RasMessage

SHORT_NAMES: Mapping[str, str] = {
    "gatekeeperRequest": "GRQ",
    "gatekeeperConfirm": "GCF",
    "gatekeeperReject": "GRJ",
    "registrationRequest": "RRQ",
    "registrationConfirm": "RCF",
    "registrationReject": "RRJ",
    "unregistrationRequest": "URQ",
    "unregistrationConfirm": "UCF",
    "unregistrationReject": "URJ",
    "admissionRequest": "ARQ",
    "admissionConfirm": "ACF",
    "admissionReject": "ARJ",
    "bandwidthRequest": "BRQ",
    "bandwidthConfirm": "BCF",
    "bandwidthReject": "BRJ",
    "disengageRequest": "DRQ",
    "disengageConfirm": "DCF",
    "disengageReject": "DRJ",
    "locationRequest": "LRQ",
    "locationConfirm": "LCF",
    "locationReject": "LRJ",
    "infoRequest": "IRQ",
    "infoRequestResponse": "IRR",
    "nonStandardMessage": "NSM",
    "unknownMessageResponse": "XRS",
    "requestInProgress": "RIP",
    "resourcesAvailableIndicate": "RAI",
    "resourcesAvailableConfirm": "RAC",
    "infoRequestAck": "IACK",
    "infoRequestNak": "INAK",
    "serviceControlIndication": "SCI",
    "serviceControlResponse": "SCR",
    "admissionConfirmSequence": "ACS",
}
"""ACS, for several ACFs in one datagram, is ours: the standard has no short name for it."""


def alternative(message: RasMessage) -> str:
    """The message's name in the standard, such as admissionRequest."""
    return RAS_MESSAGES[type(message)]


_SHORT_BY_TYPE = {kind: SHORT_NAMES[name] for kind, name in RAS_MESSAGES.items()}


def short_name(message: RasMessage) -> str:
    """What people call it, such as ARQ."""
    return _SHORT_BY_TYPE[type(message)]
