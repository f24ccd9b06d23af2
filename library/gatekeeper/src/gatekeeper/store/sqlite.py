"""The store of a single machine: one SQLite file, synchronous to the disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from gatekeeper.patience import within
from gatekeeper.store.chunk import join_answers, join_lines, split_answers, split_lines, streams
from gatekeeper.store.interface import Batch, Change, Fenced, Follower, Record, Snapshot, StoreUnavailable, Term
from gatekeeper.store.trimming import ONE_REPLICA, Trimming

_SCHEMA = """
CREATE TABLE IF NOT EXISTS item (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (forget_at REAL NOT NULL, chunk BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS answers_by_time ON answers (forget_at);
CREATE TABLE IF NOT EXISTS outbox (stream TEXT, size INTEGER, chunk BLOB NOT NULL, PRIMARY KEY (stream, size));
CREATE TABLE IF NOT EXISTS stream (name TEXT PRIMARY KEY, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS replica (node TEXT, stream TEXT, size INTEGER NOT NULL, PRIMARY KEY (node, stream));
CREATE TABLE IF NOT EXISTS term (one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL, holder TEXT NOT NULL, since REAL NOT NULL, last_seen REAL NOT NULL);
"""

_READ, _WRITE = "BEGIN", "BEGIN IMMEDIATE"
_PUT, _DELETE = "INSERT OR REPLACE INTO item VALUES ", "DELETE FROM item WHERE key IN "
_ROWS = 400
"""In one statement, which may have 999 parameters."""
_LOOK_AGAIN = 0.25
"""Seconds after which a waiting reader looks for what another process has written."""

ResultT = TypeVar("ResultT")


class SqliteStore:
    """A Store in one file. Several processes may share it (same-host mode); the epoch says whose it is."""

    def __init__(self, path: Path, trimming: Trimming = ONE_REPLICA, patience: float = 5.0) -> None:
        """Use this file; wait so many seconds for another process's transaction."""
        self._path = path
        self._trimming = trimming
        self._patience = patience
        # One thread owns the connection: the event loop never waits for the disk.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._connection: sqlite3.Connection | None = None
        self._grown = asyncio.Event()
        self._seen: Term | None = None
        self._own_epoch = 0
        self._last_commit_seen = float("-inf")

    async def _run(self, work: Callable[[sqlite3.Connection], ResultT], begin: str = _READ) -> ResultT:
        def transaction() -> ResultT:
            connection = self._connection
            if connection is None:
                raise StoreUnavailable(f"{self._path} is not open")
            try:
                connection.execute(begin)
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, transaction)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error

    async def open(self) -> None:
        """Open the file, making it where there is none. Raises StoreUnavailable."""

        def connect() -> None:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=self._patience)
            # WAL with FULL: each commit is one append and one fsync.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
            self._connection = connection

        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, connect)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}; give a folder that can be written") from error

    async def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, connection.close)
        self._thread.shutdown(wait=False)

    async def take_over(self, holder: str, unix: float) -> Snapshot:
        """See Store."""

        def work(connection: sqlite3.Connection) -> Snapshot:
            previous = _term(connection)
            term = Term(previous.epoch + 1 if previous else 1, holder, unix, unix)
            connection.execute(
                "INSERT OR REPLACE INTO term VALUES (1, ?, ?, ?, ?)",
                (term.epoch, term.holder, term.since, term.last_seen),
            )
            items = dict(connection.execute("SELECT key, value FROM item"))
            sizes = dict(connection.execute("SELECT name, size FROM stream"))
            chunks = connection.execute("SELECT chunk FROM answers ORDER BY forget_at")
            answers = tuple(answer for (chunk,) in chunks for answer in split_answers(chunk))
            return Snapshot(term, previous, items, sizes, answers)

        snapshot = await self._run(work, _WRITE)
        self._own_epoch = snapshot.term.epoch
        return snapshot

    async def follow(self, follower: Follower | None = None) -> None:
        """See Store. Everything is on this machine's disk: there is nothing to keep closer at hand."""

    @property
    def last_commit_seen(self) -> float:
        """See Store."""
        return self._last_commit_seen

    async def commit(self, epoch: int, batch: Batch) -> None:
        """See Store."""

        def work(connection: sqlite3.Connection) -> None:
            _check_epoch(connection, epoch)
            _put(connection, [change for change in batch.changes if change.value is not None])
            _delete(connection, [change.key for change in batch.changes if change.value is None])
            if batch.forget is not None:
                connection.execute("DELETE FROM answers WHERE forget_at <= ?", (batch.forget,))
            if batch.answers:
                forget_at = max(answer.forget_at for answer in batch.answers)
                connection.execute("INSERT INTO answers VALUES (?, ?)", (forget_at, answers))
            for stream, records, chunk in outbox:
                _append(connection, stream, records, chunk)

        # Put together here: what the other thread computes, it computes between two waits for the interpreter.
        answers = join_answers(answer.octets for answer in batch.answers)
        outbox = [(stream, records, join_lines(records)) for stream, records in streams(batch.records).items()]
        await self._run(work, _WRITE)
        if batch.records:
            self._grown.set()
            self._grown = asyncio.Event()

    async def confirm(self, epoch: int, unix: float) -> None:
        """See Store."""

        def work(connection: sqlite3.Connection) -> None:
            _check_epoch(connection, epoch)
            connection.execute("UPDATE term SET last_seen = ?", (unix,))

        await self._run(work, _WRITE)

    async def term(self) -> Term | None:
        """See Store."""
        term = await self._run(_term)
        if term is not None and term != self._seen and term.epoch != self._own_epoch:
            # The first look says only that there was somebody at some time.
            self._last_commit_seen = time.monotonic() if self._seen is not None else self._last_commit_seen
        self._seen = term
        return term

    async def time_elsewhere(self, hosts: AbstractSet[str]) -> tuple[str, float] | None:
        """See Store. There is one host, and one clock."""
        del hosts
        return None

    async def size(self, stream: str) -> int:
        """See Store."""
        return await self._run(lambda connection: _size(connection, stream))

    async def records(self, stream: str, start: int, limit: int) -> list[Record]:
        """See Store."""

        def work(connection: sqlite3.Connection) -> list[Record]:
            # A chunk is filed under the size that the stream has with it.
            rows = connection.execute(
                "SELECT size, chunk FROM outbox WHERE stream = ? AND size > ? ORDER BY size", (stream, start)
            )
            found: list[Record] = []
            for size, chunk in rows:
                found += split_lines(stream, size, chunk, start)
                if len(found) >= limit:
                    break
            return found[:limit]

        return await self._run(work)

    async def wait_for_records(self, stream: str, size: int) -> None:
        """See Store. This process's own commits are noticed at once, another's a little later."""
        while True:
            grown = self._grown
            if await self.size(stream) > size:
                return
            with contextlib.suppress(asyncio.TimeoutError):
                await within(_LOOK_AGAIN, grown.wait())

    async def acknowledge(self, node: str, stream: str, size: int) -> int:
        """See Store."""

        def work(connection: sqlite3.Connection) -> int:
            connection.execute("INSERT OR REPLACE INTO replica VALUES (?, ?, ?)", (node, stream, size))
            rows = connection.execute("SELECT size FROM replica WHERE stream = ?", (stream,))
            whole = _size(connection, stream)
            dispensable = self._trimming.dispensable([size for (size,) in rows], whole)
            connection.execute("DELETE FROM outbox WHERE stream = ? AND size <= ?", (stream, dispensable))
            return max(0, whole - dispensable)

        return await self._run(work, _WRITE)


def _term(connection: sqlite3.Connection) -> Term | None:
    row = connection.execute("SELECT epoch, holder, since, last_seen FROM term").fetchone()
    return Term(*row) if row else None


def _size(connection: sqlite3.Connection, stream: str) -> int:
    row = connection.execute("SELECT size FROM stream WHERE name = ?", (stream,)).fetchone()
    return int(row[0]) if row else 0


def _check_epoch(connection: sqlite3.Connection, epoch: int) -> None:
    term = _term(connection)
    if term is None or term.epoch != epoch:
        now = f"{term.holder} holds epoch {term.epoch}" if term else "nobody is in office"
        raise Fenced(f"epoch {epoch} is over: {now}")


def _put(connection: sqlite3.Connection, changes: list[Change]) -> None:
    """Many rows a statement: a thread gives the interpreter away and waits to get it back at each of them."""
    for start in range(0, len(changes), _ROWS):
        part = changes[start : start + _ROWS]
        parameters = [value for change in part for value in (change.key, change.value)]
        connection.execute(_PUT + ",".join(["(?,?)"] * len(part)), parameters)


def _delete(connection: sqlite3.Connection, keys: list[str]) -> None:
    for start in range(0, len(keys), _ROWS):
        part = keys[start : start + _ROWS]
        connection.execute(_DELETE + "(" + ",".join("?" * len(part)) + ")", part)


def _append(connection: sqlite3.Connection, stream: str, records: list[Record], chunk: bytes) -> None:
    size = _size(connection, stream)
    if records[0].index != size:
        raise Fenced(f"{stream} has {size} records, not {records[0].index}")
    size += len(records)
    connection.execute("INSERT OR REPLACE INTO stream VALUES (?, ?)", (stream, size))
    connection.execute("INSERT INTO outbox VALUES (?, ?, ?)", (stream, size, chunk))
