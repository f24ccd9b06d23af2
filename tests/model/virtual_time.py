"""Clocks and event loops that are turned by hand."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import heapq
import itertools
import os
import sys
import time
from asyncio import events
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from unittest import mock

from h323.h235 import ed25519

UNIX_AT_START = 1_800_000_000.0
_MOST_TURNS = 2_000


class RestlessError(AssertionError):
    """A node that never comes to rest while no time passes."""


@dataclass
class Clock:
    """True time, in seconds since the world began."""

    now: float = 0.0


@dataclass
class NodeClock:
    """What one node takes for the time."""

    true: Clock
    monotonic_offset: float = 0.0
    unix_offset: float = 0.0

    @property
    def monotonic(self) -> float:
        """Seconds."""
        return self.true.now + self.monotonic_offset

    @property
    def unix(self) -> float:
        """Seconds."""
        return UNIX_AT_START + self.true.now + self.unix_offset


async def _done_at_once(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


class _NoSelector:
    """There is no I/O that asyncio knows of."""

    @staticmethod
    def select(_timeout: float | None) -> list[object]:
        return []


class NodeLoop(asyncio.BaseEventLoop):
    """An event loop that runs what is due, and returns."""

    def __init__(self, clock: NodeClock) -> None:
        super().__init__()
        # Nothing is ever early: who looks at the clock after a timer finds that its time has passed.
        self._clock_resolution = 0.0
        self._clock = clock
        self._selector = _NoSelector()
        self.readers: dict[object, Callable[[], None]] = {}
        self.tasks: set[asyncio.Task[Any]] = set()
        self.set_task_factory(self._make_task)

    def _make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def time(self) -> float:
        return self._clock.monotonic

    def _process_events(self, _events: list[object]) -> None:
        return

    def _write_to_self(self) -> None:
        return

    def add_reader(self, descriptor: Any, callback: Callable[..., object], *arguments: object) -> None:
        self.readers[descriptor] = lambda: callback(*arguments)

    def remove_reader(self, descriptor: Any) -> bool:
        return self.readers.pop(descriptor, None) is not None

    def run_in_executor(self, _executor: object, work: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        """What would be done in a thread is done in the loop's next turn."""
        return self.create_task(_done_at_once(work, *arguments))

    @property
    def due(self) -> float | None:
        """When there is something to do next, in this node's monotonic seconds."""
        if self._ready:
            return float("-inf")
        while self._scheduled and self._scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            handle = heapq.heappop(self._scheduled)
            handle._scheduled = False
        return self._scheduled[0]._when if self._scheduled else None

    def turn(self) -> None:
        """Do everything that is due.

        Raises:
            RestlessError: there is always more.
        """
        events._set_running_loop(self)
        try:
            for _ in range(_MOST_TURNS):
                due = self.due
                if due is None or due >= self.time():
                    return
                self._run_once()
        finally:
            events._set_running_loop(None)
        raise RestlessError

    def end(self) -> None:
        """Cancel everything: the process is gone. Nothing that it does while it ends may have an effect."""
        for task in tuple(self.tasks):
            task.cancel()
        self.turn()
        self.close()

    def waits(self) -> tuple[object, ...]:
        """Where each task stands, and in how many milliseconds what is due: what the node will do depends on it."""
        stacks = sorted(tuple(_stack(task.get_coro())) for task in self.tasks)
        now = self.time()
        timers = sorted(round((one._when - now) * 1_000) for one in self._scheduled if not one._cancelled)
        return tuple(stacks), tuple(timers)


def _stack(coroutine: Any) -> Iterator[tuple[str, int]]:
    while coroutine is not None and hasattr(coroutine, "cr_code"):
        frame = coroutine.cr_frame
        yield coroutine.cr_code.co_name, frame.f_lineno if frame else 0
        coroutine = coroutine.cr_await


@dataclass
class Current:
    """Whose turn it is: all that asks for time or chance gets this node's."""

    clock: NodeClock = field(default_factory=lambda: NodeClock(Clock()))
    chance: Iterator[bytes] = field(default_factory=lambda: chance("nobody"))

    def random_bytes(self, count: int) -> bytes:
        """The same in every run."""
        octets = b""
        while len(octets) < count:
            octets += next(self.chance)
        return octets[:count]


def chance(name: str) -> Iterator[bytes]:
    """32 octets at a time, as random as they look."""
    return (hashlib.sha256(f"{name} {number}".encode()).digest() for number in itertools.count())


class _Os:
    """The module, but for its random source."""

    def __init__(self, current: Current) -> None:
        self.urandom = current.random_bytes

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)


CURRENT = Current()


@contextlib.contextmanager
def virtual_time() -> Iterator[None]:
    """The service's modules get their time and chance from the node whose turn it is, and remember signatures.

    They are the same again and again: to make and check them anew would take half of the time.
    """
    clock = SimpleNamespace(
        monotonic=lambda: CURRENT.clock.monotonic,
        monotonic_ns=lambda: int(CURRENT.clock.monotonic * 1e9),
        perf_counter=lambda: CURRENT.clock.monotonic,
        time=lambda: CURRENT.clock.unix,
    )
    system = _Os(CURRENT)
    with contextlib.ExitStack() as stack:
        for name, module in tuple(sys.modules.items()):
            if name.startswith("gatekeeper.") and module is not None:
                if getattr(module, "time", None) is time:
                    stack.enter_context(mock.patch.object(module, "time", clock))
                if getattr(module, "os", None) is os:
                    stack.enter_context(mock.patch.object(module, "os", system))
        for name in ("crypto_sign", "crypto_sign_open"):
            remembering = lru_cache(maxsize=100_000)(getattr(ed25519, name))
            stack.enter_context(mock.patch.object(ed25519, name, remembering))
        yield
