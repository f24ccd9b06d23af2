"""A store without a disk: it shows what the gatekeeper itself costs. Nothing outlives the process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Set as AbstractSet

from gatekeeper.store import Batch, Fenced, Follower, KeptAnswer, Record, Snapshot, Term


class MemoryStore:
    """A Store in dictionaries."""

    def __init__(self) -> None:
        self._items: dict[str, bytes] = {}
        self._lines: dict[str, list[Record]] = {}
        self._answers: deque[tuple[KeptAnswer, ...]] = deque()
        self._trimmed: dict[str, int] = {}
        self._term: Term | None = None
        self._grown = asyncio.Event()

    async def open(self) -> None:
        """See Store."""

    async def close(self) -> None:
        """See Store."""

    async def take_over(self, holder: str, unix: float) -> Snapshot:
        """See Store."""
        previous, self._term = self._term, Term((self._term.epoch if self._term else 0) + 1, holder, unix, unix)
        sizes = {stream: self._trimmed.get(stream, 0) + len(lines) for stream, lines in self._lines.items()}
        answers = tuple(answer.octets for chunk in self._answers for answer in chunk)
        return Snapshot(self._term, previous, dict(self._items), sizes, answers)

    async def follow(self, follower: Follower | None = None) -> None:
        """See Store."""

    @property
    def last_commit_seen(self) -> float:
        """See Store."""
        return float("-inf")

    async def commit(self, epoch: int, batch: Batch) -> None:
        """See Store. It takes a turn of the event loop, so that commits are merged as they are by a real one."""
        await asyncio.sleep(0)
        if self._term is None or epoch != self._term.epoch:
            raise Fenced(f"epoch {epoch} is over")
        for change in batch.changes:
            if change.value is None:
                self._items.pop(change.key, None)
            else:
                self._items[change.key] = change.value
        while batch.forget is not None and self._answers and self._answers[0][-1].forget_at <= batch.forget:
            self._answers.popleft()
        if batch.answers:
            self._answers.append(batch.answers)
        for record in batch.records:
            self._lines.setdefault(record.stream, []).append(record)
        self._grown.set()
        self._grown = asyncio.Event()

    async def confirm(self, epoch: int, unix: float) -> None:
        """See Store."""

    async def term(self) -> Term | None:
        """See Store."""
        return self._term

    async def time_elsewhere(self, hosts: AbstractSet[str]) -> tuple[str, float] | None:
        """See Store."""
        del hosts
        return None

    async def records(self, stream: str, start: int, limit: int) -> list[Record]:
        """See Store."""
        first = start - self._trimmed.get(stream, 0)
        return self._lines.get(stream, [])[first : first + limit]

    async def size(self, stream: str) -> int:
        """See Store."""
        return self._trimmed.get(stream, 0) + len(self._lines.get(stream, ()))

    async def wait_for_records(self, stream: str, size: int) -> None:
        """See Store."""
        while self._trimmed.get(stream, 0) + len(self._lines.get(stream, ())) <= size:
            await self._grown.wait()

    async def acknowledge(self, node: str, stream: str, size: int) -> int:
        """See Store."""
        del node
        trimmed = self._trimmed.get(stream, 0)
        del self._lines.setdefault(stream, [])[: size - trimmed]
        self._trimmed[stream] = max(size, trimmed)
        return len(self._lines[stream])
