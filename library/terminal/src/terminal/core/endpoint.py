"""One endpoint: builds and signs requests, and decides which datagrams answer them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from h323.council import CallProfile, Refusal, profile_generic_data, read_refusal
from h323.h235 import ED25519_OID, TokenError, read_token, sign, verify
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AdmissionRequest,
    CallIdentifier,
    DecodeError,
    DisengageRequest,
    EndpointType,
    GatekeeperRequest,
    H221NonStandard,
    RasMessage,
    RegistrationConfirm,
    RegistrationRequest,
    RequestInProgress,
    TransportAddress,
    TransportAddressIpAddress,
    UnregistrationRequest,
    VendorIdentifier,
    decode,
)

FIRST_RETRY = 0.2
"""Seconds until a request is sent again, identically; the interval doubles."""
GIVE_UP = 5.0
"""Seconds after which there is no answer: the runbook's promise for a failover."""
ANSWER_WINDOW = 300
"""Seconds by which an answer's timeStamp may be off; a clock that is further off is worth knowing of."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a guardian is, and whom they trust."""

    terminal_id: str
    key: Ed25519PrivateKey
    gatekeeper_identifier: str
    gatekeeper_key: Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The gatekeeper's confirmation."""

    message: RasMessage
    datagram: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The gatekeeper's refusal: the H.225.0 reason and, where it gave one, the runbook's name."""

    message: RasMessage
    datagram: bytes
    reason: str
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came that could be believed."""

    ignored: int
    """Datagrams that came, but were not signed by the gatekeeper or answered something else."""


Outcome = Confirmed | Refused | NoAnswer


def retry_times() -> tuple[float, ...]:
    """When to send again, in seconds after the first time."""
    times, interval, at = [], FIRST_RETRY, FIRST_RETRY
    while at < GIVE_UP:
        times.append(at)
        interval *= 2
        at += interval
    return tuple(times)


class Endpoint:
    """Builds one guardian's requests and judges the answers. Times are Unix seconds."""

    def __init__(self, identity: Identity, host: bytes, port: int, random_bytes: Callable[[int], bytes]) -> None:
        self.identity = identity
        self.endpoint_identifier = ""
        self._address: TransportAddress = ("ipAddress", TransportAddressIpAddress(ip=host, port=port))
        # Signalling isn't spoken here; the address only has to be this endpoint's own.
        self._signal_address: TransportAddress = ("ipAddress", TransportAddressIpAddress(ip=host, port=port ^ 1))
        self._random_bytes = random_bytes
        self._request_seq_num = int.from_bytes(random_bytes(2), "big") % 60_000

    @property
    def name(self) -> str:
        """The last part of the terminal_id, which is also its H.323 ID."""
        return self.identity.terminal_id.rpartition("/")[2]

    def _next(self) -> int:
        self._request_seq_num = self._request_seq_num % 65_535 + 1
        return self._request_seq_num

    def signed(self, message: RasMessage, unix: float) -> bytes:
        """The signed datagram of a request."""
        return sign(
            message,
            key=self.identity.key,
            senders_id=self.identity.terminal_id,
            general_id=self.identity.gatekeeper_identifier,
            time_stamp=int(unix),
            random=int.from_bytes(self._random_bytes(4), "big") & 0x7FFFFFFF or 1,
        )

    def discovery(self) -> GatekeeperRequest:
        """A GRQ that offers Ed25519 signatures."""
        return GatekeeperRequest(
            request_seq_num=self._next(),
            protocol_identifier=PROTOCOL_IDENTIFIER,
            ras_address=self._address,
            endpoint_type=_TERMINAL,
            gatekeeper_identifier=self.identity.gatekeeper_identifier,
            endpoint_alias=(("h323-ID", self.name),),
            authentication_capability=(("certSign", None),),
            algorithm_oids=(ED25519_OID,),
        )

    def registration(self, *, keep_alive: bool = False) -> RegistrationRequest:
        """A full RRQ, or a lightweight one that keeps the registration alive."""
        return RegistrationRequest(
            request_seq_num=self._next(),
            protocol_identifier=PROTOCOL_IDENTIFIER,
            discovery_complete=True,
            call_signal_address=(self._signal_address,),
            ras_address=(self._address,),
            terminal_type=_TERMINAL,
            terminal_alias=None if keep_alive else (("h323-ID", self.name),),
            gatekeeper_identifier=self.identity.gatekeeper_identifier,
            endpoint_vendor=_VENDOR,
            keep_alive=keep_alive,
            endpoint_identifier=self.endpoint_identifier if keep_alive else None,
            will_supply_uuies=False,
        )

    def admission(
        self,
        conference_id: bytes,
        call_identifier: bytes,
        bandwidth_bps: int,
        profile: CallProfile,
        to: str = "council",
    ) -> AdmissionRequest:
        """An ARQ for a conference (16 octets) and a call (16 octets)."""
        return AdmissionRequest(
            request_seq_num=self._next(),
            call_type=("pointToPoint", None),
            call_model=("direct", None),
            endpoint_identifier=self.endpoint_identifier or "0000000000000000",
            destination_info=(("h323-ID", to),),
            src_info=(("h323-ID", self.name),),
            band_width=bandwidth_bps // 100,
            call_reference_value=int.from_bytes(call_identifier[:2], "big") & 0x7FFF,
            conference_id=conference_id,
            active_mc=False,
            answer_call=False,
            can_map_alias=True,
            call_identifier=CallIdentifier(guid=call_identifier),
            generic_data=(profile_generic_data(profile),),
        )

    def disengagement(self, conference_id: bytes, call_identifier: bytes) -> DisengageRequest:
        """A DRQ that ends a call."""
        return DisengageRequest(
            request_seq_num=self._next(),
            endpoint_identifier=self.endpoint_identifier or "0000000000000000",
            conference_id=conference_id,
            call_reference_value=int.from_bytes(call_identifier[:2], "big") & 0x7FFF,
            disengage_reason=("normalDrop", None),
            call_identifier=CallIdentifier(guid=call_identifier),
            answered_call=False,
        )

    def unregistration(self) -> UnregistrationRequest:
        """A URQ."""
        return UnregistrationRequest(
            request_seq_num=self._next(),
            call_signal_address=(self._signal_address,),
            endpoint_identifier=self.endpoint_identifier or None,
        )

    def judge(self, request: RasMessage, datagram: bytes, unix: float) -> Confirmed | Refused | None:
        """What this datagram says to the request; None where it doesn't answer it, or can't be believed."""
        try:
            message = decode(datagram)
            token = read_token(message)
        except (DecodeError, TokenError):
            return None
        if token is None or not self._believable(token.senders_id, token.general_id, token.time_stamp, unix):
            return None
        if isinstance(message, tuple | RequestInProgress) or not verify(datagram, token, self.identity.gatekeeper_key):
            return None
        if _seq(message) != _seq(request):
            return None
        reason = getattr(message, "reject_reason", None)
        if reason is not None:
            refusal = read_refusal(getattr(message, "generic_data", None))
            return Refused(message, datagram, reason[0], refusal)
        if isinstance(message, RegistrationConfirm):
            self.endpoint_identifier = message.endpoint_identifier
        return Confirmed(message, datagram)

    def _believable(self, senders_id: str, general_id: str | None, time_stamp: int, unix: float) -> bool:
        known = senders_id == self.identity.gatekeeper_identifier
        to_us = general_id in (None, self.identity.terminal_id)
        return known and to_us and abs(time_stamp - unix) <= ANSWER_WINDOW


def _seq(message: object) -> object:
    return getattr(message, "request_seq_num", None)


_TERMINAL = EndpointType(mc=False, undefined_node=False)
_VENDOR = VendorIdentifier(
    vendor=H221NonStandard(t35_country_code=0, t35_extension=0, manufacturer_code=0), product_id=b"guardian-terminal"
)
