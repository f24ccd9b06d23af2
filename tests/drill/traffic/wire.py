"""One UDP socket to one address, with the times at which datagrams arrived rather than at which they were read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable

from terminal.core import Instant
from terminal.core.endpoint import Address
from terminal.errors import TerminalError

_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)
"""socket(7); Python names it from 3.14 on. The control message that brings a time stamp has the same number."""
_TIMESPEC = struct.Struct("@ll")
_LARGEST = 65_535
_BUFFER = 4 * 1024 * 1024
_MOST_AT_ONCE = 64
"""Datagrams read before others get their turn."""

Receiver = Callable[[bytes, Instant], None]


class Wire:
    """Connected, so that the kernel drops what others than the gatekeeper send, and says what our own address is."""

    def __init__(self, peer: Address) -> None:
        """Open it.

        Raises:
            TerminalError: there's no way there.
        """
        self.peer = peer
        self.receiver: Receiver = lambda _datagram, _arrived: None
        self._socket = socket.socket(socket.AF_INET6 if ":" in peer[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        try:
            self._socket.connect(peer)
        except OSError as error:
            self._socket.close()
            where = f"{peer[0]} port {peer[1]}"
            raise TerminalError(f"{where} cannot be reached ({error.strerror}); is the lab up?") from error
        host, port = self._socket.getsockname()[:2]
        self.address: Address = (host, port)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def send(self, datagram: bytes) -> None:
        """Send, or lose it as a network does."""
        # Nobody may be there at the moment (ECONNREFUSED of an earlier datagram), or there's no route.
        with contextlib.suppress(OSError):
            self._socket.send(datagram)

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram, control, _, _ = self._socket.recvmsg(_LARGEST, 128)
            except BlockingIOError:
                return
            except OSError:
                continue  # as in `send`
            self.receiver(datagram, _arrived(control, Instant(self._loop.time(), time.time())))


def _arrived(control: list[tuple[int, int, bytes]], now: Instant) -> Instant:
    """When the kernel took the datagram in: what this process slept afterwards is nobody else's delay."""
    for level, kind, octets in control:
        if level == socket.SOL_SOCKET and kind == _TIMESTAMPNS and len(octets) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(octets)
            ago = max(0.0, now.unix - (seconds + nanoseconds / 1e9))
            return Instant(now.monotonic - ago, now.unix - ago)
    return now
