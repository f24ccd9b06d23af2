"""The calls that an endpoint was admitted to and has not ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from h323.asn1.types import InfoRequestResponsePerCallInfoItem, TransportChannelInfo
from h323.ras import AdmissionConfirm, AdmissionRequest, BandwidthRequest, CallIdentifier, DisengageRequest

from terminal.core.call import Call

BANDWIDTH_UNIT_BPS = 100
"""BandWidth counts hundreds of bit/s (H.225.0 7.11.1)."""


@dataclass(frozen=True, slots=True)
class HeldCall:
    """A call, and what was granted for it."""

    call: Call
    bandwidth_bps: int
    originator: bool
    irr_frequency: int | None
    """Seconds between two reports (IRR); None where the gatekeeper wants none."""

    @property
    def per_call_info(self) -> InfoRequestResponsePerCallInfoItem:
        """What an IRR says of it."""
        return InfoRequestResponsePerCallInfoItem(
            call_reference_value=self.call.reference,
            conference_id=self.call.conference_id,
            originator=self.originator,
            h245=TransportChannelInfo(),
            call_signalling=TransportChannelInfo(),
            call_type=("pointToPoint", None),
            band_width=self.bandwidth_bps // BANDWIDTH_UNIT_BPS,
            call_model=("direct", None),
            call_identifier=CallIdentifier(guid=self.call.call_identifier),
        )


class HeldCalls:
    """All of them, by callIdentifier."""

    def __init__(self) -> None:
        self._calls: dict[bytes, HeldCall] = {}
        self.report_at: float | None = None
        """When the next report (IRR) is due, in monotonic seconds."""

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[HeldCall]:
        return iter(self._calls.values())

    def get(self, call_identifier: bytes) -> HeldCall | None:
        """The call of this identifier, if it is held."""
        return self._calls.get(call_identifier)

    def admitted(self, asked: AdmissionRequest, granted: AdmissionConfirm, now: float) -> None:
        """A call was admitted (`now`: monotonic seconds)."""
        if asked.call_identifier is None:
            return
        call = Call(asked.conference_id, asked.call_identifier.guid, asked.call_reference_value)
        held = HeldCall(
            call, granted.band_width * BANDWIDTH_UNIT_BPS, not asked.answer_call, granted.irr_frequency or None
        )
        self._calls[call.call_identifier] = held
        self._schedule(now)

    def ended(self, message: DisengageRequest, now: float) -> HeldCall | None:
        """The call that this DRQ ends, by whomever it was sent; None where there is none."""
        if message.call_identifier is None:
            return None
        held = self._calls.pop(message.call_identifier.guid, None)
        if not any(call.irr_frequency for call in self):
            self._schedule(now)
        return held

    def changed(self, message: BandwidthRequest, band_width: int) -> HeldCall | None:
        """The call that this BRQ is about, with so much bandwidth (units of the wire); None where there is none."""
        held = self._calls.get(message.call_identifier.guid) if message.call_identifier is not None else None
        if held is None:
            return None
        changed = replace(held, bandwidth_bps=band_width * BANDWIDTH_UNIT_BPS)
        self._calls[held.call.call_identifier] = changed
        return changed

    def end_all(self) -> None:
        """The registration has ended, and they with it."""
        self._calls.clear()
        self.report_at = None

    def reported(self, now: float) -> None:
        """All calls were reported at `now` (monotonic seconds)."""
        self.report_at = None
        self._schedule(now)

    def _schedule(self, now: float) -> None:
        """One report is on all calls, as often as the most closely watched of them needs."""
        often = min((call.irr_frequency for call in self if call.irr_frequency), default=None)
        if often is None:
            self.report_at = None
        elif self.report_at is None:
            self.report_at = now + often
        else:
            self.report_at = min(self.report_at, now + often)
