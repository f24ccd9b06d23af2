"""The node's RAS sockets: its own address, the virtual ones, and by which of them an answer leaves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from gatekeeper.core import Address
from gatekeeper.failover.peer import Peer
from gatekeeper.ras_socket import RasSocket, Receive
from gatekeeper.settings import RasSettings

_MOST_ROUTES = 100_000


class RasSockets:
    """All of them. What the other gatekeepers send is for the peer, and anything else is RAS."""

    def __init__(self, settings: RasSettings, peer: Peer, receive: Receive) -> None:
        self._settings = settings
        self._peer = peer
        self._receive = receive
        self._sockets: list[RasSocket] = []
        # Answers leave from the address that was asked, also after a commit.
        self._routes: OrderedDict[Address, RasSocket] = OrderedDict()

    def bind(self) -> None:
        """Take the ports.

        Raises:
            PortTakenError: another process has one.
        """
        ras = self._settings
        for address in filter(None, (ras.address, ras.virtual_address, ras.virtual_address6)):
            self._sockets.append(RasSocket(address, ras.port, self._receiver(len(self._sockets))))

    @property
    def bound(self) -> bool:
        """Whether this node's own address can be sent from."""
        return bool(self._sockets)

    @property
    def own_address(self) -> Address:
        """Where RAS is spoken; the port is the real one also where 0 was asked for."""
        return self._sockets[0].address

    async def open(self) -> None:
        """Begin to read."""
        for socket in self._sockets:
            await socket.open()

    async def close(self) -> None:
        """Give the ports back."""
        for socket in self._sockets:
            await socket.close()

    def pause(self) -> None:
        """Leave requests in the buffers. A node's own address, where another moves, goes on hearing the other node."""
        for socket in self._sockets[1:] or self._sockets:
            socket.pause()

    def resume(self) -> None:
        """Read requests; those that came during a pause are still there."""
        for socket in self._sockets:
            socket.resume()

    def send(self, datagram: bytes, destination: Address) -> None:
        """Send from the address that the destination has asked last."""
        socket = self._routes.get(destination) or self._shared_socket(destination)
        socket.send(datagram, destination)

    def send_from_own_address(self, datagram: bytes, destination: Address) -> None:
        """Send from the address that stays with this node."""
        self._sockets[0].send(datagram, destination)

    def _receiver(self, number: int) -> Callable[[bytes, Address], None]:
        def receive(datagram: bytes, source: Address) -> None:
            if self._peer.is_from_peer(source):
                self._peer.receive(datagram, source)
                return
            self._routes[source] = self._sockets[number]
            self._routes.move_to_end(source)
            if len(self._routes) > _MOST_ROUTES:
                self._routes.popitem(last=False)
            self._receive(datagram, source)

        return receive

    def _shared_socket(self, destination: Address) -> RasSocket:
        """Where a datagram leaves that answers none: from the address that moves, in the destination's IP version."""
        alike = [socket for socket in self._sockets if (":" in socket.address[0]) == (":" in destination[0])]
        return (alike or self._sockets)[-1]
