"""What goes into the core (an instant) and what comes out (effects for the service to carry out)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gatekeeper.store import Batch

Address = tuple[str, int]
"""An IP address as text and a port."""


class Instant(NamedTuple):
    """One moment on two clocks, in seconds: intervals are measured on `monotonic`, people and tokens use `unix`."""

    monotonic: float
    unix: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send this RAS datagram."""

    datagram: bytes
    destination: Address


@dataclass(frozen=True, slots=True)
class Commit:
    """Make this batch durable, in the order of the numbers, then call `Gatekeeper.committed(number, …)`."""

    number: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Observe:
    """Count this: a message by its short name ("ARQ") and what became of it ("confirmed", "malformed", …)."""

    message: str
    result: str
    authentication: str | None = None
    """The policy by which its sender was believed; None where nobody was."""


Effect = Send | Commit | Observe
