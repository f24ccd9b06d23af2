"""What exactly is wrong with octets that `decode` refuses: which field, at which octet, what was expected there.

`decode` is made for speed and notices the end of its octets late. This goes through the same octets by the schema,
field by field, and accepts and refuses the same ones; it is some twenty times slower, and for people only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, SupportsIndex, TypeVar, overload

from h323.asn1 import decoders
from h323.asn1.schema import RECURSIVE, TYPES
from h323.per.errors import DecodeError
from h323.per.reader import PADDING, Decode, above, bits, check_depth, extensions, long_length, small
from h323.per.schema import Choice, Component, Leaf, Sequence, SequenceOf
from h323.ras.codec import MAXIMUM_SIZE

TakenT = TypeVar("TakenT")

_UNKNOWN = object()
"""A value that a newer version of the standard added."""
_NAMES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong."""

    field: str
    """Its path in the standard's names, such as admissionRequest.srcInfo[0]:h323-ID; "" before the first."""
    octet: int
    """Where the field begins, counted from 0; a field that shares an octet with others begins somewhere in it."""
    problem: str
    """What is wrong, for people: "needs 22 octets, but the datagram ends after 4 of them"."""
    expected: str
    """What should stand there: "text of 1..128 characters (BMPString)"."""
    truncated: bool
    """The octets end before the message does."""
    request_seq_num: int | None
    """The message's number, where it was read before."""


class _Wrong(Exception):
    """Unwinds to where the fault is made."""

    def __init__(self, problem: str, *, truncated: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.truncated = problem, truncated


def find_fault(octets: bytes, root: str = "RasMessage") -> Fault | None:
    """The first fault in the encoding of a RasMessage or ClearToken, or None where `decode` accepts it."""
    walk = _Walk(octets)
    try:
        walk.whole(root, len(octets))
    except _Wrong as wrong:
        field = "".join(walk.path).removeprefix(":").removeprefix(".")
        expected = describe_type(walk.type)
        return Fault(field, walk.start >> 3, wrong.problem, expected, wrong.truncated, walk.request_seq_num)
    return None


def describe_type(name: str) -> str:
    """A type, for people who know the standard: "INTEGER 1..65535", "one of ipAddress, ip6Address, …"."""
    found = TYPES[name]
    if isinstance(found, Choice):
        return f"one of {_listed([key for key, _ in (*found.root, *(found.additions or ()))])}"
    if isinstance(found, SequenceOf):
        count = "" if (found.low, found.high) == (0, None) else f"{_range(found.low, found.high)} times "
        return f"a list of {count}{found.item if isinstance(TYPES[found.item], Choice) else describe_type(found.item)}"
    if isinstance(found, Sequence):
        return name
    return _describe_leaf(found)


def _describe_leaf(found: Leaf) -> str:
    arguments: Any = found.arguments
    if found.kind in _SIZED:
        return f"{_SIZED[found.kind][0]} of {_range(*arguments[:2])} {_SIZED[found.kind][1]}"
    if found.kind == "text":
        return f"text of {_range(*arguments[:2])} characters ({arguments[2] or _STRINGS[arguments[3]]})"
    if found.kind == "enumerated":
        return f"one of {_listed(list(arguments[0]))}"
    if found.kind.endswith("integer"):
        return f"INTEGER {_range(*arguments)}" if arguments else "INTEGER"
    return _SIMPLE[found.kind]


_SIZED = {"octet_string": ("OCTET STRING", "octets"), "bit_string": ("BIT STRING", "bits")}
_STRINGS = {8: "IA5String", 16: "BMPString"}
_SIMPLE = {
    "boolean": "BOOLEAN",
    "present": "NULL",
    "null": "NULL",
    "object_identifier": "OBJECT IDENTIFIER",
    "general_string": "GeneralString",
}


def _range(low: int | None, high: int | None) -> str:
    return f"{low}" if low == high else f"{low}..{'' if high is None else high}"


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _extensions(data: bytes, p: int, known: int) -> tuple[tuple[int, int], int]:
    bitmap, unknown, p = extensions(data, p, known)
    return (bitmap, unknown), p


def _long_length(data: bytes, octet: int) -> tuple[int, int]:
    count, octet = long_length(data, octet)
    return count, octet + 1 << 3


def _depth(depth: int, p: int) -> tuple[None, int]:
    check_depth(depth)
    return None, p


class _Watched(bytes):
    """Octets that know how far they were read."""

    furthest = 0

    @overload
    def __getitem__(self, which: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, which: slice, /) -> bytes: ...
    def __getitem__(self, which: SupportsIndex | slice, /) -> int | bytes:
        """Read, and remember."""
        self.furthest = max(self.furthest, which.stop if isinstance(which, slice) else which.__index__() + 1)
        return super().__getitem__(which)


class _Walk:
    """Reads types one by one; `path`, `type` and `start` say where it is, and stay where they are at a fault."""

    def __init__(self, octets: bytes) -> None:
        self._data = _Watched(bytes(octets) + PADDING)
        self._ends = [8 * len(octets)]
        self.path: list[str] = []
        self.type = "RasMessage"
        self.start = 0
        self.request_seq_num: int | None = None

    def whole(self, root: str, size: int) -> None:
        """Read everything."""
        if size > MAXIMUM_SIZE:
            raise _Wrong(f"{size} octets, more than a datagram holds")
        if self.read(root, 0, 0)[0] is _UNKNOWN:
            raise _Wrong("an alternative that H.225.0 version 7 doesn't know")

    def read(self, name: str, p: int, depth: int) -> tuple[object, int]:
        """The value of a type at the bit p, as far as anybody asks for it, and the bit behind it."""
        self.type, self.start = name, p
        found = TYPES[name]
        depth = depth if name in RECURSIVE else 0
        if isinstance(found, Sequence):
            return self._sequence(name, found, p, depth)
        if isinstance(found, Choice):
            return self._choice(name, found, p, depth)
        if isinstance(found, SequenceOf):
            return self._sequence_of(name, found, p, depth)
        return self._leaf(name, found, p)

    def _take(self, read: Callable[[], tuple[TakenT, int]]) -> tuple[TakenT, int]:
        """What one of h323.per's functions reads; whether the position behind it is within bounds is checked."""
        self._data.furthest = 0
        try:
            taken = read()
        except DecodeError as error:
            # What stands behind the end is no reason to complain of anything but the end.
            self._check(8 * self._data.furthest)
            raise _Wrong(str(error)) from None
        except IndexError:
            raise self._ended(8 * len(self._data)) from None
        self._check(taken[1])
        return taken

    def _check(self, p: int) -> None:
        if p > self._ends[-1]:
            raise self._ended(p)

    def _ended(self, p: int) -> _Wrong:
        wanted = (p + 7 >> 3) - (self.start >> 3)
        there = max(0, (self._ends[-1] >> 3) - (self.start >> 3))
        octets = "1 octet" if wanted == 1 else f"{wanted} octets"
        if len(self._ends) > 1:
            return _Wrong(f"takes {octets}, but the open type that it stands in has only {there} left")
        return _Wrong(f"takes {octets}, but the datagram ends after {there} of them", truncated=True)

    def _bits(self, p: int, count: int) -> tuple[int, int]:
        return self._take(lambda: (bits(self._data, p, count), p + count))

    def _leaf(self, name: str, found: Leaf, p: int) -> tuple[object, int]:
        decode: Decode = getattr(decoders, f"d_{name}")
        value, end = self._take(lambda: decode(self._data, p))
        return (_UNKNOWN if value is None and found.kind == "enumerated" else value), end

    def _sequence(self, name: str, found: Sequence, p: int, depth: int) -> tuple[object, int]:
        optional = [one for one in found.root if one.optional]
        count = len(optional) + found.extensible
        head, p = self._bits(p, count) if count else (0, p)
        given = {one.name for i, one in enumerate(reversed(optional)) if head >> i & 1}
        for one in found.root:
            if one.name in given or not one.optional:
                p = self._component(one, p, depth)
        if found.extensible and head >> len(optional):
            self.type, self.start = name, p
            p = self._additions(found, p, depth)
        return None, p

    def _component(self, one: Component, p: int, depth: int) -> int:
        self.path.append(f".{one.name}")
        value, end = self.read(one.type, p, depth)
        if value is _UNKNOWN and not one.optional:
            self.type, self.start = one.type, p
            raise _Wrong("has a value that H.225.0 version 7 doesn't know")
        if one.name == "requestSeqNum" and self.request_seq_num is None and isinstance(value, int):
            self.request_seq_num = value
        self.path.pop()
        return end

    def _additions(self, found: Sequence, p: int, depth: int) -> int:
        known = len(found.additions)
        self.path.append(" extension additions")
        (bitmap, unknown), p = self._take(lambda: _extensions(self._data, p, known))
        self.path.pop()
        for i, one in enumerate(found.additions):
            if bitmap >> (known - 1 - i) & 1:
                self.path.append(f".{one.name}")
                p = self._opened(one.type, p, depth)[1]
                self.path.pop()
        return self._skip(p, unknown)

    def _skip(self, p: int, count: int) -> int:
        self.path.append(" extension addition of a newer version")
        for _ in range(count):
            self.start = p
            octets, p = self._length(p)
            p += 8 * octets
            self._check(p)
        self.path.pop()
        return p

    def _length(self, p: int) -> tuple[int, int]:
        octet = p + 7 >> 3
        self._check(octet + 1 << 3)
        count = self._data[octet]
        if count > 127:
            return self._take(lambda: _long_length(self._data, octet))
        return count, octet + 1 << 3

    def _opened(self, name: str, p: int, depth: int) -> tuple[object, int]:
        self.type, self.start = name, p
        octets, p = self._length(p)
        end = p + 8 * octets
        self._check(end)
        self._ends.append(end)
        value, _ = self.read(name, p, depth)
        self._ends.pop()
        return value, end

    def _choice(self, name: str, found: Choice, p: int, depth: int) -> tuple[object, int]:
        if name in RECURSIVE:
            self._take(lambda: _depth(depth, p))
        width = (len(found.root) - 1).bit_length()
        if found.additions is not None:
            extended, p = self._bits(p, 1)
            if extended:
                return self._addition(found.additions, p)
        index, p = self._bits(p, width) if width else (0, p)
        if index >= len(found.root):
            raise _Wrong(f"alternative {index}, of {len(found.root)} that there are")
        key, inner = found.root[index]
        return self._alternative(key, inner, lambda: self.read(inner, p, depth + 1))

    def _addition(self, additions: tuple[tuple[str, str], ...], start: int) -> tuple[object, int]:
        index, p = self._take(lambda: small(self._data, start))
        if index >= len(additions):
            return _UNKNOWN, self._skip(p, 1)
        key, inner = additions[index]
        # Only alternatives of a root can contain themselves.
        return self._alternative(key, inner, lambda: self._opened(inner, p, 0))

    def _alternative(self, key: str, inner: str, read: Callable[[], tuple[object, int]]) -> tuple[object, int]:
        self.path.append(f":{key}")
        value, p = read()
        if value is _UNKNOWN:
            self.type = inner
            raise _Wrong("has a value that H.225.0 version 7 doesn't know")
        self.path.pop()
        return key, p

    def _sequence_of(self, name: str, found: SequenceOf, p: int, depth: int) -> tuple[object, int]:
        count, p = self._count(found, p)
        kept = 0
        for i in range(count):
            self.path.append(f"[{i}]")
            value, p = self.read(found.item, p, depth)
            kept += value is not _UNKNOWN
            self.path.pop()
        if kept < found.low:
            self.type = name
            raise _Wrong("has only items that H.225.0 version 7 doesn't know")
        return None, p

    def _count(self, found: SequenceOf, p: int) -> tuple[int, int]:
        """How many items there are (X.691 19.5)."""
        if found.high is None or found.high >= 65_536:
            count, p = self._length(p)
            if count < found.low:
                raise _Wrong(f"{count} items, where {found.low} are the least")
            return count, p
        span = found.high - found.low + 1
        width = (span - 1).bit_length() if span < 256 else 8 if span == 256 else 16
        if span >= 256:
            p = p + 7 & ~7
        count, p = self._bits(p, width)
        if count + found.low > found.high:
            raise _Wrong(str(above(count + found.low, found.high)))
        return count + found.low, p
