"""The store of several hosts: etcd through its JSON gateway, by mutual TLS (docs/decisions/0003-etcd-client.md).

Keys: `epoch` (a number, compared in every transaction), `commit` (EPOCH.NUMBER of the last commit), `term` (the epoch's
holder and their last sign of life), `item/…` (the state), `answers/MILLISECONDS/COMMIT` (a chunk of answers by the time
from which on nobody asks for them), `outbox/STREAM/SIZE` (a chunk of records by the size that the stream has with it),
`size/STREAM` and `replica/STREAM/NODE` (how far each node's disk is). Chunks are compressed (zlib).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http
import io
import json
import math
import ssl
import zlib
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gatekeeper.settings import SettingsError, Tls
from gatekeeper.store.chunk import join_answers, join_lines, split_answers, split_lines, streams
from gatekeeper.store.interface import Batch, Fenced, Record, Snapshot, StoreError, StoreUnavailable, Term

_EPOCH, _COMMIT, _TERM = "epoch", "commit", "term"
_ITEM, _ANSWERS, _OUTBOX, _SIZE, _REPLICA = "item/", "answers/", "outbox/", "size/", "replica/"
_PATIENCE = (0.3, 0.6, 1.2, 2.4)
"""Seconds for the attempts at one request. A lost leader swallows what was under way, and an election takes about half
a second: asking again soon is quicker than waiting for a late "no"."""
_PAUSE = 0.05
"""Seconds between two attempts, where the first was refused at once."""
_LONGEST_WATCH = 5.0
"""Seconds after which a silent watch is opened anew: a frozen member must not hold us for long."""
_PAGE = 1_000
"""Keys in one answer: some 0.5 MB, which is there well before anybody loses patience."""
_CHUNKS = 16
"""Chunks in one answer: some 2 MB at most."""
_FLAT = 64
"""Operations up to which a transaction stays a flat list."""

_Json = dict[str, Any]


def _b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def _put(key: str, value: str | bytes) -> _Json:
    return {"request_put": {"key": _b64(key), "value": _b64(value)}}


def _delete(key: str, end: str | None = None) -> _Json:
    return {"request_delete_range": {"key": _b64(key)} | ({"range_end": _b64(end)} if end else {})}


def _range(key: str, end: str | None = None, limit: int = 0) -> _Json:
    return {"key": _b64(key), "limit": limit} | ({"range_end": _b64(end)} if end else {})


def _prefix(key: str) -> tuple[str, str]:
    """The range of all keys that begin so: "/" is followed by "0"."""
    return key, key[:-1] + "0"


def _equals(key: str, value: str | None) -> _Json:
    """A comparison that holds while the key has this value, or while there is no such key."""
    if value is None:
        return {"key": _b64(key), "target": "VERSION", "result": "EQUAL", "version": 0}
    return {"key": _b64(key), "target": "VALUE", "result": "EQUAL", "value": _b64(value)}


def _nested(operations: list[_Json]) -> list[_Json]:
    """The same operations in transactions within the transaction: still one, however many there are.

    etcd limits the length of the list plus that of a list within it (--max-txn-ops: 128 unless set, 4096 by our role).
    With lists of the square root's length that limit allows some 3,900 operations, and 4 million.
    """
    if len(operations) <= _FLAT:
        return operations
    length = max(_FLAT, math.isqrt(len(operations)) + 1)
    parts = (operations[start : start + length] for start in range(0, len(operations), length))
    return [{"request_txn": {"success": part}} for part in parts]


def _pairs(answer: _Json) -> dict[str, bytes]:
    return {
        base64.b64decode(pair["key"]).decode(): base64.b64decode(pair.get("value", ""))
        for pair in answer.get("kvs", [])
    }


def _outbox_key(stream: str, size: int) -> str:
    return f"{_OUTBOX}{stream}/{size:016d}"


def _deflated(chunk: bytes) -> bytes:
    """A chunk as etcd keeps it: a fifth of the octets, which saves etcd half of its work, and us base64 and TLS."""
    return zlib.compress(chunk, 1)


def _answers_key(forget_at: float) -> str:
    """Where the keys of the chunks of this millisecond begin; those of earlier ones are smaller."""
    return f"{_ANSWERS}{int(forget_at * 1_000):016d}"


def _decode_term(octets: bytes | None) -> Term | None:
    return Term(**json.loads(octets)) if octets else None


class EtcdStore:
    """A Store in an etcd cluster."""

    def __init__(self, endpoints: tuple[str, ...], tls: Tls, nodes: int = 2, near: str | None = None) -> None:
        """Use these endpoints, first the one at the address `near`: it is lost only together with this host.

        The outbox is trimmed once so many nodes are known: one that comes later misses nothing.
        """
        self._endpoints = sorted(endpoints, key=lambda url: urlsplit(url).hostname != near)
        self._tls = tls
        self._nodes = nodes
        self._session: aiohttp.ClientSession | None = None
        self._seen: Term | None = None
        """The term as it was last read, and so a good guess of what it is."""
        self._own: Term | None = None
        self._commits = 0
        self._trimmed: dict[str, int] = {}

    async def open(self) -> None:
        """Read the certificates. The cluster may come later: what is asked of it meanwhile raises StoreUnavailable."""
        try:
            context = ssl.create_default_context(cafile=str(self._tls.ca))
            context.load_cert_chain(self._tls.certificate, self._tls.private_key)
        except OSError as error:
            names = f"{self._tls.ca}, {self._tls.certificate}, {self._tls.private_key}"
            raise SettingsError(f"store: one of {names} cannot be used ({error})") from error
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, keepalive_timeout=60))

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @property
    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise StoreUnavailable("etcd: not open")
        return self._session

    def _turn_from(self, endpoint: str) -> None:
        """Ask this member last from now on."""
        self._endpoints.append(self._endpoints.pop(self._endpoints.index(endpoint)))

    async def _ask_one(self, endpoint: str, path: str, body: _Json, patience: float) -> _Json:
        timeout = aiohttp.ClientTimeout(total=patience)
        octets = io.BytesIO(json.dumps(body).encode())
        try:
            async with self._open_session.post(endpoint + path, data=octets, timeout=timeout) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            self._turn_from(endpoint)
            raise StoreUnavailable(f"etcd at {endpoint}: {error or 'no answer in time'}") from error
        if isinstance(answer, dict) and response.status == http.HTTPStatus.OK:
            return answer
        refusal = f"etcd at {endpoint}: {str(answer)[:200]}"
        if response.status == http.HTTPStatus.BAD_REQUEST:
            # It is the request that's at fault: it would be refused by every member at every time.
            raise StoreError(refusal)
        self._turn_from(endpoint)
        raise StoreUnavailable(refusal)

    async def _ask(self, path: str, body: _Json) -> _Json:
        """The answer to a request that may be made twice, from whichever member gives one.

        Raises:
            StoreUnavailable: none did; a transaction may have been carried out or not.
            StoreError: it is a request that etcd refuses; nothing was done.
        """
        *first, last = _PATIENCE
        for patience in first:
            with contextlib.suppress(StoreUnavailable):
                return await self._ask_one(self._endpoints[0], path, body, patience)
            await asyncio.sleep(_PAUSE)
        return await self._ask_one(self._endpoints[0], path, body, last)

    async def _read(self, key: str, end: str | None = None, **options: object) -> dict[str, bytes]:
        return _pairs(await self._ask("/v3/kv/range", _range(key, end) | options))

    async def _read_all(self, prefix: str, revision: str) -> dict[str, bytes]:
        """All keys that begin so, with the prefix taken off, as they were at a revision."""
        start, end = _prefix(prefix)
        found: dict[str, bytes] = {}
        while True:
            answer = await self._ask("/v3/kv/range", _range(start, end, _PAGE) | {"revision": revision})
            page = _pairs(answer)
            found.update((key.removeprefix(prefix), value) for key, value in page.items())
            if not answer.get("more"):
                return found
            start = max(page) + "\0"

    async def _transact(self, compare: list[_Json], success: list[_Json], *failure: _Json) -> _Json:
        """The answer to a transaction that may come twice: `failure` reads what tells whether it came before."""
        body = {"compare": compare, "success": _nested(success), "failure": list(failure)}
        return await self._ask("/v3/kv/txn", body)

    async def take_over(self, holder: str, unix: float) -> Snapshot:
        """See Store. Usually two round trips: one raises the epoch over the one last seen, one reads."""
        known = self._seen
        while True:
            term = Term(known.epoch + 1 if known else 1, holder, unix, unix)
            old_term = {"request_range": _range(_TERM)}
            answer = await self._transact(
                [_equals(_EPOCH, str(known.epoch) if known else None)],
                [
                    old_term,
                    _put(_EPOCH, str(term.epoch)),
                    _put(_COMMIT, f"{term.epoch}.0"),
                    _put(_TERM, json.dumps(asdict(term))),
                ],
                old_term,
            )
            found = _decode_term(_pairs(answer["responses"][0]["response_range"]).get(_TERM))
            if answer.get("succeeded"):
                known = found
            if answer.get("succeeded") or found == term:
                break
            known = found
        self._seen = self._own = term
        self._commits = 0
        revision = answer["header"]["revision"]
        items, sizes, chunks = await asyncio.gather(
            self._read_all(_ITEM, revision), self._read_all(_SIZE, revision), self._read_all(_ANSWERS, revision)
        )
        answers = tuple(answer for chunk in chunks.values() for answer in split_answers(zlib.decompress(chunk)))
        return Snapshot(term, known, items, {stream: int(size) for stream, size in sizes.items()}, answers)

    async def commit(self, epoch: int, batch: Batch) -> None:
        """See Store. The commit's number tells an attempt that went through, but whose answer was lost."""
        number = self._commits + 1
        compare = [_equals(_EPOCH, str(epoch)), _equals(_COMMIT, f"{epoch}.{self._commits}")]
        success = [_put(_COMMIT, f"{epoch}.{number}")]
        success += [
            _delete(_ITEM + change.key) if change.value is None else _put(_ITEM + change.key, change.value)
            for change in batch.changes
        ]
        if batch.forget is not None:
            success.append(_delete(_ANSWERS, _answers_key(batch.forget)))
        if batch.answers:
            key = _answers_key(max(answer.forget_at for answer in batch.answers))
            chunk = join_answers(answer.octets for answer in batch.answers)
            success.append(_put(f"{key}/{epoch}.{number}", _deflated(chunk)))
        for stream, records in streams(batch.records).items():
            first = records[0].index
            size = first + len(records)
            compare.append(_equals(_SIZE + stream, str(first) if first else None))
            success.append(_put(_outbox_key(stream, size), _deflated(join_lines(records))))
            success.append(_put(_SIZE + stream, str(size)))
        answer = await self._transact(compare, success, {"request_range": _range(_COMMIT)})
        if not answer.get("succeeded"):
            last = _pairs(answer["responses"][0]["response_range"]).get(_COMMIT, b"")
            if last.decode() != f"{epoch}.{number}":
                raise Fenced(f"epoch {epoch} is over, or the log has grown: the last commit is {last.decode()}")
        self._commits = number

    async def confirm(self, epoch: int, unix: float) -> None:
        """See Store."""
        if self._own is None or self._own.epoch != epoch:
            raise Fenced(f"epoch {epoch} is not this node's")
        seen = Term(epoch, self._own.holder, self._own.since, unix)
        answer = await self._transact([_equals(_EPOCH, str(epoch))], [_put(_TERM, json.dumps(asdict(seen)))])
        if not answer.get("succeeded"):
            raise Fenced(f"epoch {epoch} is over")

    async def term(self) -> Term | None:
        """See Store."""
        self._seen = _decode_term((await self._read(_TERM)).get(_TERM))
        return self._seen

    async def records(self, stream: str, start: int, limit: int) -> list[Record]:
        """See Store."""
        end = _prefix(f"{_OUTBOX}{stream}/")[1]
        order = {"sort_order": "ASCEND", "sort_target": "KEY"}
        found: list[Record] = []
        while len(found) < limit:
            after = start + len(found)
            chunks = await self._read(_outbox_key(stream, after + 1), end, limit=_CHUNKS, **order)
            for key, chunk in sorted(chunks.items()):
                found += split_lines(stream, int(key.rpartition("/")[2]), zlib.decompress(chunk), start)
            if len(chunks) < _CHUNKS:
                break
        return found[:limit]

    async def wait_for_records(self, stream: str, size: int) -> None:
        """See Store. Watches the stream's size."""
        while True:
            answer = await self._ask("/v3/kv/range", _range(_SIZE + stream))
            if int(_pairs(answer).get(_SIZE + stream, b"0")) > size:
                return
            await self._watch(_SIZE + stream, int(answer["header"]["revision"]) + 1)

    async def _watch(self, key: str, revision: int) -> None:
        """Return when the key has changed since the revision, or after a while."""
        endpoint = self._endpoints[0]
        timeout = aiohttp.ClientTimeout(total=_LONGEST_WATCH)
        body = {"create_request": {"key": _b64(key), "start_revision": revision}}
        try:
            async with self._open_session.post(endpoint + "/v3/watch", json=body, timeout=timeout) as response:
                async for line in response.content:
                    answer = json.loads(line).get("result", {})
                    # Cancelled: the revision was compacted away meanwhile, so something has changed.
                    if answer.get("events") or answer.get("canceled"):
                        return
        except asyncio.TimeoutError:
            return
        except (aiohttp.ClientError, ValueError) as error:
            raise StoreUnavailable(f"etcd at {endpoint}: {error}") from error

    async def acknowledge(self, node: str, stream: str, size: int) -> None:
        """See Store."""
        replicas = f"{_REPLICA}{stream}/"
        everyone = {"request_range": _range(*_prefix(replicas))}
        answer = await self._transact([], [_put(replicas + node, str(size)), everyone])
        sizes = [int(value) for value in _pairs(answer["responses"][1]["response_range"]).values()]
        least = min(sizes)
        if len(sizes) >= self._nodes and least > self._trimmed.get(stream, 0):
            await self._transact([], [_delete(_outbox_key(stream, 0), _outbox_key(stream, least + 1))])
            self._trimmed[stream] = least
