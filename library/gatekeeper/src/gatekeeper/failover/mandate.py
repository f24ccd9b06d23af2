"""Should this node be in office? It should while it has the virtual address or there is none, and nothing is held.

For a moment it should before it has the address: if whoever is in office asks for it, and is about to let go of it
(docs/decisions/0019-planned-switch.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from gatekeeper.failover.virtual_address import VirtualAddress

LOGGER = logging.getLogger(__name__)
INVITED = 1.0
"""Seconds in which the address must come to a node that was asked to take office before it has it, or be let go of."""


class Mandate:
    """Follows the virtual address; `changed` is set whenever it is worth asking again whether this node is called upon.

    docs/decisions/0004-virtual-address-by-netlink.md.
    """

    def __init__(
        self,
        virtual_address: str | None,
        held: Callable[[], bool],
        moved: Callable[[bool], None],
        stayed_away: Callable[[], None],
        let_go: Callable[[], bool],
    ) -> None:
        """Follow nothing yet.

        `held` says whether this node lets go of office by itself; `moved` is told whether the address came, and
        `stayed_away` is called when it didn't come to a node that was invited; `let_go` says whether whoever had it
        has left office to this one, so that it is on its way.
        """
        self._address = virtual_address
        self._held = held
        self._moved = moved
        self._stayed_away = stayed_away
        self._let_go = let_go
        self._invitation: asyncio.TimerHandle | None = None
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
        self._end_invitation()
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
        return not self._held() and (self._watched is None or self._watched.present or self._invitation is not None)

    def invite(self) -> None:
        """Be called upon at once: the address is to follow within a second."""
        if self._watched is None or self._watched.present or self._invitation is not None:
            return
        self._invitation = asyncio.get_running_loop().call_later(INVITED, self._expire)
        self.changed.set()

    def _expire(self) -> None:
        if self._let_go():
            # Nobody else can be asked: whoever leaves office now would only have to take it again when it comes.
            self._invitation = asyncio.get_running_loop().call_later(INVITED, self._expire)
            return
        self._invitation = None
        LOGGER.warning("the virtual address did not come to this node, which was asked to take office")
        self._stayed_away()
        self.changed.set()

    def _end_invitation(self) -> None:
        invitation, self._invitation = self._invitation, None
        if invitation is not None:
            invitation.cancel()

    def _address_changed(self) -> None:
        if self._watched is None:
            return
        before = self._watched.present
        if self._watched.read() == before:
            return
        LOGGER.info("the virtual address %s", "came to this node" if not before else "left this node")
        self._end_invitation()
        self._moved(not before)
        self.changed.set()
