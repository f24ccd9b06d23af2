"""Is this node fit to be active? Looked at twice a second, and told to keepalived by the track file."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gatekeeper.failover.track_file import TrackFile
from gatekeeper.log_writer import LogWriter
from gatekeeper.store import Store, StoreError

LOGGER = logging.getLogger(__name__)
_LOOK = 0.5
_STORE_MISSED = 3.0
"""Seconds without an answer of the store after which the node is not fit. An election of etcd takes a second at most,
and must not make both nodes give up the virtual address."""
_QUORUM_WITHIN = 1.0
"""Seconds for which an answer of the store proves that it has its quorum."""


class Health:
    """What hinders this node, and the epoch that the store last told."""

    def __init__(
        self,
        store: Store,
        writers: Sequence[LogWriter],
        track_file: Path | None,
        before_unfit: Callable[[str], None] = lambda _why: None,
    ) -> None:
        """Begin to look; `before_unfit` is told why before the virtual address is given up."""
        self._store = store
        self._writers = writers
        self._before_unfit = before_unfit
        self._held = False
        self._was_fit = False
        self._track_file = TrackFile(track_file) if track_file is not None else None
        self._answered = float("-inf")
        self._store_trouble = "the store has not answered yet"
        self.epoch = 0

    @property
    def trouble(self) -> str | None:
        """One sentence, None while nothing is wrong."""
        if time.monotonic() - self._answered > _STORE_MISSED:
            return self._store_trouble
        return next((writer.trouble for writer in self._writers if writer.trouble), None)

    @property
    def has_quorum(self) -> bool:
        """Whether the store answered within the last second."""
        return time.monotonic() - self._answered <= _QUORUM_WITHIN

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                term = await self._store.term()
            except StoreError as error:
                self._store_trouble = str(error)
            else:
                self._answered = time.monotonic()
                self.epoch = max(self.epoch, term.epoch if term else 0)
            self._tell()
            await asyncio.sleep(_LOOK)

    def _tell(self) -> None:
        trouble = self.trouble
        if trouble is not None and self._was_fit:
            self._before_unfit(f"not fit: {trouble}")
        self._was_fit = trouble is None
        self.tell_keepalived(fit=trouble is None and not self._held)

    def hold(self) -> None:
        """Let go of the virtual address though nothing is wrong, until `release`."""
        self._held = True
        self.tell_keepalived(fit=False)

    def release(self) -> None:
        """Take the virtual address again when it comes, if nothing is wrong."""
        self._held = False
        self._tell()

    @property
    def held(self) -> bool:
        """Whether this node lets go of office though nothing is wrong."""
        return self._held

    def tell_keepalived(self, *, fit: bool) -> None:
        """Write the track file if it says something else; the virtual address leaves a node whose file says 1."""
        if self._track_file is None:
            return
        try:
            if self._track_file.tell(fit=fit):
                LOGGER.info("told keepalived that this node is %s", "fit" if fit else f"not fit: {self.trouble}")
        except OSError as error:
            LOGGER.warning("track_file: %s", error)
