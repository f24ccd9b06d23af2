"""Erlang terms and their external format (the one of term_to_binary)."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Atom:
    name: str


@dataclass(frozen=True)
class Bits:
    """A bitstring: its octets, the last one padded with zeros, and its length in bits."""

    octets: bytes
    length: int


Term = Atom | Bits | bytes | int | tuple["Term", ...] | list["Term"]

TRUE, FALSE, NULL, ABSENT = Atom("true"), Atom("false"), Atom("NULL"), Atom("asn1_NOVALUE")


def to_binary(term: Term) -> bytes:
    """The octets that Erlang's binary_to_term reads."""
    out = bytearray([131])
    _put(out, term)
    return bytes(out)


def _put(out: bytearray, term: Term) -> None:
    if isinstance(term, Atom):
        name = term.name.encode()
        out += bytes([119, len(name)]) + name
    elif isinstance(term, Bits):
        _put_bits(out, term)
    elif isinstance(term, bytes):
        out += struct.pack(">BI", 109, len(term)) + term
    elif isinstance(term, int):
        _put_integer(out, term)
    elif isinstance(term, tuple):
        out += struct.pack(">BI", 105, len(term))
        for part in term:
            _put(out, part)
    else:
        out += struct.pack(">BI", 108, len(term))
        for part in term:
            _put(out, part)
        out.append(106)


def _put_bits(out: bytearray, term: Bits) -> None:
    if term.length % 8:
        out += struct.pack(">BIB", 77, len(term.octets), term.length % 8) + term.octets
    else:
        _put(out, term.octets)


def _put_integer(out: bytearray, number: int) -> None:
    if -(2**31) <= number < 2**31:
        out += struct.pack(">Bi", 98, number)
    else:
        size = (abs(number).bit_length() + 7) // 8
        out += bytes([110, size, number < 0]) + abs(number).to_bytes(size, "little")
