"""The network between one node and etcd: what the store takes for an aiohttp session. Whatever is asked can be held up.

A transaction is delivered and answered at once, unless the link holds: then each waits until the world delivers it,
lets its answer through, or loses either. Who gave up waiting doesn't stop a transaction that is on its way. Reads pass,
and so does what compares nothing (how far a log is); through a link that is cut nothing passes. A watch's events can
be held up by themselves (`lagging`).
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from .memory_etcd import Json, MemoryEtcd, Watcher

_TRANSACTION, _WATCH = "/v3/kv/txn", "/v3/watch"


@dataclass
class OnItsWay:
    """A transaction between a node and etcd."""

    body: Json
    asked: float
    """When it was asked, in the node's own monotonic seconds."""
    answer: asyncio.Future[Json]
    carried_out: Json | None = None
    """etcd's answer, which hasn't arrived yet."""


class Link:
    """One node's connections to etcd, for the time that its process lives."""

    def __init__(
        self, name: str, etcd: MemoryEtcd, clock: Callable[[], float], heard: Callable[[Json, float], None]
    ) -> None:
        """`heard` is told of each transaction that held and whose answer arrives, with the time it was asked."""
        self._name = name
        self._etcd = etcd
        self._clock = clock
        self._heard = heard
        self.held = False
        self.cut = False
        self.lagging = False
        self.dead = False
        self.waiting: deque[OnItsWay] = deque()
        self._streams: list[_Stream] = []

    # What the store calls

    def post(self, url: str, *, data: Any = None, json: Json | None = None, timeout: Any = None) -> _Exchange:
        """See aiohttp.ClientSession."""
        return _Exchange(self, urlsplit(url).path, _body(data, json), timeout or aiohttp.ClientTimeout())

    async def close(self) -> None:
        """See aiohttp.ClientSession."""

    # What the world does

    def carry_out(self, number: int) -> None:
        """A transaction arrives at etcd; its answer is on its way from then on."""
        one = self.waiting[number]
        if one.carried_out is None:
            one.carried_out = self._etcd.ask(self._name, _TRANSACTION, one.body)

    def answer(self, number: int) -> None:
        """A transaction arrives at etcd if it hasn't yet, and its answer arrives here."""
        self.carry_out(number)
        one = self.waiting[number]
        del self.waiting[number]
        self._arrives(one)

    def lose(self, number: int) -> None:
        """A transaction is lost, or its answer if it has arrived at etcd."""
        del self.waiting[number]

    def _arrives(self, one: OnItsWay) -> None:
        if not one.answer.done() and one.carried_out is not None:
            one.answer.set_result(one.carried_out)
            if one.carried_out.get("succeeded") and one.body.get("compare"):
                self._heard(one.body, one.asked)

    def release(self) -> None:
        """Nothing is held up any more."""
        self.held = False
        while self.waiting:
            self.answer(0)

    def set_cut(self, *, cut: bool) -> None:
        """A cut link loses all that is on its way; the connections of watches fall silent and then break."""
        self.cut = cut
        if cut:
            self.waiting.clear()
        else:
            for stream in tuple(self._streams):
                stream.fail()

    def set_lagging(self, *, lagging: bool) -> None:
        """Hold the watches' events up, or let through what was held up."""
        self.lagging = lagging
        if not lagging:
            for stream in self._streams:
                stream.catch_up()

    # What exchanges do

    def begin(self, path: str, body: Json) -> asyncio.Future[Json]:
        """Send a request."""
        answer = asyncio.get_running_loop().create_future()
        if self.cut or self.dead:
            return answer
        one = OnItsWay(body, self._clock(), answer)
        if path == _TRANSACTION and body.get("compare") and self.held:
            self.waiting.append(one)
        else:
            one.carried_out = self._etcd.ask(self._name, path, body)
            self._arrives(one)
        return answer

    def open_watch(self, body: Json, timeout: aiohttp.ClientTimeout) -> _Stream:
        """Begin a watch."""
        stream = _Stream(self, timeout)
        self._streams.append(stream)
        if not self.cut and not self.dead:
            stream.watcher = self._etcd.watch(body, stream.tell)
        return stream

    def close_watch(self, stream: _Stream) -> None:
        """End a watch."""
        self._streams.remove(stream)
        if stream.watcher is not None:
            self._etcd.watchers.remove(stream.watcher)


def _body(data: Any, body: Json | None) -> Json:
    if body is not None:
        return body
    octets = data.read() if hasattr(data, "read") else data
    loaded: Json = json.loads(octets)
    return loaded


async def _within(seconds: float | None, future: asyncio.Future[Any]) -> Any:
    """The future's result, or TimeoutError. Unlike `wait_for` before Python 3.12 it misses no cancellation."""
    if seconds is None:
        return await future

    def expire() -> None:
        if not future.done():
            future.set_exception(asyncio.TimeoutError())

    timer = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        return await future
    finally:
        timer.cancel()


@dataclass
class _Response:
    """See aiohttp.ClientResponse."""

    answer: Json
    content: _Stream | None = None
    status: int = 200
    connection: None = None

    async def json(self, **_: object) -> Json:
        """See aiohttp.ClientResponse."""
        return self.answer


class _Exchange:
    """A request and its response, as a context."""

    def __init__(self, link: Link, path: str, body: Json, timeout: aiohttp.ClientTimeout) -> None:
        self._link = link
        self._path = path
        self._body = body
        self._timeout = timeout
        self._stream: _Stream | None = None

    async def __aenter__(self) -> _Response:
        if self._path == _WATCH:
            self._stream = self._link.open_watch(self._body, self._timeout)
            return _Response({}, self._stream)
        return _Response(await _within(self._timeout.total, self._link.begin(self._path, self._body)))

    async def __aexit__(self, *_: object) -> None:
        if self._stream is not None:
            self._link.close_watch(self._stream)


@dataclass(eq=False)
class _Stream:
    """The lines of a watch."""

    link: Link
    timeout: aiohttp.ClientTimeout
    watcher: Watcher | None = None
    _lines: deque[bytes] = field(default_factory=deque)
    _delayed: deque[bytes] = field(default_factory=deque)
    _failed: bool = False

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._deadline = None if self.timeout.total is None else loop.time() + self.timeout.total
        self._waiter: asyncio.Future[None] | None = None

    def tell(self, result: Json) -> None:
        """etcd sends a line."""
        if self.link.cut or self.link.dead:
            return
        self._delayed.append(json.dumps({"result": result}).encode() + b"\n")
        if not self.link.lagging:
            self.catch_up()

    def catch_up(self) -> None:
        """What was held up arrives."""
        self._lines += self._delayed
        self._delayed.clear()
        self._wake()

    def fail(self) -> None:
        """The connection is reset."""
        self._failed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> _Stream:
        return self

    async def __anext__(self) -> bytes:
        while not self._lines:
            if self._failed:
                raise aiohttp.ClientConnectionError("reset")
            self._waiter = asyncio.get_running_loop().create_future()
            await _within(self._patience(), self._waiter)
        return self._lines.popleft()

    def iter_any(self) -> _Stream:
        """See aiohttp.StreamReader."""
        return self

    async def readline(self) -> bytes:
        """See aiohttp.StreamReader."""
        return await self.__anext__()

    def _patience(self) -> float | None:
        read = self.timeout.sock_read
        if self._deadline is None:
            return read
        left = max(0.0, self._deadline - asyncio.get_running_loop().time())
        return left if read is None else min(left, read)
