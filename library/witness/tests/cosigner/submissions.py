"""A log as its tests have it in memory, forks of it, and what is submitted to a cosigner."""

from __future__ import annotations

from collections.abc import Sequence

from witness.checkpoint import Checkpoint
from witness.note import Cosigner, Signer, open_note, parse_signature_lines, sign_note, strict_base64
from witness.tree import MemoryTree, consistency_proof, leaf_hash

ORIGIN = "council.example/h323_ras"
LOG = Signer(ORIGIN, bytes(range(32)))
GATEWAY = Signer("council.example/gateway", bytes(range(2, 34)))
KEY = Cosigner("council.example/wit1", bytes(range(1, 33)))
NOW = 1_795_000_000


class Tree:
    """A log's tree; `fork` names another one that is the same up to a size."""

    def __init__(self, size: int, fork: str = "", forked_at: int = 0, signer: Signer = LOG) -> None:
        self._signer = signer
        leaves = [leaf_hash(f"{n}{fork if n >= forked_at else ''}".encode()) for n in range(size)]
        self._tree = MemoryTree(leaves)

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self._signer.verifier.name, size, self._tree.root(size))

    def note(self, size: int) -> bytes:
        return sign_note(self.checkpoint(size).text(), self._signer).encode()

    def proof(self, old: int, size: int) -> list[bytes]:
        return consistency_proof(old, size, self._tree.hash_at)

    def submission(self, old: int, size: int) -> bytes:
        """What an honest log submits."""
        return request(old, self.proof(old, size), self.note(size))


def request(old: object, proof: Sequence[bytes], note: bytes) -> bytes:
    lines = [f"old {old}", *(strict_base64.encode(each) for each in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note


def cosigned_at(note: bytes, answer: str | bytes, key: Cosigner = KEY) -> int:
    """The time of an answer's cosignature over a note; it must be right."""
    octets = answer if isinstance(answer, bytes) else answer.encode()
    assert len(parse_signature_lines(octets)) == 1
    (verified,) = open_note(note + octets, [key.verifier]).verified
    assert verified.timestamp is not None
    return verified.timestamp
