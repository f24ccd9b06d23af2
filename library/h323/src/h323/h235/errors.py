"""What can be wrong with a token."""

from __future__ import annotations


class TokenError(ValueError):
    """The message has cryptoTokens, but not the one token of this profile."""
