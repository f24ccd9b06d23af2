"""Bits in (X.691, aligned variant), never past the end."""

from __future__ import annotations

from h323.per.errors import DecodeError

_MOST_EXTENSIONS = 256
"""Additions that a peer's newer version may have; the longest type of H.225.0 v7 has 30."""


class Reader:
    """Reads one encoding. Positions are in bits from its start."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._end = len(data) * 8

    def bits(self, count: int) -> int:
        """The next `count` bits.

        Raises:
            DecodeError: there are fewer.
        """
        start = self._position
        end = start + count
        if end > self._end:
            raise DecodeError(f"ends after {self._end // 8} octets, inside a field")
        self._position = end
        last = (end + 7) >> 3
        return int.from_bytes(self._data[start >> 3 : last], "big") >> (last * 8 - end) & ((1 << count) - 1)

    def align(self) -> None:
        """Skip to the next octet."""
        self._position = (self._position + 7) & ~7

    def octets(self, count: int) -> bytes:
        """The next `count` octets, aligned.

        Raises:
            DecodeError: there are fewer.
        """
        start = (self._position + 7) >> 3
        end = start + count
        if end * 8 > self._end:
            raise DecodeError(f"ends after {self._end // 8} octets, where {count} more were announced")
        self._position = end * 8
        return self._data[start:end]

    def length(self) -> int:
        """A general length determinant (X.691 11.9).

        Raises:
            DecodeError: it is fragmented, or the octets end.
        """
        first = self.octets(1)[0]
        if first < 128:
            return first
        if first & 0x40:
            raise DecodeError("a fragmented field, which no RAS message needs")
        return (first & 0x3F) << 8 | self.octets(1)[0]

    def small(self) -> int:
        """A normally small number (X.691 11.6)."""
        if not self.bits(1):
            return self.bits(6)
        return int.from_bytes(self.octets(self.length()), "big")

    def extensions(self, known: int) -> tuple[int, int]:
        """Which extension additions follow: a bitmap of the `known` ones (first in the highest bit), how many unknown.

        Trailing zeros may be trimmed, and a newer version may have more than we know.

        Raises:
            DecodeError: more additions than any version of the standard has.
        """
        count = self.small() + 1
        if count > _MOST_EXTENSIONS:
            raise DecodeError(f"{count} extension additions")
        bitmap = self.bits(count)
        if count <= known:
            return bitmap << (known - count), 0
        unknown = count - known
        return bitmap >> unknown, (bitmap & ((1 << unknown) - 1)).bit_count()

    def open(self) -> int:
        """Enter an open type; the end to give to `close`.

        Raises:
            DecodeError: it would end behind what it stands in.
        """
        octets = self.length()
        outer = self._end
        end = self._position + octets * 8
        if end > outer:
            raise DecodeError(f"ends after {outer // 8} octets, where {octets} more were announced")
        self._end = end
        return outer

    def close(self, outer: int) -> None:
        """Leave an open type, whatever of it was read."""
        self._position = self._end
        self._end = outer

    def skip(self, count: int) -> None:
        """Pass over open types that we don't know."""
        for _ in range(count):
            self.octets(self.length())
