"""What names a call in its ARQ and DRQ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_HIGHEST_REFERENCE = 0x7FFF
"""A callReferenceValue has 15 bits; 0 is the global one (H.225.0 7.2.2, Q.931 4.3)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One leg of a conference."""

    conference_id: bytes
    """16 octets."""
    call_identifier: bytes
    """16 octets, never used again for another call."""
    reference: int

    @classmethod
    def new(cls, conference_id: bytes, random_bytes: Callable[[int], bytes]) -> Call:
        """A call with a fresh identifier in this conference."""
        identifier = random_bytes(16)
        return cls.of(conference_id, identifier)

    @classmethod
    def of(cls, conference_id: bytes, call_identifier: bytes) -> Call:
        """The call of this identifier; its reference follows from it."""
        reference = int.from_bytes(call_identifier[:2], "big") & _HIGHEST_REFERENCE
        return cls(conference_id, call_identifier, reference or 1)
