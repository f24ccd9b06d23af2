"""The store of several hosts: etcd through its JSON gateway, by mutual TLS (docs/decisions/0003-etcd-client.md).

Keys: `epoch` (a number, compared in every transaction), `term` (its holder and their last sign of life), `item/…` (the
state), `record/STREAM/INDEX` (the outbox), `size/STREAM` and `replica/STREAM/NODE` (how far each node's disk is).
"""

from __future__ import annotations

import asyncio
import base64
import http
import json
import ssl
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import aiohttp

from gatekeeper.settings import SettingsError, Tls
from gatekeeper.store.interface import Batch, Fenced, Record, Snapshot, StoreUnavailable, Term

_EPOCH, _TERM = "epoch", "term"
_ITEM, _RECORD, _SIZE, _REPLICA = "item/", "record/", "size/", "replica/"
_TIMEOUT = 2.0
"""Seconds for a request; an election takes about half a second."""
_LONGEST_WATCH = 5.0
"""Seconds after which a silent watch is opened anew: a frozen member must not hold us for long."""
_REPLICAS = 2
"""Nodes that must have a record on disk before it leaves the outbox."""

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


def _pairs(answer: _Json) -> dict[str, bytes]:
    return {
        base64.b64decode(pair["key"]).decode(): base64.b64decode(pair.get("value", ""))
        for pair in answer.get("kvs", [])
    }


def _record_key(stream: str, index: int) -> str:
    return f"{_RECORD}{stream}/{index:016d}"


def _decode_term(octets: bytes | None) -> Term | None:
    return Term(**json.loads(octets)) if octets else None


class EtcdStore:
    """A Store in an etcd cluster."""

    def __init__(self, endpoints: tuple[str, ...], tls: Tls) -> None:
        self._endpoints = list(endpoints)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self._term: Term | None = None
        self._trimmed: dict[str, int] = {}

    async def open(self) -> None:
        """Read the certificates. The cluster may come later: what is asked of it meanwhile raises StoreUnavailable."""
        try:
            context = ssl.create_default_context(cafile=str(self._tls.ca))
            context.load_cert_chain(self._tls.certificate, self._tls.private_key)
        except OSError as error:
            names = f"{self._tls.ca}, {self._tls.certificate}, {self._tls.private_key}"
            raise SettingsError(f"store: one of {names} cannot be used ({error})") from error
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
        connector = aiohttp.TCPConnector(ssl=context, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, path: str, body: _Json) -> _Json:
        """One request, to the next member where one can't be connected to.

        Raises:
            StoreUnavailable: nobody could be asked, or the one asked gave no answer: then it may have acted or not.
        """
        if self._session is None:
            raise StoreUnavailable("etcd: not open")
        problems = []
        for endpoint in tuple(self._endpoints):
            try:
                async with self._session.post(endpoint + path, json=body) as response:
                    answer = await response.json(content_type=None)
            except aiohttp.ClientConnectorError as error:
                problems.append(str(error))
                # Whoever can be reached is asked first from now on.
                self._endpoints.append(self._endpoints.pop(self._endpoints.index(endpoint)))
            except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
                self._endpoints.append(self._endpoints.pop(self._endpoints.index(endpoint)))
                raise StoreUnavailable(f"etcd at {endpoint}: {error or 'no answer in time'}") from error
            else:
                if not isinstance(answer, dict) or response.status != http.HTTPStatus.OK:
                    raise StoreUnavailable(f"etcd at {endpoint}: {str(answer)[:200]}")
                return answer
        raise StoreUnavailable("etcd: " + "; ".join(problems))

    async def _transact(self, compare: list[_Json], success: list[_Json]) -> list[_Json] | None:
        """The answers of a transaction, None where a comparison failed and nothing was done."""
        answer = await self._ask("/v3/kv/txn", {"compare": compare, "success": success})
        return list(answer.get("responses", [])) if answer.get("succeeded") else None

    async def take_over(self, holder: str, unix: float) -> Snapshot:
        """See Store."""
        while True:
            found = _pairs(await self._ask("/v3/kv/range", _range(_EPOCH)))
            old = found[_EPOCH].decode() if _EPOCH in found else None
            previous = await self.term()
            term = Term(int(old or 0) + 1, holder, unix, unix)
            raised = await self._transact(
                [_equals(_EPOCH, old)],
                [
                    _put(_EPOCH, str(term.epoch)),
                    _put(_TERM, json.dumps(asdict(term))),
                    {"request_range": _range(*_prefix(_ITEM))},
                    {"request_range": _range(*_prefix(_SIZE))},
                ],
            )
            if raised is not None:
                self._term = term
                items, sizes = (_pairs(answer["response_range"]) for answer in raised[2:])
                return Snapshot(
                    term,
                    previous,
                    {key.removeprefix(_ITEM): value for key, value in items.items()},
                    {key.removeprefix(_SIZE): int(value) for key, value in sizes.items()},
                )

    async def commit(self, epoch: int, batch: Batch) -> None:
        """See Store."""
        compare = [_equals(_EPOCH, str(epoch))]
        success = [
            _delete(_ITEM + change.key) if change.value is None else _put(_ITEM + change.key, change.value)
            for change in batch.changes
        ]
        for stream, records in _by_stream(batch.records).items():
            first = records[0].index
            compare.append(_equals(_SIZE + stream, str(first) if first else None))
            success += [_put(_record_key(stream, record.index), record.line) for record in records]
            success.append(_put(_SIZE + stream, str(first + len(records))))
        if await self._transact(compare, success) is None:
            raise Fenced(f"epoch {epoch} is over, or the log has grown: {await self.term()}")

    async def confirm(self, epoch: int, unix: float) -> None:
        """See Store."""
        if self._term is None or self._term.epoch != epoch:
            raise Fenced(f"epoch {epoch} is not this node's")
        seen = Term(epoch, self._term.holder, self._term.since, unix)
        if await self._transact([_equals(_EPOCH, str(epoch))], [_put(_TERM, json.dumps(asdict(seen)))]) is None:
            raise Fenced(f"epoch {epoch} is over: {await self.term()}")

    async def term(self) -> Term | None:
        """See Store."""
        return _decode_term(_pairs(await self._ask("/v3/kv/range", _range(_TERM))).get(_TERM))

    async def records(self, stream: str, start: int, limit: int) -> list[Record]:
        """See Store."""
        key, end = _record_key(stream, start), _prefix(f"{_RECORD}{stream}/")[1]
        body = _range(key, end, limit) | {"sort_order": "ASCEND", "sort_target": "KEY"}
        found = _pairs(await self._ask("/v3/kv/range", body))
        return [Record(stream, int(key.rpartition("/")[2]), line) for key, line in sorted(found.items())]

    async def wait_for_records(self, stream: str, size: int) -> None:
        """See Store. May return early: whoever waits looks again."""
        answer = await self._ask("/v3/kv/range", _range(_SIZE + stream))
        if int(_pairs(answer).get(_SIZE + stream, b"0")) > size:
            return
        revision = int(answer["header"]["revision"]) + 1
        watch = {"create_request": {"key": _b64(_SIZE + stream), "start_revision": revision}}
        if self._session is None:
            raise StoreUnavailable("etcd: not open")
        try:
            timeout = aiohttp.ClientTimeout(total=_LONGEST_WATCH)
            async with self._session.post(self._endpoints[0] + "/v3/watch", json=watch, timeout=timeout) as response:
                async for line in response.content:
                    if json.loads(line).get("result", {}).get("events"):
                        return
        except asyncio.TimeoutError:
            return
        except (aiohttp.ClientError, ValueError) as error:
            raise StoreUnavailable(f"etcd at {self._endpoints[0]}: {error}") from error

    async def acknowledge(self, node: str, stream: str, size: int) -> None:
        """See Store. The outbox is trimmed once two nodes are known, so that a node that comes later misses nothing."""
        replicas = f"{_REPLICA}{stream}/"
        answers = await self._transact(
            [], [_put(replicas + node, str(size)), {"request_range": _range(*_prefix(replicas))}]
        )
        sizes = [int(value) for value in _pairs((answers or [{}])[-1].get("response_range", {})).values()]
        least = min(sizes, default=0)
        if len(sizes) >= _REPLICAS and least > self._trimmed.get(stream, 0):
            await self._transact([], [_delete(_record_key(stream, 0), _record_key(stream, least))])
            self._trimmed[stream] = least


def _by_stream(records: Iterable[Record]) -> dict[str, list[Record]]:
    streams: dict[str, list[Record]] = {}
    for record in records:
        streams.setdefault(record.stream, []).append(record)
    return streams
