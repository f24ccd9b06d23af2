"""The RAS sockets: UDP, drained in bursts, and TCP on the same port for the runbook's `nc -zv`."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable

from gatekeeper.core import Address

_IP_FREEBIND, _IPV6_FREEBIND = 15, 78
_BURST = 16
"""Datagrams taken at once before the event loop may do other work: at 150 us each, what is committed waits 2.4 ms."""
_BUFFER = 4 * 1024 * 1024
_LARGEST = 65_535

Receive = Callable[[bytes, Address], None]


class PortTakenError(OSError):
    """Another process has the port; its text says how to find it."""


def _bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    version = ipaddress.ip_address(address).version
    made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, kind)
    made.setblocking(False)
    # The virtual address may come later, and go; the sockets stay.
    if version == 4:
        made.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
    if kind is socket.SOCK_STREAM:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address, port))
    except OSError as error:
        made.close()
        transport = "tcp" if kind is socket.SOCK_STREAM else "udp"
        raise PortTakenError(
            f"{transport} {address} port {port}: {error.strerror}; find who has it with 'ss -lnp \"sport = :{port}\"'"
        ) from error
    return made


class RasSocket:
    """One address's RAS sockets."""

    def __init__(self, address: str, port: int, receive: Receive) -> None:
        self._receive = receive
        self._udp = _bound(socket.SOCK_DGRAM, address, port)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.address: Address = self._udp.getsockname()[:2]
        self._tcp = _bound(socket.SOCK_STREAM, address, self.address[1])
        self._server: asyncio.Server | None = None
        self._reading = False

    async def open(self) -> None:
        """Answer connections, and read datagrams until `pause`."""
        self._server = await asyncio.start_server(_hang_up, sock=self._tcp)
        self.resume()

    def resume(self) -> None:
        """Read datagrams; those that came during a pause are still there."""
        if not self._reading:
            asyncio.get_running_loop().add_reader(self._udp, self._drain)
            self._reading = True

    def pause(self) -> None:
        """Leave datagrams in the socket's buffer."""
        if self._reading:
            asyncio.get_running_loop().remove_reader(self._udp)
            self._reading = False

    def send(self, datagram: bytes, destination: Address) -> None:
        """Send; a datagram that the kernel won't take is lost like any other, and its request comes again."""
        try:
            self._udp.sendto(datagram, destination)
        except OSError:
            return

    def _drain(self) -> None:
        for _ in range(_BURST):
            if not self._reading:
                return
            try:
                datagram, source = self._udp.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error for something sent earlier; it says nothing about this socket.
                continue
            self._receive(datagram, (source[0], source[1]))

    async def close(self) -> None:
        """Close both sockets."""
        self.pause()
        self._udp.close()
        if self._server is not None:
            self._server.close()
        else:
            self._tcp.close()


async def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Nothing is spoken on TCP: that the port answers is all that the health check asks."""
    writer.close()
