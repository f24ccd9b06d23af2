"""A tree that only grows: what is needed to know its root, and no more (one hash for each bit of its size)."""

from __future__ import annotations

from collections.abc import Iterable

from witness.errors import WitnessError
from witness.tree.hashing import EMPTY_ROOT, HASH_OCTETS, node_hash, parents

_SIZE_OCTETS = 8


class FrontierError(WitnessError):
    """Octets that are no frontier."""


class Frontier:
    """The complete subtrees that a tree of `size` leaves consists of, largest first on its left side."""

    __slots__ = ("_subtrees", "size")

    def __init__(self) -> None:
        self.size = 0
        # By level: the root of the complete subtree of 2**level leaves, if the size has that bit.
        self._subtrees: list[bytes | None] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf by its hash."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves by their hashes, in order."""
        hashes = list(leaves)
        self.size += len(hashes)
        level = 0
        while hashes:
            if level == len(self._subtrees):
                self._subtrees.append(None)
            waiting = self._subtrees[level]
            if waiting is not None:
                hashes.insert(0, waiting)
            self._subtrees[level] = hashes.pop() if len(hashes) % 2 else None
            hashes = parents(hashes)
            level += 1

    def root(self) -> bytes:
        """The tree's root hash (RFC 6962's MTH)."""
        root = None
        for subtree in self._subtrees:
            if subtree is not None:
                root = subtree if root is None else node_hash(subtree, root)
        return EMPTY_ROOT if root is None else root

    def copy(self) -> Frontier:
        """One that grows by itself from here."""
        other = Frontier()
        other.size, other._subtrees = self.size, list(self._subtrees)
        return other

    def encode(self) -> bytes:
        """As octets: the size in 8 octets, then the subtrees' hashes, the largest first."""
        hashes = [subtree for subtree in reversed(self._subtrees) if subtree is not None]
        return self.size.to_bytes(_SIZE_OCTETS, "big") + b"".join(hashes)

    @classmethod
    def decode(cls, octets: bytes) -> Frontier:
        """The frontier that was encoded.

        Raises:
            FrontierError: these octets are not of that form.
        """
        size = int.from_bytes(octets[:_SIZE_OCTETS], "big")
        hashes = [octets[at : at + HASH_OCTETS] for at in range(_SIZE_OCTETS, len(octets), HASH_OCTETS)]
        if len(octets) != _SIZE_OCTETS + HASH_OCTETS * size.bit_count():
            raise FrontierError(f"{len(octets)} octets are no frontier of {size} leaves")
        frontier = cls()
        frontier.size = size
        frontier._subtrees = [hashes.pop() if size >> level & 1 else None for level in range(size.bit_length())]
        return frontier
