"""Reading aligned PER (X.691): functions of the octets and a position in bits.

The octets have PADDING behind them, and no function checks whether it read beyond its end: it only moves on, so that
whoever knows the end sees afterwards whether it was passed (`open_type`, and `decode` in h323.ras for the message
itself). What lies beyond the padding raises IndexError, which `decode` turns into DecodeError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from h323.per.errors import DecodeError

Decode = Callable[..., tuple[Any, int]]
"""d(data, p) → (value, next p); the value None stands for an alternative that a newer version of the standard added."""

Alternatives = tuple[tuple[str, Decode], ...]

PADDING = bytes(8)
_MOST_ADDITIONS = 256
"""Extension additions that a peer's newer version may have; the longest type of H.225.0 v7 has 30."""
_DEEPEST = 16
"""Nesting of generic data in generic data. The standard sets no limit."""


def bits(data: bytes, p: int, count: int) -> int:
    """`count` bits as a number."""
    end = p + count
    last = end + 7 >> 3
    return int.from_bytes(data[p >> 3 : last], "big") >> (last * 8 - end) & ((1 << count) - 1)


def long_length(data: bytes, octet: int) -> tuple[int, int]:
    """A length determinant of two octets (11.9.3.7), of which the first is above 127; and its second octet's index.

    Raises:
        DecodeError: it is fragmented.
    """
    first = data[octet]
    if first & 0x40:
        raise DecodeError("a fragmented field, which no RAS message needs")
    return (first & 0x3F) << 8 | data[octet + 1], octet + 1


def length(data: bytes, p: int) -> tuple[int, int]:
    """A general length determinant (11.9)."""
    octet = p + 7 >> 3
    count = data[octet]
    if count > 127:
        count, octet = long_length(data, octet)
    return count, octet + 1 << 3


def small(data: bytes, p: int) -> tuple[int, int]:
    """A normally small number (11.6)."""
    if not data[p >> 3] >> (~p & 7) & 1:
        return bits(data, p + 1, 6), p + 7
    count, p = length(data, p + 1)
    return int.from_bytes(data[p >> 3 : (p >> 3) + count], "big"), p + 8 * count


def extensions(data: bytes, p: int, known: int) -> tuple[int, int, int]:
    """Which extension additions follow: a bitmap of the `known` ones (first in the highest bit), how many unknown.

    Trailing zeros may be trimmed, and a newer version may have more than we know.

    Raises:
        DecodeError: more additions than any version of the standard has.
    """
    q = p >> 3
    count = ((data[q] << 8 | data[q + 1]) >> (9 - (p & 7)) & 127) + 1
    p += 7
    if count > 64:
        # A normally small length (11.9.3.4): above 64 an ordinary one behind its first bit.
        count, p = length(data, p - 6)
        if count > _MOST_ADDITIONS:
            raise DecodeError("more than 256 extension additions")
    end = p + count
    last = end + 7 >> 3
    bitmap = int.from_bytes(data[p >> 3 : last], "big") >> (last * 8 - end) & ((1 << count) - 1)
    p = end
    if count <= known:
        return bitmap << (known - count), 0, p
    unknown = count - known
    return bitmap >> unknown, (bitmap & ((1 << unknown) - 1)).bit_count(), p


def open_type(data: bytes, p: int, decode: Decode, *depth: int) -> tuple[Any, int]:
    """The value inside an open type (11.2), whatever stands behind it there.

    Raises:
        DecodeError: the value is longer than the open type.
    """
    octet = p + 7 >> 3
    count = data[octet]
    if count > 127:
        count, octet = long_length(data, octet)
    octet += 1
    value, end = decode(data, octet << 3, *depth)
    p = octet + count << 3
    if end > p:
        raise DecodeError("a field is longer than the open type that it stands in")
    return value, p


def open_boolean(data: bytes, p: int) -> tuple[bool, int]:
    """The BOOLEAN inside an open type.

    Raises:
        DecodeError: there is nothing in it.
    """
    octet = p + 7 >> 3
    count = data[octet]
    if count > 127:
        count, octet = long_length(data, octet)
    if not count:
        raise DecodeError("a field is longer than the open type that it stands in")
    return data[octet + 1] > 127, octet + 1 + count << 3


def skip(data: bytes, p: int, count: int) -> int:
    """The position behind open types that we don't know."""
    for _ in range(count):
        octets, p = length(data, p)
        p += 8 * octets
    return p


def d_null(_data: bytes, p: int) -> tuple[None, int]:
    """NULL (24): no bits at all."""
    return None, p


def no_alternative(index: int, count: int) -> DecodeError:
    """An index of a CHOICE (23) that has fewer alternatives."""
    return DecodeError(f"alternative {index} of a choice of {count}")


def addition(data: bytes, p: int, additions: Alternatives) -> tuple[Any, int]:
    """The value of an extended CHOICE, a pair, or None where a newer version of the standard added the alternative.

    Raises:
        DecodeError: the alternative's value is unknown.
    """
    index, p = small(data, p)
    if index >= len(additions):
        return None, skip(data, p, 1)
    name, decode = additions[index]
    value, p = open_type(data, p, decode)
    if value is None and decode is not d_null:
        raise unknown_value(name)
    return (name, value), p


def check_depth(depth: int) -> None:
    """Types that can contain themselves do so only so often.

    Raises:
        DecodeError: too often.
    """
    if depth > _DEEPEST:
        raise DecodeError(f"nested more than {_DEEPEST} times")


def above(number: int, high: int) -> DecodeError:
    """A number, or a length, above its constraint."""
    return DecodeError(f"{number} is above {high}")


def unknown_value(name: str) -> DecodeError:
    """A mandatory field, with a value that a newer version of the standard added."""
    return DecodeError(f"{name} has a value that H.225.0 version 7 doesn't know")
