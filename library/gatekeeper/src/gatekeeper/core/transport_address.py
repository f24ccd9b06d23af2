"""TransportAddress (H.225.0 7.6) to and from the addresses that sockets use."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from h323.ras import AlternateGK, TransportAddress, TransportAddressIp6Address, TransportAddressIpAddress

from gatekeeper.core.effects import Address


@lru_cache(maxsize=4_096)
def to_transport_address(address: Address) -> TransportAddress:
    """The TransportAddress of an IPv4 or IPv6 address and port.

    Raises:
        ValueError: the host is not an IP address.
    """
    host = ipaddress.ip_address(address[0])
    if host.version == 4:
        return ("ipAddress", TransportAddressIpAddress(ip=host.packed, port=address[1]))
    return ("ip6Address", TransportAddressIp6Address(ip=host.packed, port=address[1]))


def from_transport_address(value: TransportAddress) -> Address | None:
    """The IP address and port, or None for other networks' addresses and for those nobody can send to."""
    inner = value[1]
    if not isinstance(inner, TransportAddressIpAddress | TransportAddressIp6Address) or inner.port == 0:
        return None
    host = ipaddress.ip_address(inner.ip)
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped is not None:
        # An endpoint with one socket for both versions may write its IPv4 address so.
        host = host.ipv4_mapped
    return None if host.is_unspecified or host.is_multicast else (str(host), inner.port)


def usable_addresses(values: Iterable[TransportAddress]) -> tuple[Address, ...]:
    """Those that can be used, in their order, each once."""
    return tuple(dict.fromkeys(address for address in map(from_transport_address, values) if address is not None))


def reachable(address: Address, source: Address) -> bool:
    """Whether others can reach `address`, going by where its owner's datagrams come from.

    Loopback and link-local addresses are of use only to those who share them.
    """
    host, seen = ipaddress.ip_address(address[0]), ipaddress.ip_address(source[0])
    return (seen.is_loopback or not host.is_loopback) and (seen.is_link_local or not host.is_link_local)


def address_text(address: Address) -> str:
    """HOST:PORT, or [HOST]:PORT for IPv6 (RFC 3986)."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@lru_cache(maxsize=8)
def alternate_gatekeepers(addresses: tuple[Address, ...]) -> tuple[AlternateGK, ...] | None:
    """The alternateGatekeeper that names these RAS addresses, best first; None where there are none.

    They share registrations and calls, so that nobody needs to register again.
    """
    made = tuple(
        AlternateGK(ras_address=to_transport_address(address), need_to_register=False, priority=priority)
        for priority, address in enumerate(addresses)
    )
    return made or None
