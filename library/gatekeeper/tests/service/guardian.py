"""A guardian who signs, at a real socket: what the service's tests need of a terminal, and no more."""

from __future__ import annotations

import contextlib
import hashlib
import select
import socket
import time
from collections.abc import Iterator

from h323.council import RefusalName, read_refusal
from h323.h235 import PrivateKey, challenge_of, read_token, sign, verify
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AdmissionRequest,
    CallIdentifier,
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
    VendorIdentifier,
    decode,
)

HOST = "127.0.0.1"
IDENTIFIER = "guardian-council"
CONFERENCE = bytes(range(16))
PATIENCE = 20.0
_RETRY = 0.2
_VENDOR = VendorIdentifier(vendor=H221NonStandard(t35_country_code=0, t35_extension=0, manufacturer_code=0))
_TYPE = EndpointType(mc=False, undefined_node=False)


def private_key(name: str) -> PrivateKey:
    """A key of this name, the same in every run."""
    return PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


class Guardian:
    """Speaks to whoever answers at these ports of loopback."""

    def __init__(self, name: str, ports: tuple[int, ...]) -> None:
        self.name = name
        self.endpoint_identifier = "0000000000000000"
        self._ports = ports
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._numbers = iter(range(1, 65_536))

    def close(self) -> None:
        self._socket.close()

    @property
    def address(self) -> TransportAddress:
        host, port = self._socket.getsockname()
        return ("ipAddress", TransportAddressIpAddress(ip=socket.inet_aton(host), port=port))

    def signed(self, message: RasMessage) -> bytes:
        return sign(
            message,
            key=private_key(self.name),
            senders_id=f"if://guardian/{self.name}",
            general_id=IDENTIFIER,
            time_stamp=int(time.time()),
            random=next(self._numbers),
        )

    @property
    def source(self) -> tuple[str, int]:
        """Where its datagrams come from."""
        host, port = self._socket.getsockname()
        return host, port

    def send_once(self, datagram: bytes) -> None:
        """Send and don't wait for an answer."""
        for port in self._ports:
            self._socket.sendto(datagram, (HOST, port))

    def send(self, datagram: bytes) -> bytes:
        """The answer; the identical datagram is sent again until it comes."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for port in self._ports:
                self._socket.sendto(datagram, (HOST, port))
            until = time.monotonic() + _RETRY
            while select.select([self._socket], [], [], max(0.0, until - time.monotonic()))[0]:
                # Nobody there at the moment is told by ICMP, as an error of the socket.
                with contextlib.suppress(ConnectionError):
                    answer = self._socket.recv(65_535)
                    message = decode(answer)
                    # A RIP only says that it takes longer.
                    if _number(message) == _number(decode(datagram)) and not isinstance(message, RequestInProgress):
                        return answer
        raise AssertionError("no answer")

    def ask(self, message: RasMessage) -> RasMessage:
        """Send the signed message; the answer, whose signature is checked."""
        asked = self.signed(message)
        answer = self.send(asked)
        decoded = decode(answer)
        token = read_token(decoded)
        assert token is not None
        assert verify(answer, token, private_key(IDENTIFIER).public_key())
        assert token.challenge == challenge_of(asked)
        return decoded

    def receive(self) -> RasMessage:
        """What comes next of the gatekeeper's own accord."""
        self._socket.settimeout(PATIENCE)
        return decode(self._socket.recv(65_535))

    def discovery(self) -> GatekeeperRequest:
        return GatekeeperRequest(
            request_seq_num=next(self._numbers),
            protocol_identifier=PROTOCOL_IDENTIFIER,
            ras_address=self.address,
            endpoint_type=_TYPE,
        )

    def registration(self, *, keep_alive: bool = False) -> RegistrationRequest:
        return RegistrationRequest(
            request_seq_num=next(self._numbers),
            protocol_identifier=PROTOCOL_IDENTIFIER,
            discovery_complete=True,
            call_signal_address=(self.address,),
            ras_address=(self.address,),
            terminal_type=_TYPE,
            terminal_alias=None if keep_alive else (("h323-ID", self.name),),
            gatekeeper_identifier=IDENTIFIER,
            endpoint_vendor=_VENDOR,
            keep_alive=keep_alive,
            endpoint_identifier=self.endpoint_identifier if keep_alive else None,
            will_supply_uuies=False,
        )

    def register(self) -> None:
        answer = self.ask(self.registration())
        assert isinstance(answer, RegistrationConfirm)
        self.endpoint_identifier = answer.endpoint_identifier

    def admission(self, call: int = 1) -> AdmissionRequest:
        return AdmissionRequest(
            request_seq_num=next(self._numbers),
            call_type=("pointToPoint", None),
            endpoint_identifier=self.endpoint_identifier,
            destination_info=(("h323-ID", "council"),),
            src_info=(("h323-ID", self.name),),
            band_width=640,
            call_reference_value=call,
            conference_id=CONFERENCE,
            active_mc=False,
            answer_call=False,
            can_map_alias=True,
            call_identifier=_call(self.name, call),
        )

    def disengagement(self, call: int = 1) -> DisengageRequest:
        return DisengageRequest(
            request_seq_num=next(self._numbers),
            endpoint_identifier=self.endpoint_identifier,
            conference_id=CONFERENCE,
            call_reference_value=call,
            disengage_reason=("normalDrop", None),
            call_identifier=_call(self.name, call),
            answered_call=False,
        )


def _call(name: str, call: int) -> CallIdentifier:
    return CallIdentifier(guid=hashlib.sha256(f"{name} {call}".encode()).digest()[:16])


def _number(message: RasMessage) -> object:
    return getattr(message, "request_seq_num", None)


def refusal_of(message: RasMessage) -> RefusalName | None:
    """The runbook's name that a reject message carries."""
    refusal = read_refusal(getattr(message, "generic_data", None))
    return refusal.name if refusal is not None else None


@contextlib.contextmanager
def guardian(name: str, *ports: int) -> Iterator[Guardian]:
    """A guardian for the duration of a block."""
    one = Guardian(name, ports)
    try:
        yield one
    finally:
        one.close()
