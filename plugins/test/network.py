"""Jinja tests on IP addresses and networks, so that the preflight needs no further library on the controller."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, NetmaskValueError


def _network(text: object) -> IPv4Network | None:
    try:
        return IPv4Network(str(text), strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return None


def is_ipv4_address(text: object) -> bool:
    """Tell whether ``text`` is an IPv4 address in dotted notation."""
    try:
        IPv4Address(str(text))
    except AddressValueError:
        return False
    return True


def is_ipv6_address(text: object) -> bool:
    """Tell whether ``text`` is an IPv6 address of one network, without a zone, that a host can have."""
    try:
        address = IPv6Address(str(text))
    except AddressValueError:
        return False
    return not (address.scope_id or address.is_link_local or address.is_multicast or address.is_unspecified)


def is_inside_network(address: object, network: object) -> bool:
    """Tell whether ``address`` lies in ``network`` (``a.b.c.d/prefix``, host bits allowed) as a host's."""
    block = _network(network)
    if block is None or not is_ipv4_address(address):
        return False
    candidate = IPv4Address(str(address))
    return candidate in block and candidate not in (block.network_address, block.broadcast_address)


def is_overlapping_network(network: object, other: object) -> bool:
    """Tell whether two networks (``a.b.c.d/prefix``, host bits allowed) share an address."""
    first, second = _network(network), _network(other)
    return first is not None and second is not None and first.overlaps(second)


class TestModule:
    """What Ansible looks for in a file of tests."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return the tests by the names that playbooks use."""
        return {
            "ipv4_address": is_ipv4_address,
            "ipv6_address": is_ipv6_address,
            "inside_network": is_inside_network,
            "overlapping_network": is_overlapping_network,
        }
