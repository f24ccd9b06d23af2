"""TransportAddress (H.225.0 7.6) to and from the addresses that sockets use."""

from __future__ import annotations

import ipaddress

from h323.ras import TransportAddress, TransportAddressIp6Address, TransportAddressIpAddress

from gatekeeper.core.effects import Address


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
    if not isinstance(inner, TransportAddressIpAddress | TransportAddressIp6Address):
        return None
    host = ipaddress.ip_address(inner.ip)
    if host.is_unspecified or host.is_multicast or inner.port == 0:
        return None
    return str(host), inner.port


def first_address(values: tuple[TransportAddress, ...]) -> Address | None:
    """The first that can be used, or None."""
    return next((address for address in map(from_transport_address, values) if address is not None), None)
