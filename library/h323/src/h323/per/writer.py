"""Writing aligned PER (X.691)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from h323.per.errors import EncodeError, unfit

MAXIMUM_LENGTH = 16_383
"""What one length determinant can say; fragmented encodings (X.691 11.9.3.8) have no place in a RAS datagram."""

Encode = Callable[["Writer", Any], None]


class Writer:
    """Collects bits in `pending`, of which there are `count`; whole octets go to `out` at each alignment.

    Encoders touch the three attributes themselves: a method call for every flag would double their time.
    """

    __slots__ = ("count", "crypto_tokens", "crypto_tokens_at", "out", "pending")

    def __init__(self, crypto_tokens: bytes | None = None) -> None:
        self.out = bytearray()
        self.pending = 0
        self.count = 0
        self.crypto_tokens = crypto_tokens
        """The encoding of a cryptoTokens component, which stands in place of the message's own; each is used once."""
        self.crypto_tokens_at = 0
        """Where in `out` they were put."""

    def bits(self, value: int, count: int) -> None:
        """Append `count` bits."""
        self.pending = self.pending << count | value
        self.count += count

    def align(self) -> None:
        """Pad with zeros up to an octet."""
        padding = -self.count & 7
        self.out += (self.pending << padding).to_bytes(self.count + padding >> 3, "big")
        self.pending = self.count = 0

    def octets(self, octets: bytes) -> None:
        """Append whole octets, aligned."""
        if self.count:
            self.align()
        self.out += octets

    def length(self, count: int) -> None:
        """Append a general length determinant (11.9).

        Raises:
            EncodeError: it would need fragments.
        """
        if self.count:
            self.align()
        if count < 128:
            self.out.append(count)
        else:
            self.out += _long_length(count)

    def small(self, value: int) -> None:
        """Append a normally small number (11.6) of at most 63, as all are that we send."""
        self.bits(value, 7)

    def open_type(self, encode: Encode, value: object) -> None:
        """Append the complete encoding of a value behind its length (11.2)."""
        if self.count:
            self.align()
        start = len(self.out)
        encode(self, value)
        if self.count:
            self.align()
        size = len(self.out) - start
        if not size:
            self.out += b"\1\0"
        elif size < 128:
            self.out.insert(start, size)
        else:
            self.out[start:start] = _long_length(size)

    def open_boolean(self, value: object) -> None:
        """Append a BOOLEAN as an open type.

        Raises:
            EncodeError: it isn't one.
        """
        if value.__class__ is not bool:
            raise unfit(value, "a boolean")
        if self.count:
            self.align()
        self.out += b"\1\x80" if value else b"\1\0"

    def open_present(self, value: object) -> None:
        """Append a NULL that is there as an open type.

        Raises:
            EncodeError: its value isn't True.
        """
        if value is not True:
            raise unfit(value, "True")
        if self.count:
            self.align()
        self.out += b"\1\0"

    def put_crypto_tokens(self, *, open_type: bool) -> None:
        """Append the crypto tokens that were encoded beforehand, as an open type where they are an addition."""
        octets, self.crypto_tokens = self.crypto_tokens, None
        if self.count:
            self.align()
        if octets is None:
            raise EncodeError("there are no crypto tokens to put")
        if open_type:
            self.length(len(octets))
        self.crypto_tokens_at = len(self.out)
        self.out += octets

    def finish(self) -> bytes:
        """The complete encoding: whole octets, at least one (11.1)."""
        self.align()
        return bytes(self.out) or b"\0"


def _long_length(count: int) -> bytes:
    if count > MAXIMUM_LENGTH:
        raise EncodeError(f"{count} is more than fits a RAS message; at most {MAXIMUM_LENGTH}")
    return (0x8000 | count).to_bytes(2, "big")


def add_alternative(
    writer: Writer, additions: Mapping[str, tuple[int, Encode]], value: tuple[str, object], choice: str
) -> None:
    """Append an alternative that isn't one of a CHOICE's root.

    Raises:
        EncodeError: it isn't one of its additions either.
    """
    name, inner = value
    place = additions.get(name)
    if place is None:
        raise EncodeError(f"{name!r} is not an alternative of {choice}")
    index, encode = place
    writer.bits(1, 1)
    writer.small(index)
    writer.open_type(encode, inner)
