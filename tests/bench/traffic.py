"""Requests made and signed before they are needed, so that the load generator only sends."""

from __future__ import annotations

import hashlib
import random
import time

from h323.h235 import sign
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AdmissionRequest,
    CallIdentifier,
    DisengageRequest,
    EndpointType,
    H221NonStandard,
    RasMessage,
    RegistrationRequest,
    TransportAddressIpAddress,
    VendorIdentifier,
    encode,
)
from zone import IDENTIFIER, call_signal_address, endpoint_identifier_of, name_of, private_key, terminal_id_of

_AT_ONCE = 32
"""Calls that are admitted before the first of them ends."""


class Traffic:
    """Makes the requests of a zone's endpoints, each time other ones, spread over all of them."""

    def __init__(self, endpoints: int) -> None:
        self._endpoints = endpoints
        self._choice = random.Random(endpoints)  # the same endpoints in each run
        self._count = time.time_ns() % 1_000_000_000
        self._sequence = 0
        self._keys = {number: private_key(name_of(number)) for number in range(min(endpoints, 1_000))}

    def keep_alives(self, count: int, *, signed: bool) -> list[bytes]:
        """So many keepAlives."""
        numbers = [self._endpoint() for _ in range(count)]
        return [self._octets(self._keep_alive(number), number, signed=signed) for number in numbers]

    def calls(self, count: int) -> list[bytes]:
        """The ARQs and DRQs of so many calls, a few calls at a time; twice as many requests."""
        requests: list[bytes] = []
        for start in range(0, count, _AT_ONCE):
            numbers = [self._endpoint() for _ in range(min(_AT_ONCE, count - start))]
            calls = [(number, self._admission(number)) for number in numbers]
            requests += [self._octets(admission, number) for number, admission in calls]
            requests += [self._octets(self._disengagement(admission), number) for number, admission in calls]
        return requests

    def _endpoint(self) -> int:
        return self._choice.randrange(self._endpoints)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _request_seq_num(self) -> int:
        self._sequence = self._sequence % 65_535 + 1
        return self._sequence

    def _octets(self, message: RasMessage, number: int, *, signed: bool = True) -> bytes:
        if not signed:
            return encode(message)
        key = self._keys.get(number) or private_key(name_of(number))
        return sign(
            message,
            key=key,
            senders_id=terminal_id_of(number),
            general_id=IDENTIFIER,
            time_stamp=int(time.time()),
            random=self._next(),
        )

    def _keep_alive(self, number: int) -> RegistrationRequest:
        host, port = call_signal_address(number)
        ip = bytes(map(int, host.split(".")))
        return RegistrationRequest(
            request_seq_num=self._request_seq_num(),
            protocol_identifier=PROTOCOL_IDENTIFIER,
            discovery_complete=True,
            call_signal_address=(("ipAddress", TransportAddressIpAddress(ip=ip, port=port)),),
            ras_address=(("ipAddress", TransportAddressIpAddress(ip=ip, port=1719)),),
            terminal_type=EndpointType(mc=False, undefined_node=False),
            gatekeeper_identifier=IDENTIFIER,
            endpoint_vendor=VendorIdentifier(
                vendor=H221NonStandard(t35_country_code=0, t35_extension=0, manufacturer_code=0)
            ),
            time_to_live=3_600,
            keep_alive=True,
            endpoint_identifier=endpoint_identifier_of(number),
            will_supply_uuies=False,
        )

    def _admission(self, number: int) -> AdmissionRequest:
        identifier = hashlib.sha256(self._next().to_bytes(8, "big")).digest()
        return AdmissionRequest(
            request_seq_num=self._request_seq_num(),
            call_type=("pointToPoint", None),
            endpoint_identifier=endpoint_identifier_of(number),
            destination_info=(("h323-ID", "council"),),
            src_info=(("h323-ID", name_of(number)),),
            band_width=640,
            call_reference_value=1,
            conference_id=identifier[:16],
            active_mc=False,
            answer_call=False,
            can_map_alias=True,
            call_identifier=CallIdentifier(guid=identifier[16:]),
        )

    def _disengagement(self, admission: AdmissionRequest) -> DisengageRequest:
        return DisengageRequest(
            request_seq_num=self._request_seq_num(),
            endpoint_identifier=admission.endpoint_identifier,
            conference_id=admission.conference_id,
            call_reference_value=1,
            disengage_reason=("normalDrop", None),
            call_identifier=admission.call_identifier,
            answered_call=False,
        )
