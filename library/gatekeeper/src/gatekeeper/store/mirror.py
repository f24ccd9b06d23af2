"""The state as etcd has it at a revision: filled by a list, kept up to date by the watch that follows it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from gatekeeper.store.etcd_keys import ANSWERS, ITEM, SIZE, TERM, decode_term, inflated_answers
from gatekeeper.store.gateway import Json, key_of, value_of
from gatekeeper.store.interface import Change, Follower, Term


class Mirror:
    """What a take-over reads: items, the streams' sizes and the answers. It is of one revision at any time."""

    def __init__(self, follower: Follower | None = None) -> None:
        """Begin with nothing; the follower, if any, is told of all that is put here."""
        self.items: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.term: Term | None = None
        self.revision = 0
        """Everything up to here is in it; 0 while it is being filled."""
        self._chunks: dict[str, tuple[bytes, ...]] = {}
        self._follower = follower
        self._moved = asyncio.Event()
        self.ended = False
        """Whether it is not kept up to date any more."""
        if follower is not None:
            follower.restart()

    @property
    def answers(self) -> tuple[bytes, ...]:
        """All answers, in the order of their chunks' keys."""
        return tuple(answer for _, chunk in sorted(self._chunks.items()) for answer in chunk)

    def put(self, pairs: Iterable[tuple[str, bytes | None]]) -> None:
        """Take in what the keys have become, None for one that is gone: whole transactions, or a page of a list."""
        changes: list[Change] = []
        for key, value in pairs:
            if key.startswith(ITEM):
                changes.append(self._put_item(key.removeprefix(ITEM), value))
            elif key.startswith(ANSWERS):
                self._put_answers(key, value)
            elif key.startswith(SIZE):
                self._put_size(key.removeprefix(SIZE), value)
            elif key == TERM:
                self.term = decode_term(value)
        if changes and self._follower is not None:
            self._follower.change(changes)

    def _put_item(self, key: str, value: bytes | None) -> Change:
        if value is None:
            self.items.pop(key, None)
        else:
            self.items[key] = value
        return Change(key, value)

    def _put_answers(self, key: str, value: bytes | None) -> None:
        if value is None:
            self._chunks.pop(key, None)
        else:
            self._chunks[key] = inflated_answers(value)
        if self._follower is not None:
            self._follower.keep(key, self._chunks.get(key, ()))

    def _put_size(self, stream: str, value: bytes | None) -> None:
        if value is None:
            self.sizes.pop(stream, None)
        else:
            self.sizes[stream] = int(value)

    def apply(self, events: list[Json]) -> None:
        """Take in what a watch tells, which is whole transactions in order."""
        self.put((key_of(one["kv"]), None if one.get("type") == "DELETE" else value_of(one["kv"])) for one in events)
        self.reach(int(events[-1]["kv"]["mod_revision"]))

    def reach(self, revision: int) -> None:
        """Say that everything up to this revision is in it."""
        self.revision = max(self.revision, revision)
        self._moved.set()

    def end(self) -> None:
        """It stays as it is: whatever has it may keep it."""
        self.ended = True
        self._moved.set()

    async def reached(self, revision: int) -> bool:
        """Return when everything up to this revision is in it, or false when it won't ever be."""
        while not 0 < revision <= self.revision and not self.ended:
            self._moved.clear()
            await self._moved.wait()
        return not self.ended
