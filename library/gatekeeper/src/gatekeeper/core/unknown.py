"""Messages that this gatekeeper does not serve: "message not understood" (H.225.0 7.17)."""

from __future__ import annotations

from typing import Any

from h323.ras import (
    AdmissionRequest,
    BandwidthRequest,
    DisengageRequest,
    GatekeeperRequest,
    InfoRequest,
    LocationRequest,
    NonStandardMessage,
    RasMessage,
    RegistrationRequest,
    ResourcesAvailableIndicate,
    ServiceControlIndication,
    UnknownMessageResponse,
    UnregistrationRequest,
)

BEGINNINGS: tuple[type[Any], ...] = (
    GatekeeperRequest,
    RegistrationRequest,
    UnregistrationRequest,
    AdmissionRequest,
    BandwidthRequest,
    DisengageRequest,
    LocationRequest,
    InfoRequest,
    NonStandardMessage,
    ResourcesAvailableIndicate,
    ServiceControlIndication,
)
"""Messages whose sender waits for an answer. Everything else answers something, an XRS above all: answering an answer
would have two gatekeepers send each other datagrams forever."""


def not_understood(message: RasMessage, datagram: bytes) -> UnknownMessageResponse | None:
    """The XRS that repeats a message which is not served, or None where nobody waits for one.

    A NonStandardMessage is always one of these: this gatekeeper knows nobody's (H.225.0 7.16).
    """
    if not isinstance(message, BEGINNINGS) or isinstance(message, tuple):
        return None
    return UnknownMessageResponse(request_seq_num=message.request_seq_num, message_not_understood=datagram)
