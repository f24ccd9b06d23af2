"""How a source's log has grown from the one that the archive has: proved before a single record is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from witness.checkpoint import Checkpoint
from witness.ship.archive import ArchiveError
from witness.ship.errors import Refusal, RefusedError
from witness.ship.source import SourceError, parts
from witness.tiles import WIDTH, Tile, TileError, TileReader
from witness.tiles.reader import TileSource
from witness.tree import HASH_OCTETS, Frontier, tree_root


@dataclass(frozen=True, slots=True)
class Growth:
    """From one size to another, with what each bundle of entries between must be."""

    start: int
    end: int
    digests: tuple[bytes, ...]
    """By bundle: of the leaf hashes that are new in it."""

    def check(self, number: int, leaves: list[bytes]) -> None:
        """Compare a bundle that came with what the checkpoint stands for.

        Raises:
            SourceError: it is another.
        """
        if digest_of(leaves) != self.digests[number]:
            text = f"the source's records in bundle {self.start // WIDTH + number} are not those of its checkpoint"
            raise SourceError(f"{text}: keep its folder as evidence, and ship from another replica")


def digest_of(leaves: list[bytes]) -> bytes:
    """One hash for leaf hashes, in order."""
    return sha256(b"".join(leaves)).digest()


def prove_growth(old: Checkpoint, old_tiles: TileSource, new: Checkpoint, new_tiles: TileSource) -> Growth:
    """That the log of `new`, which must not be smaller, begins with what the archive has.

    Raises:
        ArchiveError: the archive's own tiles are not those of its checkpoint.
        SourceError: the source's tiles are not those of its checkpoint, or are missing.
        RefusedError: the source shows another history.
    """
    frontier = _frontier(old, old_tiles)
    digests = []
    try:
        for leaves in _new_leaves(old.size, new.size, new_tiles):
            frontier.extend(leaves)
            digests.append(digest_of(leaves))
    except TileError as error:
        raise _bad_source(error) from error
    if frontier.root() != new.root:
        check_consistency(old, new, new_tiles)
        raise SourceError(f"the source's leaf tiles from {old.size} on are not those of its checkpoint; {_ELSEWHERE}")
    return Growth(old.size, new.size, tuple(digests))


_ELSEWHERE = "restart its log service, or ship from another replica"


def check_consistency(smaller: Checkpoint, larger: Checkpoint, larger_tiles: TileSource) -> None:
    """That the larger log begins with the smaller one.

    Raises:
        SourceError: the larger one's tiles are not those of its checkpoint.
        RefusedError: it does not.
    """
    reader = TileReader(larger.size, larger_tiles)
    try:
        root, earlier = reader.root(), tree_root(smaller.size, reader.hash_at)
    except TileError as error:
        raise _bad_source(error) from error
    if root != larger.root:
        raise SourceError(f"the tiles do not lead to the checkpoint of {larger.size}; {_ELSEWHERE}")
    if earlier != smaller.root:
        text = f"the checkpoints of {larger.origin} at {smaller.size} and {larger.size} are of two different histories"
        raise RefusedError(Refusal.FORK, f"{text}: somebody has forked the log")


def _bad_source(error: TileError) -> SourceError:
    return SourceError(f"the source's tiles: {error}; {_ELSEWHERE}")


def _frontier(checkpoint: Checkpoint, tiles: TileSource) -> Frontier:
    size = checkpoint.size
    reader = TileReader(size, tiles)
    levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
    try:
        # Each subtree ends where the size, cut off below its bit, does.
        subtrees = [reader.hash_at(level, (size >> level) - 1) for level in levels]
    except TileError as error:
        raise ArchiveError(f"the archive's tiles: {error}; {RESTORE}") from error
    frontier = Frontier.decode(size.to_bytes(8, "big") + b"".join(subtrees))
    if frontier.root() != checkpoint.root:
        raise ArchiveError(f"the archive's tiles do not lead to its checkpoint of {size}; {RESTORE}")
    return frontier


RESTORE = "keep it as evidence, and ship into a new folder"


def _new_leaves(start: int, end: int, tiles: TileSource) -> Iterator[list[bytes]]:
    """The leaf hashes from `start` to `end`, tile by tile."""
    reader = TileReader(end, tiles)
    for first, stop in parts(start, end):
        index = first // WIDTH
        octets = reader.tile(Tile(0, index, min(WIDTH, end - index * WIDTH)))
        yield split_hashes(octets)[first % WIDTH : stop - index * WIDTH]


def split_hashes(octets: bytes) -> list[bytes]:
    """A tile's hashes."""
    return [octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS)]
