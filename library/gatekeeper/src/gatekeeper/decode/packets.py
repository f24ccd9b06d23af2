"""UDP datagrams out of captured frames: Ethernet, VLAN, Linux cooked, raw IP, loopback; IPv4 and IPv6."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gatekeeper.decode.capture import Frame

_IPV4, _IPV6 = 0x0800, 0x86DD
_VLANS = {0x8100, 0x88A8, 0x9100}
_MOST_VLANS = 4
_TCP, _UDP = 6, 17
_FRAGMENT = 44
_IPV6_EXTENSIONS = {0, 43, 60, _FRAGMENT, 51, 135}
_MOST_EXTENSIONS = 8


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Datagram:
    """A UDP datagram, or octets that were given without one: then there are no addresses."""

    number: int
    """Of the frame, or of the line."""
    time: int | None
    """Nanoseconds since 1970 UTC."""
    source: Address | None
    destination: Address | None
    octets: bytes
    missing: int = 0
    """Octets of it that the capture left out."""
    fragment: bool = False
    """It is only the first IP fragment of a datagram."""
    seen_by: bytes = b""
    """Which interface saw it, and in which direction: not what that means, but whether it's another."""


@dataclass(frozen=True, slots=True)
class Other:
    """A frame that is no UDP datagram."""

    number: int
    what: str
    """In the plural: "TCP segments"."""
    ports: frozenset[int] = frozenset()


Packet: TypeAlias = Datagram | Other


@dataclass(frozen=True, slots=True)
class _Internet:
    """What an IP header says."""

    source: str
    destination: str
    protocol: int
    payload: bytes
    fragment: bool
    later_fragment: bool


class _Odd(Exception):
    """What the frame is instead, in the plural."""


def packet(frame: Frame) -> Packet:
    """What is in a frame. Never raises, whatever the octets are."""
    try:
        return _transport(frame, _internet(_network(frame)))
    except _Odd as odd:
        return Other(frame.number, str(odd))
    except (struct.error, IndexError):
        return Other(frame.number, "frames that end inside a header")


def _network(frame: Frame) -> bytes:
    """The IP packet in a frame."""
    read = _LINKS.get(frame.link_type)
    if read is None:
        raise _Odd(f"frames of link type {frame.link_type}, which this tool doesn't know")
    return read(frame.octets)


def _ethernet(octets: bytes) -> bytes:
    return _ethertype(octets, 12)


def _ethertype(octets: bytes, p: int) -> bytes:
    """The IP packet behind the EtherType at p, and behind VLAN tags."""
    for _ in range(_MOST_VLANS + 1):
        (kind,) = struct.unpack_from(">H", octets, p)
        p += 2
        if kind in (_IPV4, _IPV6):
            return octets[p:]
        if kind not in _VLANS:
            break
        p += 2
    raise _Odd("frames without IP")


def _cooked(octets: bytes) -> bytes:
    return _ethertype(octets, 14)


def _cooked_2(octets: bytes) -> bytes:
    """Linux cooked v2: the EtherType comes first, the payload behind 20 octets; VLAN tags are in the payload."""
    return _ethertype(octets[:2] + octets[20:], 0)


def _seen_by(frame: Frame) -> bytes:
    """`tcpdump -i any` captures all interfaces as one; Linux cooked frames say which, or at least the direction."""
    place = {113: slice(0, 2), 276: slice(4, 11)}.get(frame.link_type, slice(0, 0))
    return frame.interface.to_bytes(2, "big") + frame.octets[place]


def _family(octets: bytes) -> bytes:
    """BSD loopback: four octets of address family, in whatever byte order; IP says its version itself."""
    return octets[4:]


def _raw(octets: bytes) -> bytes:
    return octets


_LINKS: Mapping[int, Callable[[bytes], bytes]] = {
    0: _family,
    1: _ethernet,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _family,
    113: _cooked,
    228: _raw,
    229: _raw,
    276: _cooked_2,
}


def _internet(octets: bytes) -> _Internet:
    version = octets[0] >> 4
    if version == 4:
        return _ipv4(octets)
    if version == 6:
        return _ipv6(octets)
    raise _Odd("frames without IP")


def _ipv4(octets: bytes) -> _Internet:
    first, total, flags, protocol, source, destination = struct.unpack_from(">BxHxxHxBxx4s4s", octets)
    header = 4 * (first & 15)
    if header < 20:
        raise _Odd("IPv4 packets with a header of less than 20 octets")
    end = total if total >= header else len(octets)
    offset = flags & 0x1FFF
    return _Internet(
        str(ipaddress.IPv4Address(source)),
        str(ipaddress.IPv4Address(destination)),
        protocol,
        octets[header:end],
        fragment=bool(flags & 0x2000 or offset),
        later_fragment=bool(offset),
    )


def _ipv6(octets: bytes) -> _Internet:
    size, protocol, source, destination = struct.unpack_from(">4xHBx16s16s", octets)
    end = 40 + size if size else len(octets)
    p, fragment, later = 40, False, False
    for _ in range(_MOST_EXTENSIONS):
        if protocol not in _IPV6_EXTENSIONS or later:
            break
        following, units = octets[p], octets[p + 1]
        if protocol == _FRAGMENT:
            (position,) = struct.unpack_from(">H", octets, p + 2)
            fragment, later = position & ~6 != 0, position & ~7 != 0
            p += 8
        else:
            # The authentication header alone counts in units of 4, less 2 (RFC 4302).
            p += 4 * (units + 2) if protocol == 51 else 8 * (units + 1)
        protocol = following
    return _Internet(
        str(ipaddress.IPv6Address(source)),
        str(ipaddress.IPv6Address(destination)),
        protocol,
        octets[p:end],
        fragment,
        later,
    )


def _transport(frame: Frame, internet: _Internet) -> Packet:
    if internet.later_fragment:
        return Other(frame.number, "later IP fragments")
    if internet.protocol not in (_UDP, _TCP):
        return Other(frame.number, "IP packets other than UDP")
    source, destination = struct.unpack_from(">HH", internet.payload)
    if internet.protocol == _TCP:
        return Other(frame.number, "TCP segments", frozenset((source, destination)))
    (size,) = struct.unpack_from(">H", internet.payload, 4)
    octets = internet.payload[8 : size if size >= 8 else None]
    return Datagram(
        number=frame.number,
        time=frame.time,
        source=Address(internet.source, source),
        destination=Address(internet.destination, destination),
        octets=octets,
        missing=max(0, size - 8 - len(octets)),
        fragment=internet.fragment,
        seen_by=_seen_by(frame),
    )
