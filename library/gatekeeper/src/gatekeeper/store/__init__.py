"""Where registrations, calls and the outbox of the witness log are kept: SQLite on one machine, etcd on several."""

from gatekeeper.store.interface import (
    Batch,
    Change,
    Fenced,
    Follower,
    KeptAnswer,
    Record,
    Snapshot,
    Store,
    StoreError,
    StoreUnavailable,
    Term,
)

__all__ = [
    "Batch",
    "Change",
    "Fenced",
    "Follower",
    "KeptAnswer",
    "Record",
    "Snapshot",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "Term",
]
