"""One endpoint: builds and signs its requests, sends them again, and decides which datagrams answer them."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from h323.asn1.types import AuthenticationMechanism
from h323.council import CallProfile, profile_generic_data, read_refusal
from h323.h235 import (
    ED25519_OID,
    SignedToken,
    TokenError,
    challenge_of,
    read_token,
    sign,
    verify,
)
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AdmissionConfirm,
    AdmissionReject,
    AdmissionRequest,
    BandwidthConfirm,
    BandwidthReject,
    BandwidthRequest,
    CallIdentifier,
    DecodeError,
    DisengageConfirm,
    DisengageReject,
    DisengageRequest,
    EndpointType,
    GatekeeperConfirm,
    GatekeeperReject,
    GatekeeperRequest,
    H221NonStandard,
    InfoRequest,
    InfoRequestResponse,
    RasMessage,
    RegistrationConfirm,
    RegistrationReject,
    RegistrationRequest,
    RequestInProgress,
    TerminalInfo,
    TransportAddress,
    TransportAddressIp6Address,
    TransportAddressIpAddress,
    UnknownMessageResponse,
    UnregistrationConfirm,
    UnregistrationReject,
    UnregistrationRequest,
    VendorIdentifier,
    decode,
    encode,
)

from terminal.core.call import Call
from terminal.core.effects import Effect, Finished, Instant, Transmit, Unregistered
from terminal.core.held_calls import BANDWIDTH_UNIT_BPS, HeldCall, HeldCalls
from terminal.core.identity import SIGNATURE_WINDOW, Identity
from terminal.core.initiated import INITIATED, Answered, Reaction, bandwidth_changed, disengaged
from terminal.core.outcome import Confirmed, ConfirmT, Ignored, NoAnswer, Outcome, Refused
from terminal.core.request import Prepared, Request
from terminal.core.retransmission import Exchange, RetransmissionPolicy, Timer

Address = tuple[str, int]
"""An IP address as text and a port."""

NO_ENDPOINT = "0000000000000000"
"""The endpointIdentifier of one who has none: ARQ and DRQ can't do without."""
_HIGHEST_SEQ_NUM = 65_535

_TERMINAL = EndpointType(terminal=TerminalInfo(), mc=False, undefined_node=False)
_VENDOR = VendorIdentifier(
    vendor=H221NonStandard(t35_country_code=0, t35_extension=0, manufacturer_code=0), product_id=b"guardian-terminal"
)


@dataclass(slots=True)
class _UnderWay:
    prepared: Prepared[Any]
    exchange: Exchange
    ignored: Counter[Ignored]


class Endpoint:
    """A guardian's endpoint at one address.

    Requests are built (`admission`), made into datagrams (`prepare`, or `prepare_unsigned`), and sent (`send`); the
    driver hands in what arrives (`receive`) and calls `timeout` at `next_timeout`. All give effects to carry out.
    """

    def __init__(
        self,
        identity: Identity,
        address: Address,
        random_bytes: Callable[[int], bytes],
        policy: RetransmissionPolicy | None = None,
    ) -> None:
        self.identity = identity
        self.endpoint_identifier: str | None = None
        """Given by the gatekeeper's RCF; None while not registered."""
        self.ignored: Counter[Ignored] = Counter()
        self._calls = HeldCalls()
        self._initiated = Answered(identity)
        self._address = transport_address(address)
        self._random_bytes = random_bytes
        self._policy = policy or RetransmissionPolicy()
        self._under_way: dict[int, _UnderWay] = {}
        # Where numbers begin is not for others to guess: an answer must repeat them.
        self._request_seq_num = int.from_bytes(random_bytes(2), "big")

    # Requests

    def discovery(self) -> Request[GatekeeperConfirm]:
        """A GRQ that offers Ed25519 signatures and nothing else (H.225.0 7.8.1)."""
        return self._discovery((("certSign", None),), (ED25519_OID,))

    def _discovery(
        self, modes: tuple[AuthenticationMechanism, ...] | None, algorithms: tuple[str, ...] | None
    ) -> Request[GatekeeperConfirm]:
        message = GatekeeperRequest(
            request_seq_num=self._next_seq_num(),
            protocol_identifier=PROTOCOL_IDENTIFIER,
            ras_address=self._address,
            endpoint_type=_TERMINAL,
            gatekeeper_identifier=self.identity.gatekeeper_identifier,
            endpoint_alias=(("h323-ID", self.identity.name),),
            authentication_capability=modes,
            algorithm_oids=algorithms,
        )
        return Request(message, GatekeeperConfirm, GatekeeperReject)

    def registration(self) -> Request[RegistrationConfirm]:
        """A full RRQ (H.225.0 7.9.1). The call signalling address is the RAS address: one port number for both."""
        return self._registration(keep_alive=False)

    def keep_alive(self) -> Request[RegistrationConfirm]:
        """A lightweight RRQ: starts the registration's timeToLive anew (H.225.0 7.9.1)."""
        return self._registration(keep_alive=True)

    def _registration(self, *, keep_alive: bool) -> Request[RegistrationConfirm]:
        message = RegistrationRequest(
            request_seq_num=self._next_seq_num(),
            protocol_identifier=PROTOCOL_IDENTIFIER,
            discovery_complete=True,
            call_signal_address=(self._address,),
            ras_address=(self._address,),
            terminal_type=_TERMINAL,
            terminal_alias=None if keep_alive else (("h323-ID", self.identity.name),),
            gatekeeper_identifier=self.identity.gatekeeper_identifier,
            endpoint_vendor=_VENDOR,
            keep_alive=keep_alive,
            endpoint_identifier=self.endpoint_identifier if keep_alive else None,
            will_supply_uuies=False,
        )
        return Request(message, RegistrationConfirm, RegistrationReject)

    def admission(
        self,
        call: Call,
        bandwidth_bps: int,
        profile: CallProfile | None = None,
        to: str = "council",
        endpoint_identifier: str | None = None,
    ) -> Request[AdmissionConfirm]:
        """An ARQ for a call (H.225.0 7.11.1).

        Args:
            call: the call; one that was admitted already is confirmed again.
            bandwidth_bps: wanted in both directions together; the gatekeeper may grant less.
            profile: the council's view of the call, ROUTINE where left out.
            to: the terminal alias to call.
            endpoint_identifier: instead of this endpoint's own one.
        """
        message = AdmissionRequest(
            request_seq_num=self._next_seq_num(),
            call_type=("pointToPoint", None),
            call_model=("direct", None),
            endpoint_identifier=endpoint_identifier or self.endpoint_identifier or NO_ENDPOINT,
            destination_info=(("h323-ID", to),),
            src_info=(("h323-ID", self.identity.name),),
            band_width=bandwidth_bps // BANDWIDTH_UNIT_BPS,
            call_reference_value=call.reference,
            conference_id=call.conference_id,
            active_mc=False,
            answer_call=False,
            can_map_alias=True,
            call_identifier=CallIdentifier(guid=call.call_identifier),
            generic_data=(profile_generic_data(profile or CallProfile()),),
        )
        return Request(message, AdmissionConfirm, AdmissionReject)

    def disengagement(self, call: Call) -> Request[DisengageConfirm]:
        """A DRQ that ends a call (H.225.0 7.13.1)."""
        message = DisengageRequest(
            request_seq_num=self._next_seq_num(),
            endpoint_identifier=self.endpoint_identifier or NO_ENDPOINT,
            conference_id=call.conference_id,
            call_reference_value=call.reference,
            disengage_reason=("normalDrop", None),
            call_identifier=CallIdentifier(guid=call.call_identifier),
            answered_call=False,
        )
        return Request(message, DisengageConfirm, DisengageReject)

    def bandwidth(self, call: Call, bandwidth_bps: int) -> Request[BandwidthConfirm]:
        """A BRQ for more or less bandwidth, in both directions together (H.225.0 7.12.1)."""
        message = BandwidthRequest(
            request_seq_num=self._next_seq_num(),
            endpoint_identifier=self.endpoint_identifier or NO_ENDPOINT,
            conference_id=call.conference_id,
            call_reference_value=call.reference,
            band_width=bandwidth_bps // BANDWIDTH_UNIT_BPS,
            call_identifier=CallIdentifier(guid=call.call_identifier),
        )
        return Request(message, BandwidthConfirm, BandwidthReject)

    def unregistration(self) -> Request[UnregistrationConfirm]:
        """A URQ, which ends the endpoint's calls too (H.225.0 7.10.1)."""
        message = UnregistrationRequest(
            request_seq_num=self._next_seq_num(),
            call_signal_address=(self._address,),
            endpoint_identifier=self.endpoint_identifier,
        )
        return Request(message, UnregistrationConfirm, UnregistrationReject)

    def _next_seq_num(self) -> int:
        self._request_seq_num = self._request_seq_num % _HIGHEST_SEQ_NUM + 1
        while self._request_seq_num in self._under_way:
            self._request_seq_num = self._request_seq_num % _HIGHEST_SEQ_NUM + 1
        return self._request_seq_num

    # Datagrams

    def prepare(self, request: Request[ConfirmT], unix: float) -> Prepared[ConfirmT]:
        """Sign the request at the time `unix` (Unix seconds).

        Raises:
            EncodeError: a value has no encoding, such as an alias that is too long.
        """
        return Prepared(request, self._signed(request.message, unix), self.identity.terminal_id, int(unix))

    def prepare_unsigned(self, request: Request[ConfirmT], unix: float) -> Prepared[ConfirmT]:
        """The request without a signature, which only discovery may do without.

        Raises:
            EncodeError: as `prepare`.
        """
        return Prepared(request, encode(request.message), None, int(unix))

    def _signed(self, message: RasMessage, unix: float, challenge: bytes | None = None) -> bytes:
        return sign(
            message,
            key=self.identity.key,
            senders_id=self.identity.terminal_id,
            general_id=self.identity.gatekeeper_identifier,
            time_stamp=int(unix),
            random=int.from_bytes(self._random_bytes(4), "big") & 0x7FFFFFFF or 1,
            challenge=challenge,
        )

    # The wire

    def send(self, prepared: Prepared[Any], now: Instant, policy: RetransmissionPolicy | None = None) -> list[Effect]:
        """Send a request for the first time; `policy` says when again, where this one differs from the others.

        Raises:
            ValueError: a request with this number is under way.
        """
        if prepared.request_seq_num in self._under_way:
            raise ValueError(f"request {prepared.request_seq_num} is under way")
        message = prepared.request.message
        if isinstance(message, DisengageRequest):
            # Over for us, whatever the gatekeeper says; a report must not keep it alive there.
            self._calls.ended(message, now.monotonic)
        exchange = Exchange(policy or self._policy, now.monotonic)
        self._under_way[prepared.request_seq_num] = _UnderWay(prepared, exchange, Counter())
        return [Transmit(prepared.datagram)]

    @property
    def calls(self) -> tuple[HeldCall, ...]:
        """The calls that were admitted and have not ended."""
        return tuple(self._calls)

    @property
    def next_timeout(self) -> float | None:
        """When to call `timeout` next, in monotonic seconds; None while nothing is under way and no call held."""
        times = [one.exchange.next_timeout for one in self._under_way.values()]
        if self._calls.report_at is not None:
            times.append(self._calls.report_at)
        return min(times, default=None)

    def timeout(self, now: Instant) -> list[Effect]:
        """Send again what is due, give up what took too long, report on calls as often as the gatekeeper wants."""
        effects: list[Effect] = []
        for one in tuple(self._under_way.values()):
            due = one.exchange.timeout(now.monotonic)
            if due is Timer.RETRANSMIT:
                effects.append(Transmit(one.prepared.datagram))
            elif due is Timer.GIVE_UP:
                seconds = now.monotonic - one.exchange.started
                effects += self._finish(one, NoAnswer(one.exchange.attempts, seconds, dict(one.ignored)))
        if self._calls.report_at is not None and self._calls.report_at <= now.monotonic:
            self._calls.reported(now.monotonic)
            report = self._report(self._next_seq_num(), tuple(self._calls), unsolicited=True)
            effects.append(Transmit(self._signed(report, now.unix)))
        return effects

    def _report(self, number: int, calls: tuple[HeldCall, ...], *, unsolicited: bool) -> InfoRequestResponse:
        """An IRR on these calls (H.225.0 7.15.2)."""
        return InfoRequestResponse(
            request_seq_num=number,
            endpoint_type=_TERMINAL,
            endpoint_identifier=self.endpoint_identifier or NO_ENDPOINT,
            ras_address=self._address,
            call_signal_address=(self._address,),
            endpoint_alias=(("h323-ID", self.identity.name),),
            per_call_info=tuple(held.per_call_info for held in calls) or None,
            need_response=False,
            unsolicited=unsolicited,
        )

    def receive(self, datagram: bytes, now: Instant) -> list[Effect]:
        """Take one datagram from the socket. Never raises, whatever the octets are."""
        try:
            message = decode(datagram)
            token = read_token(message)
        except (DecodeError, TokenError):
            return self._ignore(Ignored.MALFORMED)
        if token is None or token.senders_id != self.identity.gatekeeper_identifier:
            return self._ignore(Ignored.UNSIGNED if token is None else Ignored.OTHER_GATEKEEPER)
        if isinstance(message, INITIATED):
            return self._asked(message, token, datagram, now)
        return self._answer(message, token, datagram, now)

    def _answer(self, message: RasMessage, token: SignedToken, datagram: bytes, now: Instant) -> list[Effect]:
        one = self._waiting_for(message)
        if one is None:
            return self._ignore(Ignored.UNEXPECTED)
        why = self._disbelief(message, token, datagram, one.prepared)
        if why is not None:
            return self._ignore(why)
        return self._answered(one, message, datagram, now)

    def _waiting_for(self, message: RasMessage) -> _UnderWay | None:
        """The request that this message would answer, by its number and kind."""
        one = self._under_way.get(_request_seq_num(message))
        return one if one is not None and _may_answer(message, one.prepared.request) else None

    def _disbelief(
        self, message: RasMessage, token: SignedToken, datagram: bytes, prepared: Prepared[Any]
    ) -> Ignored | None:
        """Why the gatekeeper can't have given this answer to this request, if so; the signature last, it costs most."""
        # A standby redirects discovery without looking at who asks.
        to_anybody = isinstance(message, GatekeeperReject) and token.general_id is None
        if token.general_id != prepared.addressee and not to_anybody:
            return Ignored.OTHER_ADDRESSEE
        if token.challenge != prepared.challenge:
            return Ignored.OTHER_REQUEST
        # A stale refusal is passed on: it may be the one that says that our clock is wrong.
        confirms = isinstance(message, prepared.request.confirm)
        if confirms and abs(token.time_stamp - prepared.time_stamp) > SIGNATURE_WINDOW:
            return Ignored.STALE
        return None if verify(datagram, token, self.identity.gatekeeper_key) else Ignored.BAD_SIGNATURE

    def _answered(self, one: _UnderWay, message: RasMessage, datagram: bytes, now: Instant) -> list[Effect]:
        if isinstance(message, RequestInProgress):
            one.exchange.hold(now.monotonic, message.delay / 1000)
            return []
        attempts, seconds = one.exchange.attempts, now.monotonic - one.exchange.started
        if isinstance(message, one.prepared.request.confirm):
            self._learn(one.prepared.request.message, message, now)
            return self._finish(one, Confirmed(message, datagram, attempts, seconds))
        refusal = read_refusal(getattr(message, "generic_data", None))
        return self._finish(one, Refused(message, datagram, attempts, seconds, _reason(message), refusal))

    def _learn(self, asked: object, message: object, now: Instant) -> None:
        if isinstance(message, RegistrationConfirm):
            if message.endpoint_identifier != self.endpoint_identifier:
                self._calls.end_all()
            self.endpoint_identifier = message.endpoint_identifier
        elif isinstance(message, UnregistrationConfirm):
            self._forget_registration()
        elif isinstance(asked, AdmissionRequest) and isinstance(message, AdmissionConfirm):
            self._calls.admitted(asked, message, now.monotonic)
        elif isinstance(asked, BandwidthRequest) and isinstance(message, BandwidthConfirm):
            self._calls.changed(asked, message.band_width)

    def _forget_registration(self) -> None:
        self.endpoint_identifier = None
        self._calls.end_all()

    def _asked(self, message: RasMessage, token: SignedToken, datagram: bytes, now: Instant) -> list[Effect]:
        """The gatekeeper wants something: believed with its signature only, and answered alike when it comes again."""
        again = self._initiated.before(datagram)
        if again is not None:
            return [Transmit(again)]
        if self.endpoint_identifier is None:
            return self._ignore(Ignored.UNEXPECTED)
        ours = getattr(message, "endpoint_identifier", self.endpoint_identifier)
        if ours != self.endpoint_identifier:
            return self._ignore(Ignored.UNEXPECTED)
        why = self._initiated.disbelief(token, datagram, now.unix)
        if why is not None:
            return self._ignore(why)
        reaction = self._reaction(message, now)
        answer = self._signed(reaction.answer, now.unix, challenge_of(datagram))
        self._initiated.remember(datagram, answer)
        return [Transmit(answer), *reaction.effects]

    def _reaction(self, message: RasMessage, now: Instant) -> Reaction:
        if isinstance(message, DisengageRequest):
            return disengaged(message, self._calls, now.monotonic)
        if isinstance(message, BandwidthRequest):
            return bandwidth_changed(message, self._calls)
        if isinstance(message, InfoRequest):
            return Reaction(self._status(message))
        return self._unregistered_by_gatekeeper(message)

    def _status(self, message: InfoRequest) -> InfoRequestResponse:
        """The IRR that answers an IRQ: on the call that it names or, without a callReferenceValue, on all."""
        if not message.call_reference_value:
            return self._report(message.request_seq_num, tuple(self._calls), unsolicited=False)
        held = self._calls.get(message.call_identifier.guid) if message.call_identifier is not None else None
        if held is not None:
            return self._report(message.request_seq_num, (held,), unsolicited=False)
        none = self._report(message.request_seq_num, (), unsolicited=False)
        return replace(none, irr_status=("invalidCall", None))

    def _unregistered_by_gatekeeper(self, message: RasMessage) -> Reaction:
        """The gatekeeper ends the registration; it's told that we know (H.225.0 7.10)."""
        reason = getattr(message, "reason", None)
        self._forget_registration()
        confirm = UnregistrationConfirm(request_seq_num=_request_seq_num(message))
        return Reaction(confirm, (Unregistered(reason[0] if reason else "undefinedReason"),))

    def _ignore(self, why: Ignored) -> list[Effect]:
        self.ignored[why] += 1
        for one in self._under_way.values():
            one.ignored[why] += 1
        return []

    def _finish(self, one: _UnderWay, outcome: Outcome[Any]) -> list[Effect]:
        del self._under_way[one.prepared.request_seq_num]
        return [Finished(one.prepared, outcome)]


def transport_address(address: Address) -> TransportAddress:
    """An IP address and port as H.225.0 writes them.

    Raises:
        ValueError: it isn't an IP address.
    """
    host, port = ipaddress.ip_address(address[0]), address[1]
    if isinstance(host, ipaddress.IPv4Address):
        return ("ipAddress", TransportAddressIpAddress(ip=host.packed, port=port))
    return ("ip6Address", TransportAddressIp6Address(ip=host.packed, port=port))


def _request_seq_num(message: RasMessage) -> int:
    """The message's number; 0, which no request has, where it has none."""
    number = getattr(message, "request_seq_num", 0)
    return number if isinstance(number, int) else 0


def _may_answer(message: RasMessage, request: Request[Any]) -> bool:
    return isinstance(message, (request.confirm, request.reject, RequestInProgress, UnknownMessageResponse))


def _reason(message: RasMessage) -> str:
    if isinstance(message, UnknownMessageResponse):
        return "messageNotUnderstood"
    reason: tuple[str, Any] = getattr(message, "reject_reason", ("undefinedReason", None))
    return f"{reason[0]}.{reason[1][0]}" if reason[0] == "securityError" else reason[0]
