"""Requests that the gatekeeper makes of endpoints: URQ, BRQ, DRQ and IRQ (H.225.0 7.10, 7.12, 7.14, 7.15).

They have a space of requestSeqNums of their own, are sent again until they're answered or given up, and are answered
only by the endpoint that was asked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from h323.asn1.types import UnregRequestReason
from h323.ras import (
    BandwidthConfirm,
    BandwidthReject,
    BandwidthRequest,
    CallIdentifier,
    DisengageConfirm,
    DisengageReject,
    DisengageRequest,
    InfoRequest,
    InfoRequestResponse,
    RasMessage,
    UnknownMessageResponse,
    UnregistrationConfirm,
    UnregistrationReject,
    UnregistrationRequest,
)

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS
from gatekeeper.core.calls import Call
from gatekeeper.core.effects import Instant, Send
from gatekeeper.core.state import Registration
from gatekeeper.core.transport_address import to_transport_address

WAITS = (1.0, 2.0, 4.0)
"""Seconds after each sending until the next, and after the last until the request is given up (H.225.0 7.19)."""
_HIGHEST_SEQ_NUM = 65_535

Initiated = UnregistrationRequest | BandwidthRequest | DisengageRequest | InfoRequest
Seal = Callable[[RasMessage, Registration, float], bytes]
"""Makes the datagram of a message for an endpoint at a time in Unix seconds."""

_ANSWERS: dict[type[Any], tuple[type[Any], ...]] = {
    UnregistrationRequest: (UnregistrationConfirm, UnregistrationReject, UnknownMessageResponse),
    BandwidthRequest: (BandwidthConfirm, BandwidthReject, UnknownMessageResponse),
    DisengageRequest: (DisengageConfirm, DisengageReject, UnknownMessageResponse),
    InfoRequest: (InfoRequestResponse, UnknownMessageResponse),
}
ANSWERS: tuple[type[Any], ...] = (
    UnregistrationConfirm,
    UnregistrationReject,
    BandwidthConfirm,
    BandwidthReject,
    DisengageConfirm,
    DisengageReject,
    UnknownMessageResponse,
)
"""What can only be an answer to us. An IRR can be more."""


@dataclass(frozen=True, slots=True)
class Initiative:
    """A request that the gatekeeper has decided to make."""

    kind: type[Initiated]
    registration: Registration
    """The endpoint's; it may have ended by now."""
    call: Call | None = None
    """What it is about, but for URQ."""
    reason: UnregRequestReason = ("undefinedReason", None)
    """URQ's."""

    def message(self, request_seq_num: int, gatekeeper_identifier: str) -> Initiated:
        """The request itself."""
        if self.call is None:
            return UnregistrationRequest(
                request_seq_num=request_seq_num,
                call_signal_address=(to_transport_address(self.registration.call_signal_address),),
                gatekeeper_identifier=gatekeeper_identifier,
                endpoint_identifier=self.registration.endpoint_identifier,
                reason=self.reason,
            )
        return _about(self.call, self.kind, request_seq_num, gatekeeper_identifier)


def _about(call: Call, kind: type[Initiated], request_seq_num: int, gatekeeper_identifier: str) -> Initiated:
    call_identifier = CallIdentifier(guid=bytes.fromhex(call.call_identifier))
    if kind is InfoRequest:
        # A callReferenceValue of 0 would ask for all of the endpoint's calls.
        return InfoRequest(
            request_seq_num=request_seq_num,
            call_reference_value=call.call_reference,
            call_identifier=call_identifier,
        )
    if kind is BandwidthRequest:
        return BandwidthRequest(
            request_seq_num=request_seq_num,
            endpoint_identifier=call.endpoint_identifier,
            conference_id=bytes.fromhex(call.conference_id),
            call_reference_value=call.call_reference,
            band_width=call.bandwidth_bps // BANDWIDTH_UNIT_BPS,
            call_identifier=call_identifier,
            gatekeeper_identifier=gatekeeper_identifier,
            answered_call=call.answer_call,
        )
    return DisengageRequest(
        request_seq_num=request_seq_num,
        endpoint_identifier=call.endpoint_identifier,
        conference_id=bytes.fromhex(call.conference_id),
        call_reference_value=call.call_reference,
        disengage_reason=("forcedDrop", None),
        call_identifier=call_identifier,
        gatekeeper_identifier=gatekeeper_identifier,
        answered_call=call.answer_call,
    )


@dataclass(slots=True)
class Outgoing:
    """A request that waits for its answer."""

    initiative: Initiative
    message: Initiated
    send: Send
    again_at: float
    """Monotonic seconds."""
    attempts: int = 1


class OutgoingRequests:
    """All of them, at most `capacity`. What comes on top is sent once and not followed up."""

    def __init__(self, gatekeeper_identifier: str, seal: Seal, first: int, capacity: int) -> None:
        self._gatekeeper_identifier = gatekeeper_identifier
        self._seal = seal
        self._seq_num = first % _HIGHEST_SEQ_NUM
        self._capacity = capacity
        self._waiting: dict[int, Outgoing] = {}
        # One a number of attempts. Each waits equally long, so the first in it is the first that is due.
        self._rounds: tuple[OrderedDict[int, Outgoing], ...] = tuple(OrderedDict() for _ in WAITS)

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, initiative: Initiative, now: Instant) -> Send:
        """Send a request for the first time."""
        number = self._next_seq_num()
        message = initiative.message(number, self._gatekeeper_identifier)
        registration = initiative.registration
        send = Send(self._seal(message, registration, now.unix), registration.source)
        if len(self._waiting) < self._capacity:
            outgoing = Outgoing(initiative, message, send, now.monotonic + WAITS[0])
            self._waiting[number] = self._rounds[0][number] = outgoing
        return send

    def _next_seq_num(self) -> int:
        self._seq_num = self._seq_num % _HIGHEST_SEQ_NUM + 1
        while self._seq_num in self._waiting:
            self._seq_num = self._seq_num % _HIGHEST_SEQ_NUM + 1
        return self._seq_num

    def asked(self, request_seq_num: int) -> Registration | None:
        """Who was asked by the request of this number, while it waits for its answer."""
        outgoing = self._waiting.get(request_seq_num)
        return outgoing.initiative.registration if outgoing is not None else None

    def answered(self, message: RasMessage, terminal_id: str) -> Outgoing | None:
        """The request that `message`, proven to be by `terminal_id`, answers; it is over then."""
        if isinstance(message, tuple):
            return None
        outgoing = self._waiting.get(message.request_seq_num)
        if outgoing is None or outgoing.initiative.registration.terminal_id != terminal_id:
            return None
        if not isinstance(message, _ANSWERS[type(outgoing.message)]):
            return None
        if isinstance(message, InfoRequestResponse) and not _reports_to(message, outgoing):
            return None
        self._end(outgoing)
        return outgoing

    def _end(self, outgoing: Outgoing) -> None:
        number = outgoing.message.request_seq_num
        del self._waiting[number]
        del self._rounds[outgoing.attempts - 1][number]

    @property
    def next_timeout(self) -> float | None:
        """When something is due next, in monotonic seconds."""
        first = (next(iter(one.values())).again_at for one in self._rounds if one)
        return min(first, default=None)

    def timeout(self, now: float) -> tuple[list[Send], list[Outgoing]]:
        """What to send again now (monotonic seconds), and what is given up."""
        again: list[Send] = []
        given_up: list[Outgoing] = []
        # The last round first: what moves on from one round isn't due in the next.
        for attempts in range(len(WAITS), 0, -1):
            for outgoing in self._due(attempts, now):
                if attempts == len(WAITS):
                    self._end(outgoing)
                    given_up.append(outgoing)
                else:
                    self._move_on(outgoing, now)
                    again.append(outgoing.send)
        return again, given_up

    def _due(self, attempts: int, now: float) -> list[Outgoing]:
        due = []
        for outgoing in self._rounds[attempts - 1].values():
            if outgoing.again_at > now:
                break
            due.append(outgoing)
        return due

    def _move_on(self, outgoing: Outgoing, now: float) -> None:
        number = outgoing.message.request_seq_num
        del self._rounds[outgoing.attempts - 1][number]
        outgoing.attempts += 1
        outgoing.again_at = now + WAITS[outgoing.attempts - 1]
        self._rounds[outgoing.attempts - 1][number] = outgoing


def _reports_to(message: InfoRequestResponse, outgoing: Outgoing) -> bool:
    """Whether this IRR answers our IRQ: one that the endpoint sends by itself may have the same number by chance."""
    ours = message.endpoint_identifier == outgoing.initiative.registration.endpoint_identifier
    return ours and not message.unsolicited
