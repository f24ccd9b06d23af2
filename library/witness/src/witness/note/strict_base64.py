"""Base 64 (RFC 4648 section 4) with exactly one text for the same octets: a changed character is always noticed."""

from __future__ import annotations

import base64
import binascii


def encode(octets: bytes) -> str:
    """The text of these octets, with its padding."""
    return base64.b64encode(octets).decode("ascii")


def decode(text: str) -> bytes:
    """The octets of such a text.

    Raises:
        ValueError: it is not what `encode` makes.
    """
    try:
        octets = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("this is not base64") from error
    if encode(octets) != text:
        raise ValueError("this is not canonical base64")
    return octets
