"""One term of office: carries out what the core decides, commits in order, and ends at the first doubt."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from h323.h235 import PrivateKey

from gatekeeper.core import (
    Address,
    Call,
    Commit,
    CoreSettings,
    Effect,
    Gatekeeper,
    Inheritance,
    Instant,
    Observe,
    Selection,
    Send,
)
from gatekeeper.failover.last_answer import LastAnswer
from gatekeeper.failover.transaction import merge, take_full
from gatekeeper.metrics import Metrics
from gatekeeper.now import instant
from gatekeeper.operation import NotActiveError
from gatekeeper.patience import within
from gatekeeper.registry import Registry
from gatekeeper.store import Batch, Snapshot, Store, StoreUnavailable

CONFIRM_EVERY = 0.25
"""Seconds between two proofs of life under the epoch."""
CONFIRMED_WITHIN = 1.0
"""Seconds after which an unconfirmed epoch may be another's: nothing is answered any more."""
_ASK_AGAIN = 0.05
"""Seconds after which a store that couldn't be reached is asked again."""

LOGGER = logging.getLogger(__name__)

SendTo = Callable[[bytes, Address], None]


@dataclass(frozen=True, slots=True)
class Means:
    """What a node lends to its terms of office."""

    settings: CoreSettings
    signing_key: PrivateKey
    store: Store
    metrics: Metrics
    send: SendTo
    last_answer: LastAnswer = field(default_factory=LastAnswer)


class Tenure:
    """Runs a Gatekeeper from its snapshot until the term ends."""

    def __init__(
        self,
        means: Means,
        registry: Registry,
        snapshot: Snapshot,
        asked: float,
        inheritance: Inheritance | None = None,
    ) -> None:
        """Begin the term that the store gave when it was asked for at `asked` (monotonic seconds)."""
        self._means = means
        self.term = snapshot.term
        self.gatekeeper = Gatekeeper(
            means.settings, registry, means.signing_key, snapshot, instant(), os.urandom, inheritance
        )
        self._waiting: list[Commit] = []
        self._work = asyncio.Event()
        self._unenforced: deque[tuple[str, ...]] = deque()
        """Endpoints on which the registry is still to be enforced."""
        self._enforcing = asyncio.Event()
        # The proof is as old as the question: to read the state may have taken longer than it holds.
        self._confirmed = asked
        self._doubted_at = asked
        self._doubted = asyncio.Event()
        self._received: dict[int, float] = {}
        self._awaited: dict[int, asyncio.Future[None]] = {}
        self._may_ask = asyncio.Event()
        """Set unless a successor takes office: to be told so by the store would end the term too early."""
        self._may_ask.set()
        self.commits_under_way = 0
        """Decisions that are not durable yet."""
        self._carry_out(self.gatekeeper.open_term(instant()), None)

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            StoreError: the epoch is another's (Fenced), or the store refuses a commit: the term is over.
        """
        work = (self._commit_all, self._confirm_all, self._time_out_all, self._enforce_all)
        tasks = [asyncio.ensure_future(one()) for one in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for awaited in self._awaited.values():
                if not awaited.done():
                    awaited.set_exception(NotActiveError())

    @property
    def confirmed(self) -> bool:
        """Whether the epoch was surely ours within the last second, and since the last doubt."""
        return self.confirmed_at(time.monotonic())

    def confirmed_at(self, monotonic: float) -> bool:
        """The same, to be asked at the very moment that is given (monotonic seconds)."""
        return self._confirmed >= self._doubted_at and monotonic - self._confirmed <= CONFIRMED_WITHIN

    def doubt(self) -> None:
        """Answer nothing until the epoch is confirmed anew: the process stood still, and another may be in office."""
        self._doubted_at = time.monotonic()
        self._doubted.set()

    def hold(self) -> None:
        """Ask the store nothing until `go_on`: answer what needs no commit, for as long as the last proof holds."""
        self._may_ask.clear()

    def go_on(self) -> None:
        """Commit and confirm again."""
        self._may_ask.set()

    def receive(self, datagram: bytes, source: Address, now: Instant) -> None:
        """Take a datagram, unless it is in doubt whose term this is: then it is left to whoever is active."""
        if not self.confirmed_at(now.monotonic):
            self._means.metrics.count("unknown", "unconfirmed")
            return
        self._carry_out(self.gatekeeper.receive(datagram, source, now), now.monotonic)

    def use_registry(self, registry: Registry) -> None:
        """Enforce another registry from now on: on a council at once, on a hundred thousand by and by."""
        effects, parts = self.gatekeeper.begin_registry(registry, instant())
        self._carry_out(effects, None)
        self._unenforced = deque(parts)
        self._enforce_next()
        self._enforcing.set()

    def _enforce_next(self) -> None:
        if self._unenforced:
            self._carry_out(self.gatekeeper.enforce_registry(self._unenforced.popleft(), instant()), None)

    def list_calls(self) -> tuple[Call, ...]:
        """The calls that are admitted now.

        Raises:
            NotActiveError: it is in doubt whose term this is.
        """
        if not self.confirmed:
            raise NotActiveError
        return self.gatekeeper.list_calls()

    async def clear_calls(self, selection: Selection) -> int:
        """Clear calls; how many, once that is durable.

        Raises:
            NotActiveError: it is in doubt whose term this is, or the term has ended meanwhile.
        """
        if not self.confirmed:
            raise NotActiveError
        cleared, effects = self.gatekeeper.clear_calls(selection, instant())
        commits = [effect.number for effect in effects if isinstance(effect, Commit)]
        awaited = [self._awaited.setdefault(number, asyncio.get_running_loop().create_future()) for number in commits]
        self._carry_out(effects, None)
        await asyncio.gather(*awaited)
        return cleared

    def write_event(self, kind: str, **fields: object) -> None:
        """Write an event to the failover stream."""
        self._carry_out(self.gatekeeper.event(kind, instant(), **fields), None)

    def _carry_out(self, effects: list[Effect], received: float | None) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self._means.send(effect.datagram, effect.destination)
                if received is not None:
                    # An answer: who asks for patience on its own (RIP) has not served anybody.
                    self._means.last_answer.note(self.term.epoch, time.monotonic())
            elif isinstance(effect, Commit):
                self._waiting.append(effect)
                self.commits_under_way += 1
                if received is not None:
                    self._received[effect.number] = received
                self._work.set()
            else:
                self._observe(effect, received)

    def _observe(self, effect: Observe, received: float | None) -> None:
        self._means.metrics.count(effect.message, effect.result, effect.authentication)
        if received is not None:
            self._means.metrics.answered(effect.message, time.monotonic() - received)

    async def _commit_all(self) -> None:
        while True:
            await self._work.wait()
            await self._may_ask.wait()
            commits = take_full(self._waiting)
            if not self._waiting:
                self._work.clear()
            started = time.monotonic()
            await self._commit(merge(commits))
            self._means.metrics.committed(time.monotonic() - started)
            now = instant()
            for commit in commits:
                received = self._received.pop(commit.number, None)
                self._carry_out(self.gatekeeper.committed(commit.number, now), received)
                self.commits_under_way -= 1
                awaited = self._awaited.pop(commit.number, None)
                if awaited is not None and not awaited.done():
                    awaited.set_result(None)

    async def _commit(self, batch: Batch) -> None:
        """Commit; where the store can't say whether it did, ask until it can. The answers wait, and nothing is lost."""
        while True:
            started = time.monotonic()
            try:
                await self._means.store.commit(self.term.epoch, batch)
            except StoreUnavailable as error:
                LOGGER.warning("a commit waits: %s", error)
                await asyncio.sleep(_ASK_AGAIN)
            else:
                # The proof is as old as the question.
                self._confirmed = max(self._confirmed, started)
                return

    async def _confirm_all(self) -> None:
        while True:
            await self._may_ask.wait()
            self._doubted.clear()
            started = time.monotonic()
            try:
                await self._means.store.confirm(self.term.epoch, time.time())
            except StoreUnavailable as error:
                # No proof, no answers (see `confirmed`); the term goes on if the epoch turns out to be ours still.
                LOGGER.warning("the epoch is not confirmed: %s", error)
                await asyncio.sleep(_ASK_AGAIN)
            else:
                self._confirmed = max(self._confirmed, started)
                with contextlib.suppress(asyncio.TimeoutError):
                    await within(CONFIRM_EVERY, self._doubted.wait())

    async def _enforce_all(self) -> None:
        while True:
            await self._enforcing.wait()
            self._enforcing.clear()
            while self._unenforced:
                # Others wait for a turn of the event loop.
                await asyncio.sleep(0)
                self._enforce_next()

    async def _time_out_all(self) -> None:
        while True:
            await asyncio.sleep(max(0.0, self.gatekeeper.next_timeout - time.monotonic()))
            self._carry_out(self.gatekeeper.timeout(instant()), None)
