"""Bandwidth: how much a call gets, and what a guardian's calls may have together."""

from __future__ import annotations

from h323.council import RefusalName

from gatekeeper.core.denial import Denial
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import State

BANDWIDTH_UNIT_BPS = 100
"""BandWidth counts hundreds of bit/s, both directions together (H.225.0 7.11.1)."""


def clamped(band_width: int, settings: CoreSettings) -> int:
    """What one call gets of the `band_width` (units of the wire) that it wants, in bit/s.

    One popular stack asks for 10 Mbit/s each time, whatever it means to send: it's told how much it has, and only
    that counts against the quota.
    """
    limit = settings.maximum_bandwidth_bps // BANDWIDTH_UNIT_BPS
    return min(band_width, limit) * BANDWIDTH_UNIT_BPS


def bandwidth_quota(state: State, terminal_id: str, more: int, quota: int) -> Denial | None:
    """All calls of a guardian together stay within their quota (bit/s), with `more` bit/s besides what they have."""
    in_use = state.calls.bandwidth_of(terminal_id)
    if in_use + more > quota:
        detail = f"{in_use} of {quota} bit/s in use, {more} more asked for"
        return Denial(RefusalName.BANDWIDTH_EXCEEDED, detail)
    return None
