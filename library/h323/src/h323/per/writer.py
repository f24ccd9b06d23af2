"""Bits out (X.691, aligned variant)."""

from __future__ import annotations

from h323.per.errors import EncodeError

MAXIMUM_LENGTH = 16_383
"""What one length determinant can say; fragmented encodings (X.691 11.9.3.8) have no place in a RAS datagram."""


class Writer:
    """Collects bits; whole octets go to `out` at each alignment."""

    __slots__ = ("_bits", "_count", "out")

    def __init__(self) -> None:
        self.out = bytearray()
        self._bits = 0
        self._count = 0

    def bits(self, value: int, count: int) -> None:
        """Append `count` bits."""
        self._bits = self._bits << count | value
        self._count += count

    def align(self) -> None:
        """Pad with zeros up to an octet."""
        count = self._count
        if count:
            padding = -count & 7
            self.out += (self._bits << padding).to_bytes((count + padding) >> 3, "big")
            self._bits = self._count = 0

    def octets(self, octets: bytes) -> None:
        """Append whole octets, aligned."""
        self.align()
        self.out += octets

    def length(self, count: int) -> None:
        """Append a general length determinant (X.691 11.9).

        Raises:
            EncodeError: it would need fragments.
        """
        self.align()
        if count < 128:
            self.out.append(count)
        elif count <= MAXIMUM_LENGTH:
            self.out += (0x8000 | count).to_bytes(2, "big")
        else:
            raise EncodeError(f"{count} is more than fits a RAS message; at most {MAXIMUM_LENGTH}")

    def small(self, value: int) -> None:
        """Append a normally small number (X.691 11.6)."""
        if value < 64:
            self.bits(value, 7)
        else:
            self.bits(1, 1)
            octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
            self.length(len(octets))
            self.octets(octets)

    def finish(self) -> bytes:
        """The complete encoding: whole octets, at least one (X.691 11.1)."""
        self.align()
        return bytes(self.out) or b"\0"

    def open_type(self, octets: bytes) -> None:
        """Append a complete encoding behind its length (X.691 11.2)."""
        self.length(len(octets))
        self.out += octets
