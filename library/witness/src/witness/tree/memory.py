"""A small tree with all of its hashes in memory."""

from __future__ import annotations

from collections.abc import Iterable

from witness.tree.hashing import leaf_hashes, parents
from witness.tree.proof import tree_root


class MemoryTree:
    """All complete subtrees by level and index: what proofs are made from."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        """`leaves` are leaf hashes."""
        self._levels: list[list[bytes]] = [[]]
        self.extend(leaves)

    @classmethod
    def of_records(cls, records: Iterable[bytes]) -> MemoryTree:
        """The tree over these records."""
        return cls(leaf_hashes(records))

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return len(self._levels[0])

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves by their hashes."""
        self._levels[0].extend(leaves)
        level = 0
        while len(self._levels[level]) > 1:
            if level + 1 == len(self._levels):
                self._levels.append([])
            above = self._levels[level + 1]
            complete = len(self._levels[level]) // 2 * 2
            above.extend(parents(self._levels[level][2 * len(above) : complete]))
            level += 1

    def hash_at(self, level: int, index: int) -> bytes:
        """The root of the complete subtree of 2**level leaves that begins with leaf index * 2**level."""
        return self._levels[level][index]

    def root(self, size: int | None = None) -> bytes:
        """The root hash, now or when it had `size` leaves."""
        return tree_root(self.size if size is None else size, self.hash_at)
