"""Who a guardian is, and whom they trust."""

from __future__ import annotations

from dataclasses import dataclass

from h323.h235 import PrivateKey, PublicKey

SIGNATURE_WINDOW = 30
"""Seconds by which a confirmation may be older than its request; the gatekeeper's own window."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a guardian is, and whom they trust."""

    terminal_id: str
    key: PrivateKey
    gatekeeper_identifier: str
    gatekeeper_key: PublicKey

    @property
    def name(self) -> str:
        """The last part of the terminal_id, which is also the guardian's H.323 ID."""
        return self.terminal_id.rpartition("/")[2]
