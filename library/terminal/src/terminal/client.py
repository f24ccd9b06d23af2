"""The endpoint on a UDP socket of its own."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import time
from dataclasses import dataclass

from h323.ras import RasMessage

from terminal.core.endpoint import GIVE_UP, Confirmed, Endpoint, Identity, NoAnswer, Outcome, Refused, retry_times

Address = tuple[str, int]


@dataclass
class Count:
    """What a client has seen so far."""

    requests: int = 0
    retries: int = 0
    ignored: int = 0


class Client:
    """Sends one request at a time and waits for its answer."""

    def __init__(self, identity: Identity, gatekeeper: Address) -> None:
        self._gatekeeper = gatekeeper
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((_local_address(gatekeeper), 0))
        host, port = self._socket.getsockname()
        self.endpoint = Endpoint(identity, ipaddress.ip_address(host).packed, port, os.urandom)
        self.count = Count()
        self.latencies: list[float] = []
        """Seconds from the first datagram to the answer, of each request that was answered."""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    async def ask(self, request: RasMessage) -> Outcome:
        """Sign, send, and send the identical datagram again until the answer comes."""
        return await self.ask_octets(request, self.endpoint.signed(request, time.time()))

    async def ask_octets(self, request: RasMessage, datagram: bytes) -> Outcome:
        """As `ask`, with the datagram as it is to be sent."""
        self.count.requests += 1
        ignored = self.count.ignored
        started = time.monotonic()
        self._send(datagram)
        for at in (*retry_times(), GIVE_UP):
            answer = await self._answer(request, started + at)
            if answer is not None:
                self.latencies.append(time.monotonic() - started)
                return answer
            if at < GIVE_UP:
                self.count.retries += 1
                self._send(datagram)
        return NoAnswer(self.count.ignored - ignored)

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.sendto(datagram, self._gatekeeper)
        except OSError:
            # An ICMP error for the datagram before, or no route for a moment: the retry will tell.
            return

    async def _answer(self, request: RasMessage, until: float) -> Confirmed | Refused | None:
        loop = asyncio.get_running_loop()
        while (remaining := until - time.monotonic()) > 0:
            try:
                datagram = await asyncio.wait_for(loop.sock_recv(self._socket, 65_535), remaining)
            except asyncio.TimeoutError:
                return None
            except OSError:
                # Connection refused: nobody there at the moment. Wait for the next retry, not for nothing.
                await asyncio.sleep(min(remaining, 0.02))
                continue
            answer = self.endpoint.judge(request, datagram, time.time())
            if answer is not None:
                return answer
            self.count.ignored += 1
        return None


def _local_address(gatekeeper: Address) -> str:
    """The address of this host that the gatekeeper sees: a RAS address must not be a wildcard."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(gatekeeper)
        host: str = probe.getsockname()[0]
        return host
