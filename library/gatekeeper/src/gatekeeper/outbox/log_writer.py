"""Copies the outbox of the witness log to this node's day files, whether the node is active or not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence

from witness.day_files.writer import DayFileWriter, GapError, Line, WitnessLogError

from gatekeeper.outbox.refetch import Refetch
from gatekeeper.patience import within
from gatekeeper.store import Store, StoreError

LOGGER = logging.getLogger(__name__)
_MOST_AT_ONCE = 5_000
_GATHER = 0.05
"""Seconds between two writes: under load a sync covers many records, and whoever commits has the disk meanwhile."""
_ACKNOWLEDGE = 1.0
"""Seconds between two acknowledgements, each a commit of its own; records leave the outbox so much later."""
_ASK_AGAIN = 15.0
"""The same while this node has all and another one lacks some: when that one has caught up, we are to know."""
_RETRY = 0.5


class LogWriter:
    """One stream's writer. `trouble` is what is wrong with the log on disk, None while nothing is."""

    def __init__(
        self,
        store: Store,
        log: DayFileWriter,
        node: str,
        stream: str,
        troubled: Callable[[], None] = lambda: None,
        refetch: Refetch | None = None,
    ) -> None:
        """Write to a log; `troubled` is called as soon as it can't be written.

        `refetch` has what is in the outbox no more; without it, such a gap is trouble.
        """
        self._store = store
        self._log = log
        self._node = node
        self.stream = stream
        self.trouble: WitnessLogError | None = None
        self._troubled = troubled
        self._refetch = refetch
        self._woken = False
        """Whether the store has said that there are more records than were read."""
        self.outbox = 0
        """How many records were in the outbox when the store was last told what is here."""
        self._acknowledged = 0
        self._acknowledged_at = 0.0

    @property
    def size(self) -> int:
        """How many records are on disk."""
        return self._log.size

    def check(self, size: int) -> None:
        """Compare with the size that the store has for the stream.

        Raises:
            WitnessLogError: the store has forgotten records: new ones would get the old ones' places.
        """
        if self._log.size > size:
            raise WitnessLogError(
                f"the log of {self.stream} has {self._log.size} records and the store knows of {size}: it was replaced;"
                " restore it, or move the log's folder away to begin a new log"
            )

    async def run(self) -> None:
        """Write until cancelled. Trouble is tried again: nothing leaves the outbox meanwhile."""
        while True:
            try:
                await self._acknowledge()
                while True:
                    await self._write_next()
                    self.trouble = None
            except StoreError as error:
                # The store's trouble is not the log's: whoever watches the store reports it.
                LOGGER.info("witness log %s waits: %s", self.stream, error)
            except WitnessLogError as error:
                if self.trouble is None:
                    LOGGER.warning("witness log %s: %s", self.stream, error)
                self.trouble = error
                self._troubled()
            await asyncio.sleep(_RETRY)

    async def _write_next(self) -> None:
        records = await self._store.records(self.stream, self._log.size, _MOST_AT_ONCE)
        if not records and self._woken:
            # They are, and the outbox is empty: all of them have left it.
            await self._close_gap(await self._store.size(self.stream))
        elif records and records[0].index > self._log.size:
            await self._close_gap(records[0].index)
        elif records:
            await self._append(records)
            await asyncio.sleep(_GATHER)
        self._woken = False
        pause = _ACKNOWLEDGE
        if self._acknowledged == self._log.size:
            pause = _ASK_AGAIN if self.outbox else math.inf
        due = self._acknowledged_at + pause - time.monotonic()
        if due <= 0:
            await self._acknowledge()
        elif not records:
            await self._wait(None if due == math.inf else due)

    async def _append(self, records: Sequence[Line]) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._log.append, records)

    async def _close_gap(self, end: int) -> None:
        """Get the records before this index from another replica. Those that come later may be in the outbox."""
        start = self._log.size
        if self._refetch is None:
            raise GapError(start, end)
        while self._log.size < end:
            await self._append(await self._refetch.fetch(self.stream, self._log.size, end))
        LOGGER.warning("witness log %s: got records %d to %d from another replica", self.stream, start, end - 1)

    async def _wait(self, seconds: float | None) -> None:
        """Until there is a record to write, or so long."""
        with contextlib.suppress(asyncio.TimeoutError):
            await within(seconds, self._store.wait_for_records(self.stream, self._log.size))
            self._woken = True

    async def _acknowledge(self) -> None:
        size = self._log.size
        self.outbox = await self._store.acknowledge(self._node, self.stream, size)
        self._acknowledged, self._acknowledged_at = size, time.monotonic()
