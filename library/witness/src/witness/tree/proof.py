"""Inclusion and consistency proofs: made as in RFC 6962 2.1.1 and 2.1.2, checked as in RFC 9162 2.1.3.2 and 2.1.4.2."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence

from witness.errors import WitnessError
from witness.tree.hashing import EMPTY_ROOT, HASH_OCTETS, node_hash

HashReader = Callable[[int, int], bytes]
"""Gives the root of the complete subtree of 2**level leaves that begins with leaf index * 2**level: (level, index)."""


class ProofError(WitnessError):
    """A proof that proves nothing, or one that can't be had."""


def tree_root(size: int, read: HashReader) -> bytes:
    """The root hash of the first `size` leaves."""
    return _range_root(0, size, read) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: HashReader) -> list[bytes]:
    """That leaf `index` is in the tree of the first `size` leaves.

    Raises:
        ProofError: there's no such leaf in that tree.
    """
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    start, end = 0, size
    ranges = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return [_range_root(*each, read) for each in reversed(ranges)]


def consistency_proof(old: int, new: int, read: HashReader) -> list[bytes]:
    """That the tree of the first `new` leaves begins with the tree of the first `old` ones.

    Raises:
        ProofError: the old tree is larger than the new one.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} leaves does not contain one of {old}")
    if old in {0, new}:
        return []
    start, end = 0, new
    ranges = []
    # Down to the subtree that the old tree ends with.
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:
        # Otherwise it is the whole old tree, whose root the verifier has.
        ranges.append((start, end))
    return [_range_root(*each, read) for each in reversed(ranges)]


def verify_inclusion(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the leaf with this hash is number `index` of the tree with this size and root.

    Raises:
        ProofError: the proof does not show it.
    """
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    steps = _steps(proof)
    node, last = index, size - 1
    reached = leaf
    for step in steps:
        if not last:
            raise ProofError("the inclusion proof is too long")
        if node % 2 or node == last:
            reached = node_hash(step, reached)
            node, last = _up_to_right_child(node, last)
        else:
            reached = node_hash(reached, step)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the inclusion proof is too short")
    _require_same(reached, root, "the inclusion proof leads to another root")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `new` leaves begins with the one of `old`.

    Raises:
        ProofError: the proof does not show it.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} leaves does not contain one of {old}")
    steps = _steps(proof)
    if old in {0, new}:
        if steps:
            raise ProofError("the consistency proof is too long")
        _require_same(old_root, EMPTY_ROOT if old == 0 else new_root, f"this is not the root of {old} leaves")
        if new == 0:
            _require_same(new_root, EMPTY_ROOT, "this is not the root of an empty tree")
        return
    _verify_growth((old, old_root), (new, new_root), steps)


def _verify_growth(old: tuple[int, bytes], new: tuple[int, bytes], steps: list[bytes]) -> None:
    """For 0 < old < new, as in RFC 9162 2.1.4.2."""
    if old[0].bit_count() == 1:
        steps.insert(0, old[1])
    if not steps:
        raise ProofError("the consistency proof is too short")
    node, last = _up_to_left_child(old[0] - 1, new[0] - 1)
    old_reached = new_reached = steps[0]
    for step in steps[1:]:
        if not last:
            raise ProofError("the consistency proof is too long")
        if node % 2 or node == last:
            old_reached = node_hash(step, old_reached)
            new_reached = node_hash(step, new_reached)
            node, last = _up_to_right_child(node, last)
        else:
            new_reached = node_hash(new_reached, step)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("the consistency proof is too short")
    _require_same(old_reached, old[1], "the consistency proof leads to another old root")
    _require_same(new_reached, new[1], "the consistency proof leads to another new root")


def _steps(proof: Sequence[bytes]) -> list[bytes]:
    if any(len(step) != HASH_OCTETS for step in proof):
        raise ProofError(f"a proof consists of hashes of {HASH_OCTETS} octets")
    return list(proof)


def _up_to_right_child(node: int, last: int) -> tuple[int, int]:
    """Skip the levels at which the last node has no sibling and goes up as it is."""
    while node and not node % 2:
        node, last = node >> 1, last >> 1
    return node, last


def _up_to_left_child(node: int, last: int) -> tuple[int, int]:
    """Skip the levels that are complete within the old tree."""
    while node % 2:
        node, last = node >> 1, last >> 1
    return node, last


def _require_same(reached: bytes, claimed: bytes, otherwise: str) -> None:
    if not hmac.compare_digest(reached, claimed):
        raise ProofError(otherwise)


def _split(leaves: int) -> int:
    """RFC 6962's k: the largest power of two smaller than the number of leaves."""
    return 1 << (leaves - 1).bit_length() - 1


def _range_root(start: int, end: int, read: HashReader) -> bytes:
    """The root over leaves [start, end), where start is what such a range of a proof begins with."""
    subtrees = [read(level, index) for level, index in _subtrees(start, end)]
    root = subtrees.pop()
    while subtrees:
        root = node_hash(subtrees.pop(), root)
    return root


def _subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees of a range as (level, index), the largest first."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level
