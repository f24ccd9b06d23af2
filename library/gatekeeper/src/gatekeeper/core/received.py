"""A datagram that could be decoded, and what came with it."""

from __future__ import annotations

from dataclasses import dataclass

from h323.ras import RasMessage

from gatekeeper.core.effects import Address, Instant


@dataclass(frozen=True, slots=True)
class Received:
    """A decoded datagram."""

    message: RasMessage
    datagram: bytes
    digest: bytes
    """Names the datagram from this source (`request_digest`)."""
    source: Address
    now: Instant
    """When it came."""
