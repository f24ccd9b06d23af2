"""Ways to spoil a datagram, each with a name; all chance comes from the generator that the caller seeds."""

from __future__ import annotations

import random
from collections.abc import Callable

LARGEST = 65_507
"""Octets in a UDP datagram over IPv4."""
_LENGTHS = (0x00, 0x01, 0x7F, 0x80, 0x81, 0xBF, 0xC0, 0xC1, 0xFF)
"""What length determinants and extension bitmaps say at their edges."""

Mutation = Callable[[random.Random, bytes, bytes], bytes]
"""Chance, a datagram and another one."""


def flip_bits(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    octets = bytearray(datagram)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if octets:
            octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
    return bytes(octets)


def set_octets(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    octets = bytearray(datagram)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        if octets:
            octets[chance.randrange(len(octets))] = chance.randrange(256)
    return bytes(octets)


def lie_about_a_length(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    at = chance.randrange(len(datagram) + 1)
    lie = bytes(chance.choice(_LENGTHS) for _ in range(chance.choice((1, 1, 2))))
    return datagram[:at] + lie + datagram[at + len(lie) :]


def cut_off(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    return datagram[: chance.randrange(len(datagram) + 1)]


def lengthen(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    return datagram + chance.randbytes(chance.choice((1, 2, 64, 1000)))


def leave_out(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    start = chance.randrange(len(datagram) + 1)
    return datagram[:start] + datagram[start + chance.randrange(1, 40) :]


def put_in(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    at = chance.randrange(len(datagram) + 1)
    return datagram[:at] + chance.randbytes(chance.randrange(1, 40)) + datagram[at:]


def repeat_a_part(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    start = chance.randrange(len(datagram) + 1)
    part = datagram[start : start + chance.randrange(1, 40)]
    return datagram[:start] + part * chance.choice((2, 3, 30)) + datagram[start + len(part) :]


def splice(chance: random.Random, datagram: bytes, other: bytes) -> bytes:
    return datagram[: chance.randrange(len(datagram) + 1)] + other[chance.randrange(len(other) + 1) :]


def spoil_the_end(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    """Where the signature is, in most messages."""
    octets = bytearray(datagram)
    for at in range(max(0, len(octets) - 64), len(octets)):
        if chance.random() < 0.1:
            octets[at] = chance.randrange(256)
    return bytes(octets)


def other_message(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    """The first octet says which message it is."""
    return bytes([chance.randrange(256)]) + datagram[1:]


def as_it_is(_chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    return datagram


def nothing(_chance: random.Random, _datagram: bytes, _other: bytes) -> bytes:
    return b""


def noise(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    return chance.randbytes(chance.randrange(len(datagram) + 200))


def huge(chance: random.Random, datagram: bytes, _other: bytes) -> bytes:
    size = chance.choice((4_000, 4_096, 4_097, 9_000, LARGEST))
    more = chance.choice((b"\0", b"\xff", datagram or b"\x55"))
    return (datagram + more * (size // len(more) + 1))[:size]


MUTATIONS: dict[str, tuple[int, Mutation]] = {
    "bits flipped": (20, flip_bits),
    "octets set": (20, set_octets),
    "a length that lies": (20, lie_about_a_length),
    "cut off": (8, cut_off),
    "lengthened": (3, lengthen),
    "a part left out": (6, leave_out),
    "a part put in": (6, put_in),
    "a part repeated": (6, repeat_a_part),
    "two spliced": (6, splice),
    "a spoilt signature": (6, spoil_the_end),
    "another message": (3, other_message),
    "as it is": (8, as_it_is),
    "empty": (1, nothing),
    "noise": (2, noise),
    "huge": (1, huge),
}
"""Each kind with its weight."""
_NAMES = list(MUTATIONS)
_WEIGHTS = [weight for weight, _ in MUTATIONS.values()]


def mutate(chance: random.Random, datagram: bytes, other: bytes) -> tuple[str, bytes]:
    """One spoilt datagram and what was done to it."""
    (kind,) = chance.choices(_NAMES, _WEIGHTS)
    return kind, MUTATIONS[kind][1](chance, datagram, other)[:LARGEST]
