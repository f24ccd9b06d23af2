"""Trees of any size against RFC 6962's own recursive definitions; a spoilt proof is never a proof."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness.tree import (
    Frontier,
    MemoryTree,
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from witness.tree.frontier import FrontierError


def mth(records: Sequence[bytes]) -> bytes:
    """RFC 6962 2.1, as it's written there."""
    if not records:
        return sha256(b"").digest()
    if len(records) == 1:
        return sha256(b"\0" + records[0]).digest()
    k = 1
    while 2 * k < len(records):
        k *= 2
    return sha256(b"\1" + mth(records[:k]) + mth(records[k:])).digest()


def records_of(size: int) -> list[bytes]:
    return [b"record %d" % number for number in range(size)]


SIZES = st.one_of(st.integers(0, 70), st.sampled_from([127, 128, 129, 255, 256, 257]))
LARGE = MemoryTree.of_records(records_of(257))


def spoilt(proof: list[bytes], which: int, bit: int) -> list[bytes]:
    """The proof with one bit of one hash changed."""
    changed = bytearray(proof[which])
    changed[bit // 8] ^= 1 << bit % 8
    return [*proof[:which], bytes(changed), *proof[which + 1 :]]


@given(st.lists(st.binary(max_size=20), max_size=70), st.data())
def test_a_frontier_is_what_the_definition_says(records: list[bytes], data: st.DataObject) -> None:
    frontier, rest = Frontier(), leaf_hashes(records)
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        if count == 1:
            frontier.append(rest[0])
        else:
            frontier.extend(rest[:count])
        rest = rest[count:]
    assert frontier.size == len(records)
    assert frontier.root() == mth(records) == MemoryTree.of_records(records).root()


@given(SIZES, SIZES)
def test_a_frontier_goes_on_from_its_octets(size: int, more: int) -> None:
    records = records_of(size + more)
    frontier = Frontier()
    frontier.extend(leaf_hashes(records[:size]))
    again, copied = Frontier.decode(frontier.encode()), frontier.copy()
    for each in (again, copied):
        each.extend(leaf_hashes(records[size:]))
        assert each.size == size + more
        assert each.root() == mth(records)
    assert frontier.root() == mth(records[:size])


@given(st.binary(max_size=120))
def test_octets_are_a_frontier_or_an_error(octets: bytes) -> None:
    try:
        frontier = Frontier.decode(octets)
    except FrontierError:
        return
    assert frontier.encode() == octets


@given(st.integers(0, 256), st.integers(0, 256))
def test_inclusion_proofs_of_every_size(one: int, other: int) -> None:
    index, size = min(one, other), max(one, other) + 1
    proof = inclusion_proof(index, size, LARGE.hash_at)
    verify_inclusion(leaf_hash(b"record %d" % index), index, size, mth(records_of(size)), proof)


@given(st.integers(0, 257), st.integers(0, 257))
def test_consistency_proofs_of_every_size(one: int, other: int) -> None:
    old, new = min(one, other), max(one, other)
    proof = consistency_proof(old, new, LARGE.hash_at)
    verify_consistency(old, mth(records_of(old)), new, mth(records_of(new)), proof)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_every_changed_bit_of_an_inclusion_proof_is_noticed(size: int) -> None:
    root = LARGE.root(size)
    for index in range(size):
        leaf = LARGE.hash_at(0, index)
        proof = inclusion_proof(index, size, LARGE.hash_at)
        for bit in range(256):
            with pytest.raises(ProofError):
                verify_inclusion(spoilt([leaf], 0, bit)[0], index, size, root, proof)
            with pytest.raises(ProofError):
                verify_inclusion(leaf, index, size, spoilt([root], 0, bit)[0], proof)
            for which in range(len(proof)):
                with pytest.raises(ProofError):
                    verify_inclusion(leaf, index, size, root, spoilt(proof, which, bit))


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 8), (6, 8), (5, 13), (8, 13)])
def test_every_changed_bit_of_a_consistency_proof_is_noticed(old: int, new: int) -> None:
    roots = LARGE.root(old), LARGE.root(new)
    proof = consistency_proof(old, new, LARGE.hash_at)
    for bit in range(256):
        with pytest.raises(ProofError):
            verify_consistency(old, spoilt([roots[0]], 0, bit)[0], new, roots[1], proof)
        with pytest.raises(ProofError):
            verify_consistency(old, roots[0], new, spoilt([roots[1]], 0, bit)[0], proof)
        for which in range(len(proof)):
            with pytest.raises(ProofError):
                verify_consistency(old, roots[0], new, roots[1], spoilt(proof, which, bit))


@given(st.integers(1, 256), st.integers(1, 256), st.data())
def test_a_proof_with_a_hash_too_many_or_too_few_is_none(one: int, other: int, data: st.DataObject) -> None:
    index, size = min(one, other) - 1, max(one, other)
    leaf, root = LARGE.hash_at(0, index), LARGE.root(size)
    for proof in _mutilated(inclusion_proof(index, size, LARGE.hash_at), data):
        with pytest.raises(ProofError):
            verify_inclusion(leaf, index, size, root, proof)
    old = index + 1
    for proof in _mutilated(consistency_proof(old, size, LARGE.hash_at), data):
        with pytest.raises(ProofError):
            verify_consistency(old, LARGE.root(old), size, root, proof)


def _mutilated(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    at = data.draw(st.integers(0, len(proof)))
    made = [[*proof[:at], data.draw(st.sampled_from([bytes(32), *proof])), *proof[at:]]]
    if proof:
        made += [proof[:at] + proof[at + 1 :]] if at < len(proof) else [proof[:-1]]
        made += [[*proof[:-1], proof[-1][:-1]]]
    return made


@given(st.integers(1, 257), st.integers(0, 257), st.lists(st.binary(min_size=32, max_size=32), max_size=9))
def test_a_made_up_proof_is_none(old: int, new: int, proof: list[bytes]) -> None:
    other_root = sha256(b"another tree").digest()
    with pytest.raises(ProofError):
        verify_consistency(old, LARGE.root(old), new, other_root, proof)
    with pytest.raises(ProofError):
        verify_inclusion(LARGE.hash_at(0, 0), old, new, other_root, proof)


def test_what_no_tree_has() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ProofError):
            inclusion_proof(index, size, LARGE.hash_at)
        with pytest.raises(ProofError):
            verify_inclusion(LARGE.hash_at(0, 0), index, size, LARGE.root(size), [])
    for old, new in ((3, 2), (-1, 2)):
        with pytest.raises(ProofError):
            consistency_proof(old, new, LARGE.hash_at)
        with pytest.raises(ProofError):
            verify_consistency(old, LARGE.root(0), new, LARGE.root(new), [])


def test_the_empty_tree_has_one_root_only() -> None:
    verify_consistency(0, tree_root(0, LARGE.hash_at), 3, LARGE.root(3), [])
    with pytest.raises(ProofError):
        verify_consistency(0, LARGE.root(1), 3, LARGE.root(3), [])
    with pytest.raises(ProofError):
        verify_consistency(0, LARGE.root(1), 0, LARGE.root(1), [])
