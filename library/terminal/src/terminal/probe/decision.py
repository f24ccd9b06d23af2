"""A decision that the gatekeeper has acknowledged, so that it must never be lost."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from terminal.core.endpoint import Address

_DIGEST_SIZE = 16


@dataclass(frozen=True, slots=True)
class Decision:
    """What one confirmed ARQ or DRQ has brought about."""

    request: str
    """"ARQ" or "DRQ"."""
    call_identifier: str
    """32 hexadecimal digits."""
    request_digest: str
    """As `request_digest` of the gatekeeper's record of it, hexadecimal."""
    time: float
    """Unix time at which the answer was there, seconds."""

    @property
    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self)) + "\n"


def request_digest(datagram: bytes, source: Address) -> str:
    """The name that the gatekeeper's log gives to a datagram from this source, unless its address was translated."""
    named = f"{source[0]} {source[1]} ".encode() + datagram
    return hashlib.blake2b(named, digest_size=_DIGEST_SIZE).hexdigest()
