"""Should this node be in office? It should while it has the virtual address or there is none, and nothing is held."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from gatekeeper.failover.virtual_address import VirtualAddress

LOGGER = logging.getLogger(__name__)


class Mandate:
    """Follows the virtual address; `changed` is set whenever it is worth asking again whether this node is called upon.

    docs/decisions/0004-virtual-address-by-netlink.md.
    """

    def __init__(self, virtual_address: str | None, held: Callable[[], bool], moved: Callable[[bool], None]) -> None:
        """`held` says whether this node lets go of office by itself; `moved` is told whether the address came."""
        self._address = virtual_address
        self._held = held
        self._moved = moved
        self._watched: VirtualAddress | None = None
        self.changed = asyncio.Event()

    def open(self) -> None:
        """Begin to follow."""
        if self._address is not None:
            self._watched = VirtualAddress(self._address)
            asyncio.get_running_loop().add_reader(self._watched, self._address_changed)
        self.changed.set()

    def close(self) -> None:
        """Follow no longer."""
        if self._watched is not None:
            asyncio.get_running_loop().remove_reader(self._watched)
            self._watched.close()

    @property
    def is_by_address(self) -> bool:
        """Whether an address moves; where none does, nobody but the store says whose turn it is."""
        return self._watched is not None

    @property
    def has_virtual_address(self) -> bool:
        """Whether the address that moves is on this node."""
        return self._watched is not None and self._watched.present

    @property
    def called_upon(self) -> bool:
        """Whether this node should be in office."""
        return not self._held() and (self._watched is None or self._watched.present)

    def _address_changed(self) -> None:
        if self._watched is None:
            return
        before = self._watched.present
        if self._watched.read() == before:
            return
        LOGGER.info("the virtual address %s", "came to this node" if not before else "left this node")
        self._moved(not before)
        self.changed.set()
