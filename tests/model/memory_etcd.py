"""etcd as the store sees it, in memory: ranges, transactions and watches on revisions. What it doesn't know it refuses.

Its answers have the form of the JSON gateway: octets in base64, numbers as text, and nothing that is zero.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Json = dict[str, Any]

_RANGE = {"key", "range_end", "limit", "revision", "sort_order", "sort_target", "keys_only", "serializable"}
_WATCH = {"key", "range_end", "start_revision", "progress_notify"}


class UnknownRequestError(Exception):
    """The store asks what this etcd doesn't know: teach it."""


class Pair(NamedTuple):
    """A key's value, and the revisions at which it was made and last put."""

    value: bytes
    created: int
    modified: int
    version: int


@dataclass
class Written:
    """What one transaction has done."""

    revision: int
    sender: str
    puts: dict[str, bytes] = field(default_factory=dict)
    deletions: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[str]:
        """All keys that it changed."""
        return [*self.puts, *self.deletions]


@dataclass
class Watcher:
    """Somebody who is told of changes in a range."""

    start: str
    end: str | None
    tell: Callable[[Json], None]


def _text(octets: str) -> str:
    return base64.b64decode(octets).decode()


def _b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _check(body: Json, known: set[str]) -> None:
    if not body.keys() <= known:
        raise UnknownRequestError(f"{body.keys() - known} in {body}")


def _within(key: str, start: str, end: str | None) -> bool:
    return key == start if end is None else start <= key and (end == "\0" or key < end)


class MemoryEtcd:
    """One cluster that always has a quorum; losing it is the links' business."""

    def __init__(self, written: Callable[[Written], None]) -> None:
        """Report each transaction that changes something."""
        self._written = written
        self.revision = 1
        self._past: dict[int, dict[str, Pair]] = {1: {}}
        self._changes: dict[int, Written] = {}
        self.watchers: list[Watcher] = []

    @property
    def pairs(self) -> dict[str, Pair]:
        """What there is now."""
        return self._past[self.revision]

    def ask(self, sender: str, path: str, body: Json) -> Json:
        """Carry out a request. Raises UnknownRequestError."""
        if path == "/v3/kv/range":
            return self._range(body, self.pairs)
        if path == "/v3/kv/txn":
            return self._transaction(sender, body)
        raise UnknownRequestError(path)

    def _header(self) -> Json:
        return {"cluster_id": "1", "member_id": "1", "revision": str(self.revision), "raft_term": "2"}

    # Ranges

    def _range(self, body: Json, now: dict[str, Pair]) -> Json:
        _check(body, _RANGE)
        if body.get("sort_order", "ASCEND") != "ASCEND" or body.get("sort_target", "KEY") != "KEY":
            raise UnknownRequestError(f"order of {body}")
        revision = int(body.get("revision", 0))
        pairs = self._past[revision] if revision else now
        start, end = _text(body["key"]), _text(body["range_end"]) if body.get("range_end") else None
        keys = sorted(key for key in pairs if _within(key, start, end))
        limit = int(body.get("limit", 0)) or len(keys)
        answer: Json = {"header": self._header()}
        if keys:
            answer |= {"kvs": [_kv(key, pairs[key], body.get("keys_only")) for key in keys[:limit]]}
            answer |= {"count": str(len(keys))}
        return answer | ({"more": True} if len(keys) > limit else {})

    # Transactions

    def _transaction(self, sender: str, body: Json) -> Json:
        pairs = dict(self.pairs)
        done = Written(self.revision + 1, sender)
        answer = self._carry_out(body, pairs, done)
        if done.changes:
            self.revision += 1
            self._past[self.revision] = pairs
            self._changes[self.revision] = done
            self._written(done)
            for watcher in tuple(self.watchers):
                self._tell(watcher, done)
        return answer | {"header": self._header()}

    def _carry_out(self, body: Json, pairs: dict[str, Pair], done: Written) -> Json:
        _check(body, {"compare", "success", "failure"})
        holds = all(_holds(one, pairs) for one in body.get("compare", ()))
        responses = [self._operate(one, pairs, done) for one in body.get("success" if holds else "failure", ())]
        return ({"succeeded": True} if holds else {}) | ({"responses": responses} if responses else {})

    def _operate(self, operation: Json, pairs: dict[str, Pair], done: Written) -> Json:
        ((kind, body),) = operation.items()
        if kind == "request_range":
            return {"response_range": self._range(body, pairs)}
        if kind == "request_txn":
            return {"response_txn": self._carry_out(body, pairs, done)}
        if kind == "request_put":
            _check(body, {"key", "value"})
            key, value = _text(body["key"]), base64.b64decode(body["value"])
            if key in done.changes:
                # As etcd does.
                raise UnknownRequestError(f"{key} is changed twice in one transaction")
            old = pairs.get(key)
            pairs[key] = Pair(
                value, old.created if old else done.revision, done.revision, old.version + 1 if old else 1
            )
            done.puts[key] = value
            return {"response_put": {}}
        if kind == "request_delete_range":
            _check(body, {"key", "range_end"})
            start, end = _text(body["key"]), _text(body["range_end"]) if body.get("range_end") else None
            gone = [key for key in pairs if _within(key, start, end)]
            for key in gone:
                del pairs[key]
            done.deletions += gone
            return {"response_delete_range": {"deleted": str(len(gone))} if gone else {}}
        raise UnknownRequestError(kind)

    # Watches

    def watch(self, body: Json, tell: Callable[[Json], None]) -> Watcher:
        """Tell of all changes from the start revision on. Raises UnknownRequestError."""
        _check(body, {"create_request"})
        request = body["create_request"]
        _check(request, _WATCH)
        end = _text(request["range_end"]) if request.get("range_end") else None
        watcher = Watcher(_text(request["key"]), end, tell)
        tell({"header": self._header(), "created": True})
        start = int(request.get("start_revision", 0)) or self.revision + 1
        for revision in range(start, self.revision + 1):
            self._tell(watcher, self._changes[revision])
        self.watchers.append(watcher)
        return watcher

    def _tell(self, watcher: Watcher, done: Written) -> None:
        past = self._past[done.revision]
        mine = [key for key in done.changes if _within(key, watcher.start, watcher.end)]
        events = [
            {"kv": _kv(key, past[key], False)}
            if key in done.puts
            else {"type": "DELETE", "kv": {"key": _b64(key.encode()), "mod_revision": str(done.revision)}}
            for key in mine
        ]
        if events:
            header = self._header() | {"revision": str(done.revision)}
            watcher.tell({"header": header, "events": events})


def _kv(key: str, pair: Pair, keys_only: object) -> Json:
    found = {
        "key": _b64(key.encode()),
        "create_revision": str(pair.created),
        "mod_revision": str(pair.modified),
        "version": str(pair.version),
    }
    return found if keys_only or not pair.value else found | {"value": _b64(pair.value)}


def _holds(compare: Json, pairs: dict[str, Pair]) -> bool:
    pair = pairs.get(_text(compare["key"]))
    target = compare["target"]
    if target == "VALUE":
        # A comparison of values doesn't hold for a key that isn't there.
        there, wanted = (pair.value if pair else None), base64.b64decode(compare["value"])
        if compare.get("result", "EQUAL") != "EQUAL":
            raise UnknownRequestError(f"{compare}")
        return there == wanted
    numbers = {"VERSION": "version", "MOD": "modified", "CREATE": "created"}
    names = {"VERSION": "version", "MOD": "mod_revision", "CREATE": "create_revision"}
    number = getattr(pair, numbers[target]) if pair else 0
    wanted_number = int(compare.get(names[target], 0))
    results = {"EQUAL": number == wanted_number, "LESS": number < wanted_number, "GREATER": number > wanted_number}
    return results[compare.get("result", "EQUAL")]
