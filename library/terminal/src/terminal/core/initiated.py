"""What the gatekeeper asks of its own accord, and what an endpoint answers (H.225.0 7.10, 7.12, 7.14, 7.15)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from h323.h235 import Freshness, ReplayWindow, SignedToken, verify
from h323.ras import (
    BandwidthConfirm,
    BandwidthReject,
    BandwidthRequest,
    DisengageConfirm,
    DisengageReject,
    DisengageRequest,
    InfoRequest,
    RasMessage,
    UnregistrationRequest,
)

from terminal.core.effects import BandwidthChanged, Disengaged, Effect
from terminal.core.held_calls import BANDWIDTH_UNIT_BPS, HeldCalls
from terminal.core.identity import SIGNATURE_WINDOW, Identity
from terminal.core.outcome import Ignored

INITIATED = (UnregistrationRequest, BandwidthRequest, DisengageRequest, InfoRequest)
_MOST_ANSWERS = 64
"""Kept to answer a request alike that comes again because its answer was lost."""
_MOST_REQUESTS = 1_000
"""Within the signature window."""


class Answered:
    """Which of the gatekeeper's requests can be believed, and the answers that were given to them."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._replay = ReplayWindow(SIGNATURE_WINDOW, _MOST_REQUESTS)
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()

    def before(self, datagram: bytes) -> bytes | None:
        """The answer that this very datagram got already."""
        return self._answers.get(datagram)

    def disbelief(self, token: SignedToken, datagram: bytes, unix: float) -> Ignored | None:
        """Why this can't be a request of our gatekeeper to us, if so; the signature last, it costs most."""
        if token.general_id != self._identity.terminal_id:
            return Ignored.OTHER_ADDRESSEE
        if self._replay.check(token, int(unix)) is not Freshness.FRESH:
            return Ignored.STALE
        if not verify(datagram, token, self._identity.gatekeeper_key):
            return Ignored.BAD_SIGNATURE
        self._replay.remember(token, int(unix))
        return None

    def remember(self, datagram: bytes, answer: bytes) -> None:
        """The answer to this request."""
        self._answers[datagram] = answer
        if len(self._answers) > _MOST_ANSWERS:
            self._answers.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Reaction:
    """An answer, and what the driver is told."""

    answer: RasMessage
    effects: tuple[Effect, ...] = ()


def disengaged(message: DisengageRequest, calls: HeldCalls, now: float) -> Reaction:
    """The gatekeeper ends a call: whoever holds it drops it."""
    held = calls.ended(message, now)
    if held is None:
        reject = DisengageReject(request_seq_num=message.request_seq_num, reject_reason=("requestToDropOther", None))
        return Reaction(reject)
    confirm = DisengageConfirm(request_seq_num=message.request_seq_num)
    return Reaction(confirm, (Disengaged(held.call, message.disengage_reason[0]),))


def bandwidth_changed(message: BandwidthRequest, calls: HeldCalls) -> Reaction:
    """The gatekeeper changes how much a call may send and receive; the council's terminals always comply."""
    held = calls.changed(message, message.band_width)
    if held is None:
        reject = BandwidthReject(
            request_seq_num=message.request_seq_num,
            reject_reason=("invalidConferenceID", None),
            allowed_band_width=0,
        )
        return Reaction(reject)
    confirm = BandwidthConfirm(
        request_seq_num=message.request_seq_num, band_width=held.bandwidth_bps // BANDWIDTH_UNIT_BPS
    )
    return Reaction(confirm, (BandwidthChanged(held.call, held.bandwidth_bps),))
