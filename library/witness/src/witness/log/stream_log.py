"""One stream on this host: its records, the tree over them, and the checkpoint up to which the tree is published.

Nothing here knows of the network or of time. Everything may wait for the disk.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from pathlib import Path

from witness.checkpoint import Checkpoint
from witness.day_files.markers import RETAINED, MarkerError, read_marker
from witness.day_files.streams import Stream
from witness.durable_file import replace_durably
from witness.errors import WitnessError
from witness.log.lines import Lines, LinesError, Position, first_index
from witness.log.origins import origin_of
from witness.policy import JudgedCheckpoint, Policy, PolicyError, judge_checkpoint
from witness.tiles import WIDTH, Tile, TileReader, TileWriter, folder_source
from witness.tiles.path import HEIGHT
from witness.tree import HASH_OCTETS, Frontier, consistency_proof, leaf_hashes, tree_root

CHECKPOINT, POLICY = "checkpoint", "policy"
_LARGEST_CHECKPOINT = 65_536
_AT_ONCE = 10_000
"""Lines that are read in one go."""
_MOST_PENDING = 1_000_000
"""Leaf hashes to keep while nobody cosigns; the rest waits in its files."""


class UnfitError(WitnessError):
    """The log on disk is not the one that its checkpoint stands for. Only a human can say which one is right."""


class RemovedError(WitnessError):
    """A record was removed from this host, since it is old."""


class StreamLog:
    """The records that were read, the tiles of those that are covered, and what is between them."""

    def __init__(self, directory: Path, stream: Stream, policy: Policy) -> None:
        """`policy` says which checkpoints count. Nothing is read yet."""
        self.name = stream.name
        self.origin = origin_of(policy, stream.name)
        self.folder = directory / stream.folder
        self._directory, self._stream = directory, stream
        self._policy = policy
        self._lines = Lines(directory, stream)
        self._first = 0
        """Index of the first record that is there: older days may have been removed."""
        self._bundles: list[Position] = []
        """Where each bundle of entries, from that of the first record on, begins in the day files."""
        self._pending: deque[bytes] = deque()
        """Leaf hashes beyond the tiles."""
        self.published: bytes | None = None
        """The checkpoint's octets."""
        self.judged: JudgedCheckpoint | None = None
        self._tiles = TileWriter(self.folder)
        self.newest_node: str | None = None
        """Who wrote the newest record."""

    # What there is

    @property
    def size(self) -> int:
        """How many records were read."""
        return self._lines.index

    @property
    def promised(self) -> int:
        """How many records there must be: the last checkpoint's size."""
        return self.judged.checkpoint.size if self.judged is not None else 0

    @property
    def covered(self) -> int:
        """Up to where the last checkpoint is cosigned as the policy demands it today."""
        return self.promised if self.judged is not None and self.judged.fulfilled else 0

    def judge(self, octets: bytes) -> JudgedCheckpoint:
        """Who stands for a checkpoint of this log.

        Raises:
            PolicyError: it is none, or this log's key has not signed it.
        """
        return judge_checkpoint(octets, self._policy, self.origin)

    # Beginning

    def open(self) -> None:
        """Read the checkpoint.

        Raises:
            UnfitError: it is not this log's.
            LinesError: the day files can't be read.
            TileError: records were removed, and their hashes, too.
        """
        self._read_checkpoint()
        self._tiles = TileWriter(self.folder, self.promised)
        self._first = first_index(self._directory, self._stream)
        if self._first:
            self._take_hashes(self._first)
            self._lines = Lines(self._directory, self._stream, self._first)

    def _read_checkpoint(self) -> None:
        try:
            with (self.folder / CHECKPOINT).open("rb") as file:
                octets = file.read(_LARGEST_CHECKPOINT)
        except FileNotFoundError:
            return
        try:
            self.judged, self.published = self.judge(octets), octets
        except PolicyError as error:
            raise UnfitError(
                f"{self.folder / CHECKPOINT}: {error}; see who wrote it, then put the right one (or none) there"
            ) from error

    def _take_hashes(self, count: int) -> None:
        """Go on after records that were removed: of them the tiles remain, and the checkpoint stands for those.

        Raises:
            UnfitError: no checkpoint covers them.
            TileError: one is missing.
        """
        if count > min(self.promised, self._retained()):
            raise UnfitError(
                f"{self.folder} begins with record {count}, and no retention has removed those before it; keep the"
                " folder as evidence, and copy another host's"
            )
        tiles = TileReader(self.promised, folder_source(self.folder))
        for index in range(-(-count // WIDTH)):
            octets = tiles.tile(Tile(0, index, min(WIDTH, self.promised - index * WIDTH)))
            hashes = [octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS)]
            self._tiles.append(hashes[: count - index * WIDTH])

    def _retained(self) -> int:
        """From which record on they are kept here, as whoever removes old days has noted before."""
        try:
            return read_marker(self.folder, RETAINED, self.name)
        except MarkerError as error:
            raise UnfitError(str(error)) from error

    def close(self) -> None:
        """Close the files."""
        self._lines.close()

    # Growing

    def read_on(self) -> int:
        """Read what was added to the day files, a part of it at a time; how many records there were.

        Raises:
            LinesError: the files are not a stream.
            ShrunkError: they have to be read anew, by another StreamLog.
            UnfitError: a tile or the checkpoint is of other records.
        """
        if len(self._pending) >= _MOST_PENDING:
            return 0
        start = self.size
        lines: list[bytes] = []
        while len(lines) < _AT_ONCE:
            # Up to the next bundle, which has to be found again.
            if self._lines.index // WIDTH == self._first // WIDTH + len(self._bundles):
                self._bundles.append(self._lines.position())
            part = self._lines.read(WIDTH - self._lines.index % WIDTH)
            if not part:
                break
            lines += part
        if lines:
            self.newest_node = _node(lines[-1])
            self._pending.extend(leaf_hashes(lines))
            if self._tiles.size < self.promised:
                self._check_promised()
        return self.size - start

    def _check_promised(self) -> None:
        """Compare what must be there with the tiles and, once all of it is, with the checkpoint."""
        self._tile(min(self.size, self.promised))
        if self.judged is not None and self._tiles.size == self.promised:
            self._require(self.judged.checkpoint, self._tiles.frontier.root())
            # They are there: this compares the partial ones, too.
            self._tiles.publish()

    def _tile(self, size: int) -> None:
        self._tiles.append([self._pending.popleft() for _ in range(size - self._tiles.size)])

    def _require(self, checkpoint: Checkpoint, root: bytes) -> None:
        if root != checkpoint.root:
            raise UnfitError(
                f"the first {checkpoint.size} records in {self.folder} are not those of the checkpoint of"
                f" {self.origin}: somebody changed them; keep the folder as evidence, and copy another host's"
            )

    # Covering

    def root(self, size: int) -> bytes:
        """The root over the first records, of which there must be so many."""
        if size < self._tiles.size:
            return tree_root(size, self._reader().hash_at)
        frontier = self._tiles.frontier.copy()
        frontier.extend(itertools.islice(self._pending, size - frontier.size))
        return frontier.root()

    def check(self, checkpoint: Checkpoint) -> None:
        """Compare a checkpoint, which must not be larger than the log, with the records.

        Raises:
            UnfitError: it is of others.
        """
        self._require(checkpoint, self.root(checkpoint.size))

    def takes(self, judged: JudgedCheckpoint) -> bool:
        """Whether somebody's checkpoint is to be published here: it covers more, and not less than was promised.

        What is promised may be more than is covered: the policy has become stricter meanwhile.
        """
        return judged.fulfilled and judged.checkpoint.size > self.covered and judged.checkpoint.size >= self.promised

    def prepare(self) -> Checkpoint:
        """Put all records into tiles on disk; the checkpoint to be signed.

        Raises:
            OSError, TileError: the disk refuses, or somebody has changed a tile.
        """
        self._tile(self.size)
        self._tiles.publish()
        return Checkpoint(self.origin, self._tiles.size, self._tiles.frontier.root())

    def proof(self, old: int) -> list[bytes]:
        """That the tree that was prepared begins with the tree of `old` records, which must not be larger."""
        return consistency_proof(old, self._tiles.size, self._reader().hash_at)

    def publish(self, octets: bytes, judged: JudgedCheckpoint) -> None:
        """Put a checkpoint, which was checked, into the folder. Its tiles come before it.

        Raises:
            UnfitError: it covers fewer records than the one that is there.
            OSError, TileError: the disk refuses, or somebody has changed a tile.
        """
        size = judged.checkpoint.size
        if size < self.promised:
            raise UnfitError(
                f"{self.folder / CHECKPOINT} is of {self.promised} records, and would become one of {size}"
            )
        if size >= self._tiles.size:
            self._tile(size)
            self._tiles.publish()
        else:
            self._put_partial_tiles(size)
        replace_durably(self.folder / CHECKPOINT, octets)
        self.published, self.judged = octets, judged

    def _put_partial_tiles(self, size: int) -> None:
        """Those of a tree that is smaller than the one that was prepared."""
        read = self._reader().hash_at
        for level in range((size.bit_length() + HEIGHT - 1) // HEIGHT):
            nodes = size >> HEIGHT * level
            tile = Tile(level, nodes // WIDTH, nodes % WIDTH)
            if tile.width:
                path = self.folder / tile.path
                path.parent.mkdir(parents=True, exist_ok=True)
                replace_durably(path, b"".join(read(HEIGHT * level, node) for node in range(nodes - tile.width, nodes)))

    def _reader(self) -> TileReader:
        # Until all that was promised is there, it is that tree whose tiles are on disk.
        return TileReader(max(self._tiles.size, self.promised), folder_source(self.folder))

    # For other replicas

    def entries(self, start: int, count: int) -> list[bytes]:
        """So many records from this one on, of which the last must have been read.

        Raises:
            RemovedError: the first of them is there no more.
            LinesError: they can't be read.
        """
        if start < self._first:
            raise RemovedError(f"the records before {self._first} were removed from this host")
        bundle = start // WIDTH - self._first // WIDTH
        first = max(self._first, start // WIDTH * WIDTH)
        lines = Lines(self._directory, self._stream, first, self._bundles[bundle])
        try:
            found = lines.read(start - first + count)
        finally:
            lines.close()
        return found[start - first :]


def own_frontier(directory: Path, stream: Stream, size: int) -> Frontier:
    """The tree over this host's first records, of which there are so many.

    Raises:
        LinesError: the files are not a stream, or have fewer.
        TileError: some were removed, and their hashes, too.
    """
    first = first_index(directory, stream)
    frontier = Frontier()
    reader = TileReader(size, folder_source(directory / stream.folder))
    frontier.extend(reader.hash_at(0, index) for index in range(first))
    lines = Lines(directory, stream, first)
    try:
        while frontier.size < size:
            part = lines.read(min(_AT_ONCE, size - frontier.size))
            if not part:
                raise LinesError(f"{directory / stream.folder} has {frontier.size} records, and not {size}")
            frontier.extend(leaf_hashes(part))
    finally:
        lines.close()
    return frontier


def _node(line: bytes) -> str | None:
    """Who wrote a record."""
    try:
        node = json.loads(line).get("node")
    except (ValueError, RecursionError, AttributeError):
        return None
    return node if isinstance(node, str) else None
