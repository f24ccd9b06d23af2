"""Which commits share a transaction of the store: as many as wait, up to what a transaction may be."""

from __future__ import annotations

from gatekeeper.core import Commit
from gatekeeper.store import Batch

_MOST_MERGED = 256 * 1024
"""Octets after which a transaction is full; etcd takes 1.5 MB unless told otherwise."""


def merge(commits: list[Commit]) -> Batch:
    """One batch of several, in order; of two changes to one key the later one counts."""
    batches = [commit.batch for commit in commits]
    changes = {change.key: change for batch in batches for change in batch.changes}
    records = [record for batch in batches for record in batch.records]
    answers = [answer for batch in batches for answer in batch.answers]
    forget = max((batch.forget for batch in batches if batch.forget is not None), default=None)
    if forget is not None and any(answer.forget_at <= forget for answer in answers):
        # They waited longer than they are kept: they must not be forgotten as they are written.
        forget = None
    return Batch(tuple(changes.values()), tuple(records), tuple(answers), forget)


def _octets(batch: Batch) -> int:
    size = 0
    for change in batch.changes:
        size += len(change.key) + len(change.value or b"")
    for record in batch.records:
        size += len(record.line)
    for answer in batch.answers:
        size += len(answer.octets)
    return size


def take_full(waiting: list[Commit]) -> list[Commit]:
    """Take from the front of the list as many commits as make a full transaction, at least one."""
    size = count = 0
    for commit in waiting:
        size += _octets(commit.batch)
        if size > _MOST_MERGED and count:
            break
        count += 1
    taken, waiting[:count] = waiting[:count], []
    return taken
