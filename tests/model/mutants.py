"""Mistakes that the service could have, each of which the model must find: what can't fail proves nothing."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from gatekeeper.core import WithoutQuorum
from gatekeeper.core.answers import AnswerCache
from gatekeeper.core.gatekeeper import Gatekeeper
from gatekeeper.failover.tenure import CONFIRMED_WITHIN, Tenure
from gatekeeper.store import Batch, Fenced, KeptAnswer, StoreUnavailable
from gatekeeper.store.etcd import EtcdStore
from gatekeeper.store.etcd_keys import outbox_key
from gatekeeper.store.gateway import delete
from gatekeeper.store.mirror import Mirror

from .memory_etcd import Json, MemoryEtcd
from .virtual_time import CURRENT


def _key(one: Json) -> str:
    return base64.b64decode(one["key"]).decode()


def _puts(body: Json, key: str) -> bool:
    return any("request_put" in one and _key(one["request_put"]) == key for one in body.get("success", ()))


@contextlib.contextmanager
def _comparing_less(concerns: Callable[[Json], bool], *prefixes: str) -> Iterator[None]:
    """Of some transactions the comparisons of keys that begin so are left out."""
    right = MemoryEtcd.ask

    def wrong(self: MemoryEtcd, sender: str, path: str, body: Json) -> Json:
        if path == "/v3/kv/txn" and concerns(body):
            body = body | {"compare": [one for one in body["compare"] if not _key(one).startswith(prefixes)]}
        return right(self, sender, path, body)

    with mock.patch.object(MemoryEtcd, "ask", wrong):
        yield


def _is_commit(body: Json) -> bool:
    return _puts(body, "commit") and not _puts(body, "epoch")


def commits_of_any_epoch() -> AbstractContextManager[None]:
    """A commit compares neither the epoch, nor the last commit, whose number contains it, nor the streams' ends.

    These alone fence as well: each term begins with a record.
    """
    return _comparing_less(_is_commit, "epoch", "commit", "size/")


def commits_that_double() -> AbstractContextManager[None]:
    """A commit compares the epoch alone, and so is carried out as often as it arrives."""
    return _comparing_less(_is_commit, "commit", "size/")


def takeover_without_compare() -> AbstractContextManager[None]:
    """Who takes office doesn't compare the epoch that it raises."""
    return _comparing_less(lambda body: _puts(body, "epoch"), "epoch")


def proof_of_any_epoch() -> AbstractContextManager[None]:
    """The proof of life doesn't compare the epoch."""
    return _comparing_less(lambda body: _puts(body, "term") and not _puts(body, "epoch"), "epoch")


@contextlib.contextmanager
def answer_before_commit() -> Iterator[None]:
    """The answer leaves while its commit is on its way."""
    right = Gatekeeper._answer_durably

    def wrong(self: Gatekeeper, *arguments: Any) -> Any:
        effects = right(self, *arguments)
        pending = self._commits._pending[effects[-1].number]
        early, pending.effects = pending.effects, ()
        return [*early, *effects]

    with mock.patch.object(Gatekeeper, "_answer_durably", wrong):
        yield


@contextlib.contextmanager
def lease_from_the_answer() -> Iterator[None]:
    """The lease is counted from when etcd's answer came, not from when it was asked."""
    right = EtcdStore.confirm

    async def wrong(self: EtcdStore, epoch: int, unix: float) -> None:
        await right(self, epoch, unix)
        self.__dict__["answered"] = CURRENT.clock.monotonic

    def confirmed_at(self: Tenure, monotonic: float) -> bool:
        last = max(self._confirmed, self._means.store.__dict__.get("answered", self._confirmed))
        return monotonic - last <= CONFIRMED_WITHIN

    with mock.patch.object(EtcdStore, "confirm", wrong), mock.patch.object(Tenure, "confirmed_at", confirmed_at):
        yield


@contextlib.contextmanager
def no_lease() -> Iterator[None]:
    """Who believes to be in office answers, however long ago that was confirmed."""
    with mock.patch.object(Tenure, "confirmed_at", return_value=True):
        yield


@contextlib.contextmanager
def _commit_that_forgives(error: type[Exception]) -> Iterator[None]:
    right = EtcdStore.commit

    async def wrong(self: EtcdStore, epoch: int, batch: Batch) -> None:
        with contextlib.suppress(error):
            await right(self, epoch, batch)

    with mock.patch.object(EtcdStore, "commit", wrong):
        yield


def unknown_is_done() -> AbstractContextManager[None]:
    """A commit of which etcd doesn't say whether it was made counts as made."""
    return _commit_that_forgives(StoreUnavailable)


def fenced_is_done() -> AbstractContextManager[None]:
    """A commit that etcd refused, for the epoch is another's, counts as made."""
    return _commit_that_forgives(Fenced)


@contextlib.contextmanager
def answers_die_with_their_term() -> Iterator[None]:
    """The next term doesn't know what was answered before it."""
    with mock.patch.object(AnswerCache, "restore", return_value=[]):
        yield


@contextlib.contextmanager
def decided_again_while_waiting() -> Iterator[None]:
    """A request that comes again while its commit is on its way is decided a second time."""
    right = AnswerCache.prepare

    def wrong(self: AnswerCache, received: Any, *rest: Any) -> KeptAnswer:
        kept = right(self, received, *rest)
        del self._answers[received.digest]
        return kept

    with mock.patch.object(AnswerCache, "prepare", wrong):
        yield


@contextlib.contextmanager
def office_by_what_was_followed_so_far() -> Iterator[None]:
    """Who takes office doesn't wait until what it follows has come to the beginning of its term."""

    async def wrong(self: EtcdStore, _term: object, _revision: int) -> Mirror | None:
        mirror = self._mirror
        if mirror is not None:
            mirror.end()
        return mirror

    with mock.patch.object(EtcdStore, "_followed", wrong):
        yield


@contextlib.contextmanager
def outbox_dropped_early() -> Iterator[None]:
    """Records leave the outbox as soon as one of the two nodes has them on its disk."""
    right = EtcdStore.acknowledge

    async def wrong(self: EtcdStore, node: str, stream: str, size: int) -> None:
        await right(self, node, stream, size)
        await self._transact([], [delete(outbox_key(stream, 0), outbox_key(stream, size + 1))])

    with mock.patch.object(EtcdStore, "acknowledge", wrong):
        yield


def caretaker_refuses_everything() -> AbstractContextManager[None]:
    """Without a quorum also that is refused which may have been handed to the store."""
    return mock.patch.object(WithoutQuorum, "_is_surely_undecided", return_value=True)


@dataclass(frozen=True)
class Mutant:
    """A mistake, the alphabet that finds it, and what the judge then says."""

    mistake: Callable[[], AbstractContextManager[None]]
    alphabet: str
    symptom: str


MUTANTS = {
    "commits-of-any-epoch": Mutant(commits_of_any_epoch, "commits", "commits 1.4 in epoch 2"),
    "commits-that-double": Mutant(commits_that_double, "commits", "commits 1.4 in epoch 1 of gk1, after (1, 4)"),
    "takeover-without-compare": Mutant(takeover_without_compare, "takeovers", "raises epoch 1 to 1"),
    "proof-of-any-epoch": Mutant(proof_of_any_epoch, "leases", "in epoch 2 of gk2"),
    "answer-before-commit": Mutant(answer_before_commit, "commits", "no such decision is durable"),
    "lease-from-the-answer": Mutant(lease_from_the_answer, "leases", "its lease 1."),
    "no-lease": Mutant(no_lease, "leases", "its lease"),
    "unknown-is-done": Mutant(unknown_is_done, "commits", "no such decision is durable"),
    "fenced-is-done": Mutant(fenced_is_done, "commits", "no such decision is durable"),
    "answers-die-with-their-term": Mutant(answers_die_with_their_term, "seats", "decided again after its confirm"),
    "decided-again-while-waiting": Mutant(decided_again_while_waiting, "commits", "decided again after its confirm"),
    "office-by-what-was-followed-so-far": Mutant(office_by_what_was_followed_so_far, "followers", "it was replaced"),
    "caretaker-refuses-everything": Mutant(
        caretaker_refuses_everything, "caretakers", "ARQ is confirmed, and was refused for want of a quorum"
    ),
    "outbox-dropped-early": Mutant(outbox_dropped_early, "seats", "is dropped, and gk1 hasn't got it"),
}
