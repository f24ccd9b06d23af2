"""Frames out of a capture file, pcap or pcapng, one after the other and never the whole file.

The formats are those of draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. A capture is as untrusted as what was
captured: every length is checked before anything of that length is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

NANOSECONDS = 1_000_000_000
_LAST_TIME = 253_402_300_800 * NANOSECONDS
"""The year 10000, which nobody's calendar writes."""
_LARGEST_FRAME = 262_144
"""Octets: the limit of tcpdump and Wireshark."""
_LARGEST_BLOCK = 1_048_576
"""Octets of a pcapng block that is looked into; others are passed over, whatever their length."""
_MOST_INTERFACES = 4_096
_CHUNK = 65_536

_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""The byte order, and the nanoseconds in a unit of time, by a pcap file's first octets."""
_PCAPNG = b"\x0a\x0d\x0d\x0a"
MAGIC_SIZE = 4


class CaptureError(ValueError):
    """The file is not a capture, or is damaged from here on; its text says where and how."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One captured frame."""

    number: int
    """From 1, as Wireshark numbers them."""
    time: int | None
    """Nanoseconds since 1970 UTC."""
    link_type: int
    """LINKTYPE_ value of tcpdump.org."""
    octets: bytes
    missing: int
    """Octets that the frame had on the wire and the capture left out."""
    interface: int = 0
    """Which of the capture's interfaces saw it."""


def is_capture(magic: bytes) -> bool:
    """Whether a file that begins like this is a capture."""
    return magic in _PCAP or magic == _PCAPNG


def frames(magic: bytes, stream: BinaryIO) -> Iterator[Frame]:
    """The frames of a capture of which the first four octets have been read.

    Raises:
        CaptureError: it is damaged; what came before has been given.
    """
    source = _Source(stream)
    if magic == _PCAPNG:
        return _pcapng_frames(source)
    return _pcap_frames(source, *_PCAP[magic])


def _time(nanoseconds: int) -> int | None:
    return nanoseconds if 0 <= nanoseconds < _LAST_TIME else None


class _Source:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int, what: str) -> bytes:
        octets = self._read(size)
        if len(octets) < size:
            raise CaptureError(f"ends inside {what}; was it copied while it was being written?")
        return octets

    def read_or_end(self, size: int, what: str) -> bytes | None:
        """The octets, or None where the file ends just here."""
        octets = self._read(size)
        if octets and len(octets) < size:
            raise CaptureError(f"ends inside {what}; was it copied while it was being written?")
        return octets or None

    def skip(self, size: int, what: str) -> None:
        while size:
            size -= len(self.read(min(size, _CHUNK), what))

    def _read(self, size: int) -> bytes:
        """All of them unless the file ends: a pipe gives them in pieces."""
        pieces: list[bytes] = []
        while size:
            piece = self._stream.read(size)
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


def _pcap_frames(source: _Source, order: str, unit: int) -> Iterator[Frame]:
    header = source.read(20, "the file's header")
    link_type = struct.unpack(f"{order}16xI", header)[0] & 0x0FFF_FFFF
    record = struct.Struct(f"{order}IIII")
    number = 0
    while True:
        number += 1
        head = source.read_or_end(record.size, f"frame {number}")
        if head is None:
            return
        seconds, fraction, size, original = record.unpack(head)
        octets = source.read(_frame_size(size, number), f"frame {number}")
        time = _time(seconds * NANOSECONDS + fraction * unit)
        yield Frame(number, time, link_type, octets, max(0, original - size))


def _frame_size(size: int, number: int) -> int:
    if size > _LARGEST_FRAME:
        raise CaptureError(f"frame {number} says that it has {size} octets; none has more than {_LARGEST_FRAME}")
    return size


@dataclass(frozen=True, slots=True)
class _Interface:
    link_type: int
    snap_length: int
    ticks: int
    """Units of time in a second."""
    offset: int
    """Nanoseconds to add."""


_SECTION, _INTERFACE, _OBSOLETE_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_BLOCKS = {_INTERFACE, _OBSOLETE_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET}
_TIME_RESOLUTION, _TIME_OFFSET = 9, 14
_MICROSECONDS = 1_000_000


def _pcapng_frames(source: _Source) -> Iterator[Frame]:
    section = _Section(_section_order(source))
    number = 0
    while True:
        head = source.read_or_end(8, f"the block behind frame {number}")
        if head is None:
            return
        kind, size = struct.unpack(f"{section.order}II", head)
        if kind == _SECTION:
            section = _Section(_section_order(source, head[4:]))
            continue
        body = _block(source, kind, size, number)
        if kind == _INTERFACE:
            section.add(body)
        elif kind in _BLOCKS:
            number += 1
            yield section.frame(kind, body, number)


def _section_order(source: _Source, size_octets: bytes | None = None) -> str:
    """Read a section's header, of which the type (and, unless it's the file's first, the size) has been read."""
    size_octets = size_octets or source.read(4, "the section's header")
    magic = source.read(4, "the section's header")
    order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(magic)
    if order is None:
        raise CaptureError("a section that doesn't say its byte order")
    size = struct.unpack(f"{order}I", size_octets)[0]
    if size < 28 or size % 4:
        raise CaptureError(f"a section header of {size} octets")
    source.skip(size - 12, "the section's header")
    return order


def _block(source: _Source, kind: int, size: int, number: int) -> bytes:
    """The body of a block that we look into; another's is passed over."""
    where = f"the block behind frame {number}"
    if size < 12 or size % 4:
        raise CaptureError(f"{where} says that it has {size} octets")
    if kind not in _BLOCKS:
        source.skip(size - 8, where)
        return b""
    if size > _LARGEST_BLOCK:
        raise CaptureError(f"{where} says that it has {size} octets; none has more than {_LARGEST_BLOCK}")
    return source.read(size - 8, where)[:-4]


class _Section:
    def __init__(self, order: str) -> None:
        self.order = order
        self._interfaces: list[_Interface] = []

    def add(self, body: bytes) -> None:
        if len(body) < 8 or len(self._interfaces) >= _MOST_INTERFACES:
            raise CaptureError("an interface that is not described, or too many of them")
        link_type, snap_length = struct.unpack_from(f"{self.order}HxxI", body)
        ticks, offset = _MICROSECONDS, 0
        for code, value in self._options(body[8:]):
            if code == _TIME_RESOLUTION and len(value) == 1:
                ticks = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
            elif code == _TIME_OFFSET and len(value) == 8:
                offset = struct.unpack(f"{self.order}q", value)[0] * NANOSECONDS
        self._interfaces.append(_Interface(link_type, snap_length, ticks, offset))

    def _options(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        p = 0
        while p + 4 <= len(octets):
            code, size = struct.unpack_from(f"{self.order}HH", octets, p)
            if code == 0:
                return
            yield code, octets[p + 4 : p + 4 + size]
            p += 4 + (size + 3 & ~3)

    def frame(self, kind: int, body: bytes, number: int) -> Frame:
        if kind == _SIMPLE_PACKET:
            return self._simple(body, number)
        layout = f"{self.order}IIIII" if kind == _ENHANCED_PACKET else f"{self.order}HxxIIII"
        if len(body) < 20:
            raise CaptureError(f"frame {number} has no header")
        which, high, low, size, original = struct.unpack_from(layout, body)
        interface = self._interface(which, number)
        octets = self._octets(body[20:], _frame_size(size, number), number)
        time = _time((high << 32 | low) * NANOSECONDS // interface.ticks + interface.offset)
        return self._made(number, time, which, octets, original)

    def _simple(self, body: bytes, number: int) -> Frame:
        """A packet of the first interface, without a time."""
        if len(body) < 4:
            raise CaptureError(f"frame {number} has no header")
        interface = self._interface(0, number)
        original = struct.unpack_from(f"{self.order}I", body)[0]
        size = min(original, interface.snap_length or original)
        octets = self._octets(body[4:], _frame_size(size, number), number)
        return self._made(number, None, 0, octets, original)

    def _made(self, number: int, time: int | None, which: int, octets: bytes, original: int) -> Frame:
        link_type = self._interfaces[which].link_type
        return Frame(number, time, link_type, octets, max(0, original - len(octets)), which)

    def _interface(self, which: int, number: int) -> _Interface:
        if which >= len(self._interfaces):
            raise CaptureError(f"frame {number} is of interface {which}, which the file doesn't describe")
        return self._interfaces[which]

    @staticmethod
    def _octets(octets: bytes, size: int, number: int) -> bytes:
        if len(octets) < size:
            raise CaptureError(f"frame {number} says that it has {size} octets; there are {len(octets)}")
        return octets[:size]
