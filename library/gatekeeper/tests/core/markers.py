"""Messages of every kind with a marker in one field each: the standard's types say which fields there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h323.asn1.types as values
from h323.asn1.schema import TYPES
from h323.per.schema import Choice, Leaf, Sequence, SequenceOf
from h323.per.values import BitString

TEXT = "Zaphod Beeblebrox"
DIGITS = "4242424242"
MARKED = (TEXT, DIGITS, TEXT.encode().hex(), DIGITS.encode().hex(), "Zaphod", b"Zaphod".hex(), "42424242")
FREE = ("text", "octet_string")
OID = "0.0.8.2250.0.7"

Path = tuple[str, ...]
"""The component or alternative to take at each step."""


def parts_of(name: str) -> dict[str, tuple[str, str, bool]]:
    """Of a SEQUENCE or CHOICE each part's attribute, type and whether it may be left out."""
    kind = TYPES[name]
    if isinstance(kind, Sequence):
        return {part.name: (part.attribute, part.type, part.optional) for part in kind.root + kind.additions}
    if isinstance(kind, Choice):
        return {part: (part, type_, True) for part, type_ in kind.root + (kind.additions or ())}
    return {}


def item_of(name: str) -> str:
    """The type itself, or that of a list's items."""
    kind = TYPES[name]
    return item_of(kind.item) if isinstance(kind, SequenceOf) else name


def free_fields(name: str) -> Iterator[tuple[str, Path]]:
    """Each text or octets below this type, as Type.component, with one shortest way to it."""
    seen = {name}
    level: list[tuple[str, Path]] = [(name, ())]
    while level:
        below: list[tuple[str, Path]] = []
        for owner, path in level:
            for part, (_, type_, _) in parts_of(owner).items():
                inner = item_of(type_)
                kind = TYPES[inner]
                if isinstance(kind, Leaf):
                    if kind.kind in FREE:
                        yield f"{owner}.{part}", (*path, part)
                elif inner not in seen:
                    seen.add(inner)
                    below.append((inner, (*path, part)))
        level = below


def made(name: str, path: Path) -> Any:
    """A value of this type, as small as can be, but for the marker at the end of the path."""
    kind = TYPES[name]
    if isinstance(kind, Leaf):
        return marked(kind)
    if isinstance(kind, SequenceOf):
        return (made(kind.item, path), *(least_of(kind.item) for _ in range(1, kind.low)))
    parts = parts_of(name)
    if isinstance(kind, Choice):
        return (path[0], made(parts[path[0]][1], path[1:]))
    fields = {attribute: least_of(type_) for attribute, type_, optional in parts.values() if not optional}
    attribute, type_, _ = parts[path[0]]
    return getattr(values, name)(**fields | {attribute: made(type_, path[1:])})


def least_of(name: str) -> Any:
    """The smallest value of this type."""
    kind = TYPES[name]
    if isinstance(kind, Leaf):
        return least(kind)
    if isinstance(kind, SequenceOf):
        return tuple(least_of(kind.item) for _ in range(kind.low))
    parts = parts_of(name)
    if isinstance(kind, Choice):
        first = next(iter(parts))
        return (first, least_of(parts[first][1]))
    fields = {attribute: least_of(type_) for attribute, type_, optional in parts.values() if not optional}
    return getattr(values, name)(**fields)


def marked(kind: Leaf) -> Any:
    """Text or octets with as much of a marker as fits."""
    low, high = kind.arguments[0], kind.arguments[1]
    assert isinstance(low, int)
    most = high if isinstance(high, int) else len(TEXT)
    if kind.kind == "octet_string":
        return TEXT.encode()[:most].ljust(low, b"!")
    alphabet = kind.arguments[2]
    marker = TEXT if alphabet is None else DIGITS
    return (marker * (1 + low // len(marker)))[: max(min(most, len(marker)), low)]


def least(kind: Leaf) -> Any:
    """The smallest value of a primitive type."""
    arguments = kind.arguments
    low = arguments[0] if arguments else 0
    smallest: dict[str, Any] = {
        "null": None,
        "present": None,
        "boolean": False,
        "object_identifier": OID,
        "unconstrained_integer": 0,
    }
    if kind.kind in smallest:
        return smallest[kind.kind]
    if kind.kind == "text":
        alphabet = arguments[2]
        assert isinstance(low, int)
        return (str(alphabet)[-1] if alphabet else "-") * low
    if kind.kind == "octet_string":
        assert isinstance(low, int)
        return bytes(low)
    if kind.kind == "bit_string":
        assert isinstance(low, int)
        return BitString(bytes((low + 7) // 8), low)
    if kind.kind == "enumerated":
        return arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
    return low
