"""Brings an archive up to a source's cosigned checkpoint, stream by stream.

The order is what makes it safe to be stopped anywhere: first it is proved that the source's log goes on from the one
that the archive has, then each bundle is checked against that proof before it is written, then day files and tiles are
put, and only at the end the checkpoint that stands for them. What was put before that is put again by the next run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from witness.checkpoint import Checkpoint
from witness.day_files.streams import Stream
from witness.log.origins import origin_of
from witness.policy import JudgedCheckpoint, PolicyError, judge_checkpoint, parse_policy
from witness.ship.archive import Archive, ArchiveError, read_small
from witness.ship.archive_days import ArchiveDays
from witness.ship.archive_tiles import ArchiveTiles, partial_tiles
from witness.ship.errors import Refusal, RefusedError
from witness.ship.growth import RESTORE, Growth, check_consistency, prove_growth
from witness.ship.source import LARGEST_CHECKPOINT, Source, SourceError
from witness.tiles import WIDTH, Tile, TileError, TileReader
from witness.tiles.reader import TileSource
from witness.tree import EMPTY_ROOT, HASH_OCTETS, leaf_hashes

CHECKPOINT, POLICY, EVIDENCE = "checkpoint", "policy", "evidence"


@dataclass(frozen=True, slots=True)
class Shipment:
    """What was done for one stream, or in check mode would be. Sizes are in records."""

    stream: str
    before: int
    """What the archive had."""
    after: int
    """What it has."""

    @property
    def sent(self) -> int:
        """How many records came."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class _Offer:
    """A checkpoint with its octets."""

    octets: bytes
    judged: JudgedCheckpoint

    @property
    def checkpoint(self) -> Checkpoint:
        return self.judged.checkpoint


class Shipping:
    """From one source to one archive, which nobody else may write meanwhile."""

    def __init__(
        self, source: Source, archive: Archive, policy: bytes, *, check: bool = False, wait: Callable[[], bool]
    ) -> None:
        """`check`: write nothing.

        `wait` is called while the source has less than the archive, as a replica may for a moment; it waits, and says
        whether to look again.

        Raises:
            PolicyError: `policy` is none.
        """
        self._source, self._archive = source, archive
        self._policy_octets, self._policy = policy, parse_policy(policy)
        self._check = check
        self._wait = wait

    def ship(self, stream: Stream) -> Shipment:
        """Bring one stream's archive up to date.

        Raises:
            ShipError: the source or the archive can't be used.
            RefusedError: the source shows another history, or less than there was; what it showed is kept.
            WitnessError: the source doesn't answer.
        """
        archived = self._archived(stream)
        old = archived.checkpoint if archived else Checkpoint(origin_of(self._policy, stream.name), 0, EMPTY_ROOT)
        offered = self._offered(stream, old.size)
        if offered is None:
            if not self._check:
                # Nothing was ever recorded. Without the folder, nobody could tell that from one that was removed.
                self._put_policy(stream)
            return Shipment(stream.name, 0, 0)
        if archived is None:
            self._require_quorum(stream, offered)
        try:
            growth = self._prove(stream, old, offered)
        except RefusedError as error:
            raise RefusedError(
                error.refusal, f"{error}{self._keep_evidence(stream, archived, offered, error)}"
            ) from error
        # Only now: a fork is one whoever has cosigned it, the log's key has signed it.
        self._require_quorum(stream, offered)
        if not self._check:
            if growth.end > growth.start:
                self._bring(stream, growth, offered.checkpoint)
            self._publish(stream, archived, offered)
        return Shipment(stream.name, growth.start, growth.end)

    def lag(self, stream: Stream) -> int:
        """How many records are covered at the source, and not in the archive.

        Raises:
            WitnessError: they can't be asked.
        """
        archived, offered = self._archived(stream), self._ask(stream)
        size = archived.checkpoint.size if archived else 0
        return max(0, offered.checkpoint.size - size) if offered and offered.judged.fulfilled else 0

    # What there is

    def _archived(self, stream: Stream) -> _Offer | None:
        path = f"{stream.folder}/{CHECKPOINT}"
        octets = read_small(self._archive, path, LARGEST_CHECKPOINT)
        if octets is None:
            return None
        try:
            return self._judge(stream, octets)
        except PolicyError as error:
            raise ArchiveError(
                f"{path} of the archive: {error}; see whether this is the archive of this council"
            ) from error

    def _offered(self, stream: Stream, size: int) -> _Offer | None:
        """The source's checkpoint, once it covers what the archive has or doesn't within the patience."""
        offer = self._ask(stream)
        while (offer is None or offer.checkpoint.size < size) and size and self._wait():
            offer = self._ask(stream)
        if offer is None and size:
            text = f"the source shows no checkpoint of {stream.name}, and the archive has {size} records"
            raise SourceError(f"{text}; see why its log service has none (h323_witness_log_failed)")
        return offer

    def _ask(self, stream: Stream) -> _Offer | None:
        octets = self._source.checkpoint(stream.name)
        if octets is None:
            return None
        try:
            return self._judge(stream, octets)
        except PolicyError as error:
            text = f"the source's checkpoint of {stream.name}: {error}"
            raise SourceError(f"{text}; ship with the policy of this log") from error

    def _require_quorum(self, stream: Stream, offered: _Offer) -> None:
        if not offered.judged.fulfilled:
            names = ", ".join(offered.judged.cosigned) or "nobody"
            text = f"the source's checkpoint of {stream.name} is cosigned by {names}, which is not the policy's quorum"
            raise SourceError(f"{text}; see whether the cosigners can be reached from the gatekeeper in office")

    def _judge(self, stream: Stream, octets: bytes) -> _Offer:
        return _Offer(octets, judge_checkpoint(octets, self._policy, origin_of(self._policy, stream.name)))

    # Proof

    def _prove(self, stream: Stream, old: Checkpoint, offered: _Offer) -> Growth:
        new = offered.checkpoint
        if new.size >= old.size:
            return prove_growth(old, self._archived_tiles(stream), new, self._source_tiles(stream))
        check_consistency(new, old, self._archived_tiles(stream))
        text = f"the source shows {new.size} records of {stream.name}, and has shown {old.size} before"
        raise RefusedError(Refusal.ROLLBACK, f"{text}: it was rolled back, or has lost its connection to the others")

    def _keep_evidence(self, stream: Stream, archived: _Offer | None, offered: _Offer, error: RefusedError) -> str:
        """Both checkpoints, which the log's key has signed; where they are, as the end of a sentence."""
        if self._check or archived is None:
            return ""
        name = sha256(archived.octets + offered.octets).hexdigest()[:16]
        folder = f"{EVIDENCE}/{stream.folder}/{error.refusal.value}-{name}"
        try:
            self._archive.put(f"{folder}/archive.checkpoint", [archived.octets])
            self._archive.put(f"{folder}/source.checkpoint", [offered.octets])
        except ArchiveError as problem:
            # A full disk must not hide what was seen.
            return f"; copy both checkpoints away by hand, for the archive can't keep them ({problem})"
        return f"; both checkpoints are kept in {folder} of the archive"

    # Writing

    def _bring(self, stream: Stream, growth: Growth, checkpoint: Checkpoint) -> None:
        archived = self._archived_tiles(stream)
        try:
            tiles = ArchiveTiles(growth.start, archived, lambda tile, octets: self._put_tile(stream, tile, octets))
            days = ArchiveDays(self._archive, stream, growth.start, TileReader(growth.start, archived))
            try:
                for number, records in enumerate(self._source.records(stream.name, growth.start, growth.end)):
                    leaves = leaf_hashes(records)
                    growth.check(number, leaves)
                    days.append(records)
                    tiles.extend(leaves)
                days.finish()
            finally:
                days.close()
            tiles.finish()
            root = TileReader(growth.end, archived).root()
        except TileError as error:
            raise ArchiveError(f"the archive's tiles: {error}; {RESTORE}") from error
        if root != checkpoint.root:
            raise ArchiveError("the archive's tiles are not what was written; see to its disk or its mount")

    def _publish(self, stream: Stream, archived: _Offer | None, offered: _Offer) -> None:
        """Put the policy and the checkpoint, and remove what only the former one needed."""
        self._put_policy(stream)
        size = archived.checkpoint.size if archived else 0
        if archived is not None and offered.checkpoint.size == size and archived.judged.fulfilled:
            self._archive.settle(f"{stream.folder}/{CHECKPOINT}")
            return
        self._archive.put(f"{stream.folder}/{CHECKPOINT}", [offered.octets])
        stay = set(partial_tiles(offered.checkpoint.size))
        for tile in partial_tiles(size):
            if tile not in stay:
                self._archive.remove(f"{stream.folder}/{tile.path}")

    def _put_policy(self, stream: Stream) -> None:
        path = f"{stream.folder}/{POLICY}"
        if read_small(self._archive, path, len(self._policy_octets)) != self._policy_octets:
            self._archive.put(path, [self._policy_octets])

    def _put_tile(self, stream: Stream, tile: Tile, octets: bytes) -> None:
        self._archive.put(f"{stream.folder}/{tile.path}", [octets])

    def _archived_tiles(self, stream: Stream) -> TileSource:
        return lambda tile: read_small(self._archive, f"{stream.folder}/{tile.path}", WIDTH * HASH_OCTETS)

    def _source_tiles(self, stream: Stream) -> TileSource:
        return lambda tile: self._source.tile(stream.name, tile)
