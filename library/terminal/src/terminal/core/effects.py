"""What goes into the core (an instant) and what comes out (effects for the driver to carry out)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from terminal.core.call import Call
from terminal.core.outcome import Outcome
from terminal.core.request import Prepared


class Instant(NamedTuple):
    """One moment on two clocks, in seconds: intervals are measured on `monotonic`, signatures use `unix`."""

    monotonic: float
    unix: float


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send this datagram to the gatekeeper."""

    datagram: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """This request has its outcome."""

    prepared: Prepared[Any]
    outcome: Outcome[Any]


@dataclass(frozen=True, slots=True)
class Unregistered:
    """The gatekeeper has ended the registration by itself (URQ); its reason by H.225.0."""

    reason: str


@dataclass(frozen=True, slots=True)
class Disengaged:
    """The gatekeeper has ended this call by itself (DRQ): drop it. The reason is H.225.0's."""

    call: Call
    reason: str


@dataclass(frozen=True, slots=True)
class BandwidthChanged:
    """The gatekeeper has changed what this call may use in both directions together (BRQ): keep to it."""

    call: Call
    bandwidth_bps: int


Effect: TypeAlias = Transmit | Finished | Unregistered | Disengaged | BandwidthChanged
