"""The frame of netlink messages (netlink(7), rtnetlink(7)): lengths are checked, what is cut short is passed over."""

from __future__ import annotations

import struct
from collections.abc import Iterator

REQUEST_DUMP = 0x1 | 0x300  # NLM_F_REQUEST | NLM_F_DUMP
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")


def request(kind: int, body: bytes) -> bytes:
    """A request for all that there is of a kind."""
    return _HEADER.pack(_HEADER.size + len(body), kind, REQUEST_DUMP, 1, 0) + body


def messages(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each message."""
    while len(octets) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(octets)
        if not _HEADER.size <= length <= len(octets):
            return
        yield kind, octets[_HEADER.size : length]
        octets = octets[_aligned(length) :]


def attributes(octets: bytes) -> dict[int, bytes]:
    """The attributes of a message by their kind; of two of one kind the later."""
    found: dict[int, bytes] = {}
    while len(octets) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(octets)
        if not _ATTRIBUTE.size <= length <= len(octets):
            break
        found[kind] = octets[_ATTRIBUTE.size : length]
        octets = octets[_aligned(length) :]
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3
