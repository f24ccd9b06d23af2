"""Merkle trees as in RFC 6962 section 2.1, over SHA-256."""

from witness.tree.frontier import Frontier
from witness.tree.hashing import EMPTY_ROOT, HASH_OCTETS, leaf_hash, leaf_hashes, node_hash
from witness.tree.memory import MemoryTree
from witness.tree.proof import (
    HashReader,
    ProofError,
    consistency_proof,
    inclusion_proof,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

__all__ = [
    "EMPTY_ROOT",
    "HASH_OCTETS",
    "Frontier",
    "HashReader",
    "MemoryTree",
    "ProofError",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "leaf_hashes",
    "node_hash",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
]
