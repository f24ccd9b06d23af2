"""Does anybody on the network answer for the virtual address? The kernel's neighbour table tells, without a capability.

A datagram to the address makes the kernel resolve it (ARP, neighbour discovery); rtnetlink tells what came of that.
"""

from __future__ import annotations

import contextlib
import enum
import ipaddress
import socket
import struct
from collections.abc import Iterable

from gatekeeper.failover.netlink import attributes, messages, request

_RTM_NEWNEIGH, _RTM_GETNEIGH = 28, 30
_DONE = 3
_NDMSG = struct.Struct("=BBHiHBB")
_NDA_DST = 1
_INCOMPLETE, _REACHABLE, _FAILED = 0x01, 0x02, 0x20
_RECEIVE = 65_536
_PATIENCE = 0.05
"""Seconds for the kernel, which answers at once."""
_MOST_PARTS = 64
_DISCARD = 9
"""The port of the datagram: nobody need be there, and what is there throws it away (RFC 863)."""


class Holder(enum.Enum):
    """Whether anybody has the address."""

    SOMEBODY = "somebody"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


def holder(octets: bytes, address: str) -> Holder | None:
    """What messages of the neighbour table say of an address; None where it isn't in there.

    On several interfaces it is one that answers that counts.
    """
    packed = ipaddress.ip_address(address).packed
    found: Holder | None = None
    for kind, body in messages(octets):
        if kind != _RTM_NEWNEIGH or len(body) < _NDMSG.size:
            continue
        state = _NDMSG.unpack_from(body)[4]
        if attributes(body[_NDMSG.size :]).get(_NDA_DST) == packed:
            found = _worst(found, _meaning(state))
    return found


def _meaning(state: int) -> Holder:
    if state & _REACHABLE:
        return Holder.SOMEBODY
    # It was just asked for, and in a millisecond everybody who has it would have answered.
    return Holder.NOBODY if state & (_INCOMPLETE | _FAILED) else Holder.UNKNOWN


def _worst(first: Holder | None, second: Holder) -> Holder:
    order = (Holder.SOMEBODY, Holder.UNKNOWN, Holder.NOBODY)
    return min((one for one in (first, second) if one is not None), key=order.index)


class Neighbour:
    """Looks for one address."""

    def __init__(self, address: str) -> None:
        self._address = str(ipaddress.ip_address(address))
        self._family = socket.AF_INET if ipaddress.ip_address(address).version == 4 else socket.AF_INET6

    def ask(self) -> None:
        """Have the kernel find out. The answer takes as long as the network does: look half a second later."""
        with contextlib.suppress(OSError), socket.socket(self._family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as udp:
            udp.setblocking(False)
            udp.sendto(b"", (self._address, _DISCARD))

    def look(self) -> Holder:
        """What the kernel has found out; UNKNOWN where it doesn't say."""
        try:
            parts = list(self._table())
        except OSError:
            return Holder.UNKNOWN
        found: Holder | None = None
        for part in parts:
            told = holder(part, self._address)
            found = found if told is None else _worst(found, told)
        return found or Holder.UNKNOWN

    def _table(self) -> Iterable[bytes]:
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        with socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE) as netlink:
            netlink.settimeout(_PATIENCE)
            netlink.bind((0, 0))
            netlink.send(request(_RTM_GETNEIGH, _NDMSG.pack(self._family, 0, 0, 0, 0, 0, 0)))
            for _ in range(_MOST_PARTS):
                octets, (sender, _groups) = netlink.recvfrom(_RECEIVE)
                if sender != 0:  # not the kernel
                    continue
                yield octets
                if any(one == _DONE for one, _body in messages(octets)):
                    return
