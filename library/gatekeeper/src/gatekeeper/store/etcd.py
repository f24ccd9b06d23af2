"""The store of several hosts: etcd through its JSON gateway, by mutual TLS (docs/decisions/0003-etcd-client.md)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import time
import zlib
from collections.abc import Set as AbstractSet
from dataclasses import asdict

from witness.service.settings import Tls

from gatekeeper.long_lived import restoring
from gatekeeper.patience import within
from gatekeeper.store.chunk import join_answers, join_lines, split_lines, streams
from gatekeeper.store.etcd_keys import (
    ANSWERS,
    COMMIT,
    EPOCH,
    EVERYTHING,
    ITEM,
    OUTBOX,
    REPLICA,
    SIZE,
    TERM,
    answers_key,
    decode_term,
    deflated,
    outbox_key,
)
from gatekeeper.store.gateway import Gateway, Json, delete, equals, key_of, key_range, pairs, prefixed, put
from gatekeeper.store.interface import Batch, Fenced, Follower, Record, Snapshot, StoreError, StoreUnavailable, Term
from gatekeeper.store.mirror import Mirror
from gatekeeper.store.trimming import TWO_REPLICAS, Trimming

LOGGER = logging.getLogger(__name__)
_LONGEST_WATCH = 5.0
"""Seconds after which a silent watch is opened anew: a frozen member must not hold us for long."""
_SILENCE = 1.5
"""The same where the other node is to be followed, which gives a sign of life four times a second."""
_FOLLOW_AGAIN = 0.1
"""Seconds after which a watch that ended is opened anew."""
_CATCH_UP = 0.1
"""Seconds for which a take-over waits until the watch has told of it: then reading everything is surer."""
_LONGEST_LIST = 5.0
"""The same where everything is being read already."""
_PAGE = 1_000
"""Keys in one answer: some 0.5 MB, which is there well before anybody loses patience."""
_CHUNKS = 16
"""Chunks in one answer: some 2 MB at most."""
_FLAT = 64
"""Operations up to which a transaction stays a flat list."""


def _nested(operations: list[Json]) -> list[Json]:
    """The same operations in transactions within the transaction: still one, however many there are.

    etcd limits the length of the list plus that of a list within it (--max-txn-ops: 128 unless set, 4096 by our role).
    With lists of the square root's length that limit allows some 3,900 operations, and 4 million.
    """
    if len(operations) <= _FLAT:
        return operations
    length = max(_FLAT, math.isqrt(len(operations)) + 1)
    parts = (operations[start : start + length] for start in range(0, len(operations), length))
    return [{"request_txn": {"success": part}} for part in parts]


class EtcdStore:
    """A Store in an etcd cluster."""

    def __init__(
        self,
        endpoints: tuple[str, ...],
        tls: Tls,
        trimming: Trimming = TWO_REPLICAS,
        near: str | None = None,
        rivals: AbstractSet[str] = frozenset(),
    ) -> None:
        """Use these endpoints, first the one at the address `near`, last those of `rivals` (see Gateway)."""
        self._gateway = Gateway(endpoints, tls, near, rivals)
        self._trimming = trimming
        self._seen: Term | None = None
        """The term as it was last read, and so a good guess of what it is."""
        self._own: Term | None = None
        self._commits = 0
        self._trimmed: dict[str, int] = {}
        self._mirror: Mirror | None = None
        self._asked_for: Term | None = None
        """The term that this node last asked for, whether it got it or not."""
        self._last_commit_seen = float("-inf")

    async def open(self) -> None:
        """Read the certificates. The cluster may come later: what is asked of it meanwhile raises StoreUnavailable."""
        await self._gateway.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._gateway.close()

    @property
    def last_commit_seen(self) -> float:
        """See Store."""
        return self._last_commit_seen

    async def _read(self, key: str, end: str | None = None, **options: object) -> dict[str, bytes]:
        return pairs(await self._gateway.ask("/v3/kv/range", key_range(key, end) | options))

    async def _list(self, mirror: Mirror, prefix: str, revision: str) -> None:
        """Put all keys that begin so into the mirror, as they were at a revision."""
        start, end = prefixed(prefix)
        while True:
            part = key_range(start, end) | {"limit": _PAGE, "revision": revision}
            answer = await self._gateway.ask("/v3/kv/range", part)
            page = pairs(answer)
            mirror.put(page.items())
            if not answer.get("more"):
                return
            start = max(page) + "\0"

    async def _fill(self, mirror: Mirror, revision: str) -> None:
        """Put everything into an empty mirror."""
        await asyncio.gather(*(self._list(mirror, prefix, revision) for prefix in (ITEM, SIZE, ANSWERS)))
        mirror.reach(int(revision))

    async def _transact(self, compare: list[Json], success: list[Json], *failure: Json) -> Json:
        """The answer to a transaction that may come twice: `failure` reads what tells whether it came before."""
        body = {"compare": compare, "success": _nested(success), "failure": list(failure)}
        return await self._gateway.ask("/v3/kv/txn", body)

    async def take_over(self, holder: str, unix: float) -> Snapshot:
        """See Store. Usually one round trip, which raises the epoch over the one last seen, if this node follows."""
        # Whichever member answered last may be the one that was lost with the other host.
        self._gateway.start_over()
        known = self._seen
        while True:
            self._asked_for = term = Term(known.epoch + 1 if known else 1, holder, unix, unix)
            old_term = {"request_range": key_range(TERM)}
            answer = await self._transact(
                [equals(EPOCH, str(known.epoch) if known else None)],
                [
                    old_term,
                    put(EPOCH, str(term.epoch)),
                    put(COMMIT, f"{term.epoch}.0"),
                    put(TERM, json.dumps(asdict(term))),
                ],
                old_term,
            )
            found = decode_term(pairs(answer["responses"][0]["response_range"]).get(TERM))
            if answer.get("succeeded"):
                known = found
            if answer.get("succeeded") or found == term:
                break
            known = found
        self._seen = self._own = term
        self._commits = 0
        revision = answer["header"]["revision"]
        mirror = await self._followed(term, int(revision))
        if mirror is not None:
            return Snapshot(term, known, mirror.items, mirror.sizes, mirror.answers, followed=True)
        mirror = Mirror()
        await self._fill(mirror, revision)
        return Snapshot(term, known, mirror.items, mirror.sizes, mirror.answers)

    async def _followed(self, term: Term, revision: int) -> Mirror | None:
        """What was followed, if it has come to the beginning of this term soon, and to nothing after it."""
        mirror = self._mirror
        if mirror is None:
            return None
        # A list that is under way was begun before another one would be.
        patience = _CATCH_UP if mirror.revision else _LONGEST_LIST
        try:
            there = await within(patience, mirror.reached(revision))
        except asyncio.TimeoutError:
            LOGGER.warning("the state is read anew: what was followed is at %d of %d", mirror.revision, revision)
            return None
        if not there or mirror.term != term:
            return None
        mirror.end()
        self._mirror = None
        return mirror

    async def follow(self, follower: Follower | None = None) -> None:
        """See Store. A list, then a watch from the next revision on; a new list where the watch can't go on."""
        while True:
            self._mirror = mirror = Mirror(follower)
            try:
                await self._list_anew(mirror)
                await self._keep_up(mirror)
            except StoreError as error:
                LOGGER.info("this node does not follow the other one: %s", error)
            finally:
                handed_over = mirror.ended
                mirror.end()
                if self._mirror is mirror:
                    self._mirror = None
            if handed_over:
                return
            await asyncio.sleep(_FOLLOW_AGAIN)

    async def _list_anew(self, mirror: Mirror) -> None:
        with restoring():
            answer = await self._gateway.ask("/v3/kv/range", key_range(TERM))
            mirror.put(pairs(answer).items())
            await self._fill(mirror, answer["header"]["revision"])
        LOGGER.info("this node follows: %d items at revision %d", len(mirror.items), mirror.revision)

    async def _keep_up(self, mirror: Mirror) -> None:
        """Apply what changes until somebody has taken the mirror.

        Raises:
            StoreError: the revision that comes next has been compacted away.
        """
        while not mirror.ended:
            try:
                await self._watch(mirror)
            except StoreUnavailable as error:
                LOGGER.info("this node does not follow for a moment: %s", error)
            await asyncio.sleep(_FOLLOW_AGAIN)

    async def _watch(self, mirror: Mirror) -> None:
        watch = self._gateway.watch(key_range(*EVERYTHING), mirror.revision + 1, _SILENCE)
        async with contextlib.aclosing(watch) as answers:
            async for answer in answers:
                if mirror.ended:
                    return
                if answer.get("canceled") or int(answer["header"]["revision"]) < mirror.revision:
                    # Compacted away, or etcd was restored from what is older than what we know.
                    raise StoreError(f"etcd does not know what follows: {str(answer)[:200]}")
                if answer.get("events"):
                    mirror.apply(answer["events"])
                    self._notice(mirror.term, answer["events"])

    def _notice(self, term: Term | None, events: list[Json]) -> None:
        """Whether another node has committed, or said that it is alive."""
        own = self._asked_for
        if term is None or (own is not None and (term.epoch, term.holder) == (own.epoch, own.holder)):
            return
        if any(key_of(event["kv"]) in {COMMIT, TERM} for event in events):
            self._seen = term
            self._last_commit_seen = time.monotonic()

    async def commit(self, epoch: int, batch: Batch) -> None:
        """See Store. The commit's number tells an attempt that went through, but whose answer was lost."""
        number = self._commits + 1
        compare = [equals(EPOCH, str(epoch)), equals(COMMIT, f"{epoch}.{self._commits}")]
        success = [put(COMMIT, f"{epoch}.{number}")]
        success += [
            delete(ITEM + change.key) if change.value is None else put(ITEM + change.key, change.value)
            for change in batch.changes
        ]
        if batch.forget is not None:
            success.append(delete(ANSWERS, answers_key(batch.forget)))
        if batch.answers:
            key = answers_key(max(answer.forget_at for answer in batch.answers))
            chunk = join_answers(answer.octets for answer in batch.answers)
            success.append(put(f"{key}/{epoch}.{number}", deflated(chunk)))
        for stream, records in streams(batch.records).items():
            first = records[0].index
            size = first + len(records)
            compare.append(equals(SIZE + stream, str(first) if first else None))
            success.append(put(outbox_key(stream, size), deflated(join_lines(records))))
            success.append(put(SIZE + stream, str(size)))
        answer = await self._transact(compare, success, {"request_range": key_range(COMMIT)})
        if not answer.get("succeeded"):
            last = pairs(answer["responses"][0]["response_range"]).get(COMMIT, b"")
            if last.decode() != f"{epoch}.{number}":
                raise Fenced(f"epoch {epoch} is over, or the log has grown: the last commit is {last.decode()}")
        self._commits = number

    async def confirm(self, epoch: int, unix: float) -> None:
        """See Store."""
        if self._own is None or self._own.epoch != epoch:
            raise Fenced(f"epoch {epoch} is not this node's")
        seen = Term(epoch, self._own.holder, self._own.since, unix)
        answer = await self._transact([equals(EPOCH, str(epoch))], [put(TERM, json.dumps(asdict(seen)))])
        if not answer.get("succeeded"):
            raise Fenced(f"epoch {epoch} is over")

    async def term(self) -> Term | None:
        """See Store."""
        self._seen = decode_term((await self._read(TERM)).get(TERM))
        return self._seen

    async def time_elsewhere(self, hosts: AbstractSet[str]) -> tuple[str, float] | None:
        """See Store."""
        return await self._gateway.time_elsewhere(hosts)

    async def size(self, stream: str) -> int:
        """See Store."""
        return int((await self._read(SIZE + stream)).get(SIZE + stream, b"0"))

    async def records(self, stream: str, start: int, limit: int) -> list[Record]:
        """See Store."""
        end = prefixed(f"{OUTBOX}{stream}/")[1]
        order = {"sort_order": "ASCEND", "sort_target": "KEY"}
        found: list[Record] = []
        while len(found) < limit:
            after = found[-1].index + 1 if found else start
            chunks = await self._read(outbox_key(stream, after + 1), end, limit=_CHUNKS, **order)
            for key, chunk in sorted(chunks.items()):
                found += split_lines(stream, int(key.rpartition("/")[2]), zlib.decompress(chunk), start)
            if len(chunks) < _CHUNKS:
                break
        return found[:limit]

    async def wait_for_records(self, stream: str, size: int) -> None:
        """See Store. Watches the stream's size."""
        while True:
            answer = await self._gateway.ask("/v3/kv/range", key_range(SIZE + stream))
            if int(pairs(answer).get(SIZE + stream, b"0")) > size:
                return
            await self._wait_for_change(SIZE + stream, int(answer["header"]["revision"]) + 1)

    async def _wait_for_change(self, key: str, revision: int) -> None:
        """Return when the key has changed since the revision, or after a while."""
        watch = self._gateway.watch(key_range(key), revision, _LONGEST_WATCH)
        async with contextlib.aclosing(watch) as answers:
            async for answer in answers:
                # Cancelled: the revision was compacted away meanwhile, so something has changed.
                if answer.get("events") or answer.get("canceled"):
                    return

    async def acknowledge(self, node: str, stream: str, size: int) -> int:
        """See Store."""
        replicas = f"{REPLICA}{stream}/"
        everyone = {"request_range": key_range(*prefixed(replicas))}
        whole = {"request_range": key_range(SIZE + stream)}
        answer = await self._transact([], [put(replicas + node, str(size)), everyone, whole])
        sizes, wholes = (pairs(answer["responses"][number]["response_range"]).values() for number in (1, 2))
        whole_size = int(next(iter(wholes), b"0"))
        dispensable = self._trimming.dispensable([int(one) for one in sizes], whole_size)
        if dispensable > self._trimmed.get(stream, 0):
            await self._transact([], [delete(outbox_key(stream, 0), outbox_key(stream, dispensable + 1))])
            self._trimmed[stream] = dispensable
        return max(0, whole_size - dispensable)
