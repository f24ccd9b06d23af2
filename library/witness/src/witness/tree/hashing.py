"""The two hashes of a tree (RFC 6962 2.1): their first octet keeps a node from being taken for a leaf."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

HASH_OCTETS = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(record: bytes) -> bytes:
    """The hash of a leaf: for a log, one record's exact octets, without the newline that ends its line."""
    return sha256(b"\0" + record).digest()


def leaf_hashes(records: Iterable[bytes]) -> list[bytes]:
    """The same of many, as fast as Python goes."""
    return [sha256(b"\0" + record).digest() for record in records]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\1" + left + right).digest()


def parents(hashes: list[bytes]) -> list[bytes]:
    """The hashes one level up, of an even number of neighbours."""
    pairs = iter(hashes)
    return [sha256(b"\1" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
