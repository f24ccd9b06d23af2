"""Does this host have the virtual address? Asked of the kernel by rtnetlink, which tells of a change at once.

docs/decisions/0004-virtual-address-by-netlink.md; formats: rtnetlink(7), netlink(7).
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.failover.netlink import attributes, messages, request

_RTM_NEWADDR, _RTM_DELADDR, _RTM_GETADDR = 20, 21, 22
_GROUPS = 0x10 | 0x100  # RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFADDRMSG = struct.Struct("=BBBBI")
_RECEIVE = 65_536


@dataclass(frozen=True, slots=True)
class AddressChange:
    """An interface has an address, or no longer."""

    interface: int
    address: str
    there: bool


def address_changes(octets: bytes) -> Iterator[AddressChange]:
    """The address changes in netlink messages; anything else, and what is cut short, is passed over."""
    for kind, body in messages(octets):
        if kind in (_RTM_NEWADDR, _RTM_DELADDR) and len(body) >= _IFADDRMSG.size:
            *_, interface = _IFADDRMSG.unpack_from(body)
            address = _own_address(attributes(body[_IFADDRMSG.size :]))
            if address is not None:
                yield AddressChange(interface, address, kind == _RTM_NEWADDR)


def _own_address(found: dict[int, bytes]) -> str | None:
    """IFA_LOCAL; without it (IPv6) IFA_ADDRESS, which on a point-to-point interface would be the other side's."""
    value = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS) or b""
    return str(ipaddress.ip_address(value)) if len(value) in (4, 16) else None


class VirtualAddress:
    """Watches one address. `fileno` becomes readable at each change of any address of the host; then call `read`."""

    def __init__(self, address: str) -> None:
        self._address = str(ipaddress.ip_address(address))
        self._interfaces: set[int] = set()
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, _GROUPS))
        self._socket.setblocking(False)
        self._ask()

    @property
    def present(self) -> bool:
        """Whether the address was on this host when `read` was last called."""
        return bool(self._interfaces)

    def fileno(self) -> int:
        """The netlink socket's file descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop watching."""
        self._socket.close()

    def _ask(self) -> None:
        """Have the kernel tell all addresses; they arrive like changes."""
        body = _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        self._socket.send(request(_RTM_GETADDR, body))

    def read(self) -> bool:
        """Take in what the kernel has told; whether the address is here now."""
        while True:
            try:
                octets, (sender, _) = self._socket.recvfrom(_RECEIVE)
            except BlockingIOError:
                return self.present
            except OSError:
                # The kernel dropped messages (ENOBUFS): what we believe may be wrong, so ask for all of it again.
                self._interfaces.clear()
                self._ask()
                continue
            if sender == 0:  # the kernel
                self._take_in(octets)

    def _take_in(self, octets: bytes) -> None:
        for change in address_changes(octets):
            if change.address != self._address:
                continue
            if change.there:
                self._interfaces.add(change.interface)
            else:
                self._interfaces.discard(change.interface)
