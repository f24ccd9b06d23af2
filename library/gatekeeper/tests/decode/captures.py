"""Captures made by hand, octet for octet, of all the kinds that `h323-decode` reads."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

GATEKEEPER = ("192.0.2.10", 1719)
TERMINAL = ("192.0.2.101", 1719)
MICROSECOND = 1_000
START = 1_800_000_000 * 10**9
Address = tuple[str, int]


@dataclass(frozen=True)
class Sent:
    """A datagram that somebody sent."""

    octets: bytes
    source: Address = TERMINAL
    destination: Address = GATEKEEPER
    time: int = START


def udp(sent: Sent) -> bytes:
    return struct.pack(">HHHH", sent.source[1], sent.destination[1], 8 + len(sent.octets), 0) + sent.octets


def ipv4(sent: Sent, payload: bytes | None = None, flags: int = 0, protocol: int = 17) -> bytes:
    payload = udp(sent) if payload is None else payload
    hosts = [ipaddress.ip_address(host).packed for host, _ in (sent.source, sent.destination)]
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, flags, 64, protocol, 0, *hosts) + payload


def ipv6(sent: Sent, payload: bytes | None = None, protocol: int = 17) -> bytes:
    payload = udp(sent) if payload is None else payload
    hosts = [
        ipaddress.ip_address(f"2001:db8::{host.rpartition('.')[2]}").packed
        for host in (sent.source[0], sent.destination[0])
    ]
    return struct.pack(">IHBB16s16s", 0x60000000, len(payload), protocol, 64, *hosts) + payload


def ethernet(packet: bytes, kind: int = 0x0800, tags: bytes = b"") -> bytes:
    return bytes(12) + tags + struct.pack(">H", kind) + packet


VLAN = b"\x81\x00\x00\x2a"
QINQ = b"\x88\xa8\x00\x07" + VLAN

LINKS: dict[str, tuple[int, Callable[[Sent], bytes]]] = {
    "ethernet": (1, lambda sent: ethernet(ipv4(sent))),
    "ethernet, IPv6": (1, lambda sent: ethernet(ipv6(sent), 0x86DD)),
    "VLAN": (1, lambda sent: ethernet(ipv4(sent), tags=VLAN)),
    "VLAN in VLAN": (1, lambda sent: ethernet(ipv4(sent), tags=QINQ)),
    "raw IP": (101, ipv4),
    "raw IPv6": (101, ipv6),
    "Linux cooked": (113, lambda sent: bytes(14) + b"\x08\x00" + ipv4(sent)),
    "Linux cooked v2": (276, lambda sent: b"\x08\x00" + bytes(18) + ipv4(sent)),
    "BSD loopback": (0, lambda sent: b"\x02\0\0\0" + ipv4(sent)),
    "BSD loopback, IPv6": (108, lambda sent: b"\0\0\0\x1e" + ipv6(sent)),
    "IPv6 with a hop-by-hop header": (101, lambda sent: ipv6(sent, b"\x11\0" + bytes(6) + udp(sent), 0)),
}


def pcap(frames: Iterable[tuple[int, bytes]], link: int, order: str = "<", unit: int = MICROSECOND) -> bytes:
    """A pcap file of (time in nanoseconds, octets)."""
    magic = 0xA1B2C3D4 if unit == MICROSECOND else 0xA1B23C4D
    records = b"".join(
        struct.pack(f"{order}IIII", time // 10**9, time % 10**9 // unit, len(octets), len(octets)) + octets
        for time, octets in frames
    )
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262_144, link) + records


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int, order: str = "<", resolution: int = 6, snap_length: int = 0) -> bytes:
    option = struct.pack(f"{order}HHB3xI", 9, 1, resolution, 0)
    return block(1, struct.pack(f"{order}HHI", link, 0, snap_length) + option, order)


def enhanced(time: int, octets: bytes, order: str = "<", which: int = 0, ticks: int = 10**6) -> bytes:
    units = time * ticks // 10**9
    head = struct.pack(f"{order}IIIII", which, units >> 32, units & 0xFFFFFFFF, len(octets), len(octets))
    return block(6, head + octets, order)


def pcapng(frames: Iterable[tuple[int, bytes]], link: int, order: str = "<") -> bytes:
    blocks = [enhanced(time, octets, order) for time, octets in frames]
    return section(order) + interface(link, order) + b"".join(blocks)


def capture(sent: Sequence[Sent], kind: str = "ethernet") -> bytes:
    link, frame = LINKS[kind]
    return pcap([(one.time, frame(one)) for one in sent], link)
