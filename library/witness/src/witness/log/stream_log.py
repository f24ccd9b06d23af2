"""One stream on this host: its records, the tree over them, and the checkpoint up to which the tree is published.

Nothing here knows of the network or of time. Everything may wait for the disk.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from pathlib import Path

from witness.checkpoint import Checkpoint
from witness.day_files.streams import Stream
from witness.durable_file import replace_durably
from witness.errors import WitnessError
from witness.log.lines import Lines, Position
from witness.policy import JudgedCheckpoint, Policy, PolicyError, judge_checkpoint
from witness.tiles import WIDTH, TileReader, TileWriter, folder_source
from witness.tree import consistency_proof, leaf_hashes, tree_root

CHECKPOINT, POLICY = "checkpoint", "policy"
_LARGEST_CHECKPOINT = 65_536
_AT_ONCE = 10_000
"""Lines that are read in one go."""
_MOST_PENDING = 1_000_000
"""Leaf hashes to keep while nobody cosigns; the rest waits in its files."""


class UnfitError(WitnessError):
    """The log on disk is not the one that its checkpoint stands for. Only a human can say which one is right."""


def origin_of(policy: Policy, stream: str) -> str:
    """The origin of a stream's log, which is the name of its key in the policy.

    Raises:
        PolicyError: the policy has none, or more than one.
    """
    names = [each.verifier.name for each in policy.logs if each.verifier.name.endswith(f"/{stream}")]
    if len(names) != 1:
        raise PolicyError(f"the policy has {len(names)} log keys whose names end with /{stream}; give it one")
    return names[0]


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
        self._bundles: list[Position] = []
        """Where each bundle of entries begins in the day files."""
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
        """
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
        self._tiles = TileWriter(self.folder, self.promised)

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
            if self._lines.index // WIDTH == len(self._bundles):
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
            OSError, TileError: the disk refuses, or somebody has changed a tile.
        """
        size = judged.checkpoint.size
        if size >= self._tiles.size:
            self._tile(size)
            self._tiles.publish()
        replace_durably(self.folder / CHECKPOINT, octets)
        self.published, self.judged = octets, judged

    def _reader(self) -> TileReader:
        return TileReader(self._tiles.size, folder_source(self.folder))

    # For other replicas

    def entries(self, start: int, count: int) -> list[bytes]:
        """So many records from this one on, which must be there."""
        first = start // WIDTH
        lines = Lines(self._directory, self._stream, first * WIDTH, self._bundles[first])
        try:
            found = lines.read(start - first * WIDTH + count)
        finally:
            lines.close()
        return found[start - first * WIDTH :]


def _node(line: bytes) -> str | None:
    """Who wrote a record."""
    try:
        node = json.loads(line).get("node")
    except (ValueError, RecursionError, AttributeError):
        return None
    return node if isinstance(node, str) else None
