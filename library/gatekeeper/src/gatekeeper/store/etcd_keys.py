"""What the keys in etcd are called.

`epoch` (a number, compared in every transaction), `commit` (EPOCH.NUMBER of the last commit), `term` (the epoch's
holder and their last sign of life), `item/…` (the state), `answers/MILLISECONDS/COMMIT` (a chunk of answers by the time
from which on nobody asks for them), `outbox/STREAM/SIZE` (a chunk of records by the size that the stream has with it),
`size/STREAM` and `replica/STREAM/NODE` (how far each node's disk is). Chunks are compressed (zlib).
"""

from __future__ import annotations

import json
import zlib

from gatekeeper.store.chunk import split_answers
from gatekeeper.store.interface import Term

EPOCH, COMMIT, TERM = "epoch", "commit", "term"
ITEM, ANSWERS, OUTBOX, SIZE, REPLICA = "item/", "answers/", "outbox/", "size/", "replica/"
EVERYTHING = ANSWERS, TERM + "\0"
"""The range that all of them are in."""


def outbox_key(stream: str, size: int) -> str:
    """Where the chunk is with which the stream has this size."""
    return f"{OUTBOX}{stream}/{size:016d}"


def answers_key(forget_at: float) -> str:
    """Where the keys of the chunks of this millisecond begin; those of earlier ones are smaller."""
    return f"{ANSWERS}{int(forget_at * 1_000):016d}"


def deflated(chunk: bytes) -> bytes:
    """A chunk as etcd keeps it: a fifth of the octets, which saves etcd half of its work, and us base64 and TLS."""
    return zlib.compress(chunk, 1)


def inflated_answers(chunk: bytes) -> tuple[bytes, ...]:
    """The answers of a chunk as etcd keeps it."""
    return tuple(split_answers(zlib.decompress(chunk)))


def decode_term(octets: bytes | None) -> Term | None:
    """The term that the key's value describes."""
    return Term(**json.loads(octets)) if octets else None
