"""Does this host have the virtual address? Asked of the kernel by rtnetlink, which tells of a change at once."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator

_RTM_NEWADDR, _RTM_DELADDR, _RTM_GETADDR = 20, 21, 22
_REQUEST_DUMP = 0x1 | 0x300
_GROUPS = 0x10 | 0x100  # RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_HEADER = struct.Struct("=IHHII")
_IFADDRMSG = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_RECEIVE = 65_536


def address_changes(octets: bytes) -> Iterator[tuple[str, bool]]:
    """The addresses in netlink messages, each with whether it is there now; anything else is passed over."""
    while len(octets) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(octets)
        if not _HEADER.size <= length <= len(octets):
            return
        if kind in (_RTM_NEWADDR, _RTM_DELADDR):
            for address in _addresses(octets[_HEADER.size + _IFADDRMSG.size : length]):
                yield address, kind == _RTM_NEWADDR
        octets = octets[(length + 3) & ~3 :]


def _addresses(attributes: bytes) -> Iterator[str]:
    while len(attributes) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(attributes)
        if not _ATTRIBUTE.size <= length <= len(attributes):
            return
        value = attributes[_ATTRIBUTE.size : length]
        if kind in (_IFA_ADDRESS, _IFA_LOCAL) and len(value) in (4, 16):
            yield str(ipaddress.ip_address(value))
        attributes = attributes[(length + 3) & ~3 :]


class VirtualAddress:
    """Watches one address. `fileno` becomes readable at each change of any address of the host; then call `read`."""

    def __init__(self, address: str) -> None:
        self._address = str(ipaddress.ip_address(address))
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, _GROUPS))
        self._socket.setblocking(False)
        self.present = False
        self._ask()

    def fileno(self) -> int:
        """The netlink socket's file descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop watching."""
        self._socket.close()

    def _ask(self) -> None:
        """Have the kernel tell all addresses; they arrive like changes."""
        body = _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), _RTM_GETADDR, _REQUEST_DUMP, 1, 0) + body)

    def read(self) -> bool:
        """Take in what the kernel has told; whether the address is here now."""
        while True:
            try:
                octets = self._socket.recv(_RECEIVE)
            except BlockingIOError:
                return self.present
            except OSError:
                # The kernel dropped messages (ENOBUFS): what we believe may be wrong, so ask for all of it again.
                self.present = False
                self._ask()
                continue
            for address, there in address_changes(octets):
                if address == self._address:
                    self.present = there
