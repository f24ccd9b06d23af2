"""Verifies one stream's folder.

The checkpoint is read first: what comes after it is a tail. Records go from the files straight into the tree, so that
memory does not grow with the log.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from witness.checkpoint import Checkpoint
from witness.day_files.filing import own_day
from witness.day_files.flaw import Flaw, FlawKind
from witness.day_files.markers import RETAINED, MarkerError, read_marker
from witness.day_files.reader import DayFileReader, Run
from witness.day_files.streams import Stream
from witness.policy import NONE, JudgedCheckpoint, Policy, PolicyError, judge_checkpoint
from witness.tiles import TileError, folder_source
from witness.tree import leaf_hashes
from witness.verify.earlier_tiles import has_tiles, wrong_earlier_tiles
from witness.verify.finding import Finding, Kind, Verdict, finding_of
from witness.verify.locations import Locations
from witness.verify.report import StreamReport
from witness.verify.tree_check import TreeCheck, leaf_tiles, root_of_leaf_tiles

CHECKPOINT = "checkpoint"
DEFAULT_MAX_AGE = 60.0
_LARGEST_CHECKPOINT = 1_000_000
_AT_ONCE = 4_096
"""Leaves that go into the tree at once."""
_MOST_PENDING = 1_000_000
"""Leaf hashes beyond the checkpoint that are kept for the next checkpoint."""

Wait = Callable[[int], bool]
"""Asked with the number of records that are not covered; waits a moment and says whether to look again."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What a log has to fulfil."""

    policy: Policy
    max_age: float = DEFAULT_MAX_AGE
    """Seconds by which the newest cosignature may be older than the newest record."""
    known: tuple[Checkpoint, ...] = ()
    """Checkpoints of this log that were seen before: it must have grown from them."""


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    items: Iterator[Run | Flaw]
    leaves: deque[bytes] = field(default_factory=deque)
    """Hashes that are not in the tree yet."""
    size: int = 0
    """Records that were read, or that tiles stand for."""
    newest: bytes = b""
    keep: bool = True
    """Whether the leaves are wanted."""


def verify_stream(
    folder: Path,
    stream: Stream,
    origin: str,
    demands: Demands,
    progress: Callable[[int], object] | None = None,
    wait: Wait | None = None,
) -> StreamReport:
    """Verify the log of one origin. `progress` is told how many octets of the day files have been read.

    Raises:
        FolderError: the folder can't be read.
    """
    verification = _Verification(folder, stream, demands, StreamReport(stream.name, folder, origin))
    return verification.run(progress, wait)


class _Verification:
    def __init__(self, folder: Path, stream: Stream, demands: Demands, report: StreamReport) -> None:
        self._folder = folder
        self._demands = demands
        self._report = report
        self._progress: Callable[[int], object] | None = None
        self._files = DayFileReader(folder, stream)
        self._reading = _Reading(iter(()))
        self._source = folder_source(folder) if has_tiles(folder) else None
        self._tree = TreeCheck(self._source)
        self._tree_is_whole = True
        """Whether every leaf so far is known."""
        self._locations = Locations()
        self._has_strangers = False
        self._seen = 0
        """Records that there were when the end was reached for the first time."""
        self._grew = False
        """Whether a newer checkpoint came since then."""
        self._flaws: list[Flaw] = []
        self._octets: bytes | None = None
        self._judged: JudgedCheckpoint | None = None

    def run(self, progress: Callable[[int], object] | None, wait: Wait | None) -> StreamReport:
        """Verify everything."""
        self._progress = progress
        try:
            self._take_checkpoint()
            self._check_known()
            self._cover()
            self._read_to_the_end()
            self._look_again(wait)
            self._finish()
        finally:
            self._files.close()
        return self._report

    # The checkpoint

    def _read_checkpoint(self) -> bytes | None:
        try:
            with (self._folder / CHECKPOINT).open("rb") as file:
                return file.read(_LARGEST_CHECKPOINT + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._report.add(
                Finding(Kind.UNREADABLE, f"it cannot be read: {error.strerror}", self._folder / CHECKPOINT)
            )
            return None

    def _take_checkpoint(self) -> None:
        octets = self._read_checkpoint()
        if octets is None or octets == self._octets:
            return
        self._octets = octets
        try:
            judged = judge_checkpoint(octets, self._demands.policy, self._report.origin)
        except PolicyError as error:
            self._report.add(Finding(Kind.BAD_CHECKPOINT, str(error), self._folder / CHECKPOINT))
            return
        if self._judged is None or judged.checkpoint.size >= self._judged.checkpoint.size:
            self._judged = judged
            self._report.checkpoint, self._report.cosigned = judged.checkpoint, judged.cosigned

    def _check_known(self) -> None:
        """Grow the tree to each checkpoint that the auditor brings, as far as it must contain them."""
        for known in sorted(self._demands.known, key=lambda each: each.size):
            if known.size > self._report.covered:
                text = f"it covers {self._report.covered} records, and you have a checkpoint of {known.size}"
                self._report.add(Finding(Kind.ROLLED_BACK, text, self._folder / CHECKPOINT))
            elif self._grow(known.size) and self._tree.root() != known.root:
                text = f"its first {known.size} records are not those of the checkpoint that you have"
                self._report.add(Finding(Kind.FORK, text, self._folder / CHECKPOINT))

    # Records

    def _items(self) -> Iterator[Run | Flaw]:
        for item in self._files.read():
            yield item
            if self._progress is not None:
                self._progress(self._files.octets)

    def _read_some(self) -> bool:
        """Read on a little; whether there was anything."""
        reading = self._reading
        item = next(reading.items, None)
        if item is None:
            reading.items = self._items()
            item = next(reading.items, None)
        if item is None:
            return False
        if not reading.size and self._files.first:
            self._take_absent(self._files.first)
        if isinstance(item, Flaw):
            self._take_flaw(item)
        else:
            self._take_run(item)
        return True

    def _take_run(self, run: Run) -> None:
        reading = self._reading
        reading.size = run.first + len(run.lines)
        reading.newest = run.lines[-1]
        self._locations.add(run)
        self._note_strangers(run)
        if run.first + len(run.lines) > self._report.covered:
            self._require_json(run)
        if reading.keep:
            reading.leaves.extend(leaf_hashes(run.lines))

    def _note_strangers(self, run: Run) -> None:
        """Who moves records to another day's file changes none, but whoever reads a day is misled."""
        for at in {0, len(run.lines) - 1}:
            day = own_day(run.lines[at])
            if not self._has_strangers and day is not None and f"_{day}." not in run.path.name:
                self._has_strangers = True
                index = run.first + at
                where = f"{run.path}:{run.line + at}"
                self._report.notes.append(f"{where}: record {index} is of {day}, so it was written to another file")

    def _require_json(self, run: Run) -> None:
        """No hash tells whether a record beyond the checkpoint is what was written, so it's read here."""
        for at in range(max(0, self._report.covered - run.first), len(run.lines)):
            try:
                record = json.loads(run.lines[at])
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict):
                text = "a line that is no record (a JSON object with an index)"
                self._report.add(Finding(Kind.NO_RECORD, text, run.path, run.line + at, run.first + at))

    def _take_flaw(self, flaw: Flaw) -> None:
        # Whether a line without an end matters depends on what is covered in the end.
        if flaw.kind is FlawKind.TORN:
            self._flaws.append(flaw)
        else:
            self._report.add(finding_of(flaw, 0))
        if flaw.kind is FlawKind.MISSING:
            self._stand_in(flaw.index, flaw.index + flaw.count)

    def _take_absent(self, first: int) -> None:
        """Records before the first one were retained: the tiles have to stand for them."""
        report = self._report
        report.first = first
        if first > report.covered:
            text = f"records 0 to {first - 1} are not here, and the checkpoint stands only for {report.covered}"
            report.add(Finding(Kind.ABSENT, text, self._folder, None, 0))
            self._give_up_tree()
        elif self._stand_in(0, first):
            report.notes.append(f"records 0 to {first - 1} are not here: their hashes in the tiles stand for them")
            self._require_retained(first)
        else:
            text = f"records 0 to {first - 1} are not here, and not all of the tiles are that stand for them"
            report.add(Finding(Kind.ABSENT, text, self._folder, None, 0))
        self._reading.size = first

    def _require_retained(self, first: int) -> None:
        try:
            retained = read_marker(self._folder, RETAINED, self._report.stream)
        except MarkerError as error:
            self._report.add(Finding(Kind.ABSENT, str(error), self._folder / RETAINED, None, 0))
            return
        if first > retained:
            text = f"records {retained} to {first - 1} are not here, and no rotation has removed them"
            self._report.add(Finding(Kind.ABSENT, text, self._folder, None, retained))

    def _stand_in(self, begin: int, end: int) -> bool:
        """Take hashes of records that are missing from the tiles; whether that can be done."""
        self._reading.size = end
        if not self._reading.keep or end > self._report.covered or self._source is None:
            self._give_up_tree()
            return False
        try:
            for hashes in leaf_tiles(begin, end, self._report.covered, self._source):
                self._reading.leaves.extend(hashes)
        except TileError:
            self._give_up_tree()
            return False
        return True

    def _give_up_tree(self) -> None:
        self._tree_is_whole = False
        self._reading.keep = False
        self._reading.leaves.clear()

    # The tree

    def _grow(self, size: int) -> bool:
        """Put records into the tree until it has this size; whether it has."""
        leaves = self._reading.leaves
        while self._tree.size < size and self._reading.keep:
            if not leaves and not self._read_some():
                return False
            count = min(size - self._tree.size, len(leaves), _AT_ONCE)
            self._tree.extend([leaves.popleft() for _ in range(count)])
        return self._tree.size == size

    def _cover(self) -> None:
        """Compare the records with the checkpoint."""
        checkpoint = self._report.checkpoint
        if checkpoint is None or not self._grow(checkpoint.size):
            return
        self._tree.compare_partial()
        if self._tree.root() == checkpoint.root:
            return
        self._tree_is_whole = False
        size = checkpoint.size
        trusted = self._source is not None and root_of_leaf_tiles(size, self._source) == checkpoint.root
        why = "the tiles, which fit the checkpoint, have another hash" if trusted else "its tile has another hash, too"
        for index in self._tree.differing:
            path, line = self._locations.find(index)
            self._report.add(
                Finding(Kind.RECORD_DIFFERS, f"record {index} is not the one signed: {why}", path, line, index)
            )
        self._report.further += self._tree.differing_count - len(self._tree.differing)
        if not trusted:
            text = f"the first {size} records lead to another root than the checkpoint has"
            self._report.add(Finding(Kind.ROOT_DIFFERS, text, self._folder / CHECKPOINT))

    def _read_to_the_end(self) -> None:
        reading = self._reading
        while self._read_some():
            if len(reading.leaves) > _MOST_PENDING or self._report.checkpoint is None:
                reading.keep = False
                reading.leaves.clear()

    def _look_again(self, wait: Wait | None) -> None:
        """A log in use has a newer checkpoint by now: take it as far as the records were read."""
        # A line without its end may be one that is just being written.
        self._seen = self._reading.size + bool(self._files.finish())
        while self._tree_is_whole and self._reading.keep and self._judged and self._report.covered < self._seen:
            before = self._report.covered
            self._take_checkpoint()
            if self._report.covered > before:
                self._grew = True
                self._cover()
            elif wait is None or not wait(max(1, self._seen - before)):
                break
            else:
                self._read_to_the_end()

    # The end

    def _finish(self) -> None:
        report = self._report
        report.records = self._reading.size
        # Where records come all the time, the last one is often being written.
        torn = [] if self._grew else self._files.finish()
        for flaw in itertools.chain(self._flaws, torn):
            report.add(finding_of(flaw, report.covered))
        if report.records < report.covered:
            text = f"the checkpoint covers {report.covered} records, and there are {report.records}"
            report.add(Finding(Kind.TRUNCATED, text, self._folder, None, report.records))
        if self._source is None and report.covered:
            report.notes.append("there are no tiles in this folder: records alone were compared with the checkpoint")
        if self._tree_is_whole and report.covered and report.verdict is not Verdict.TAMPERED:
            self._report_tiles()
        self._judge_coverage()

    def _report_tiles(self) -> None:
        """The records are right, so whatever differs from them is wrong."""
        for tile, text in self._tree.wrong:
            kind = Kind.TILE_DIFFERS if "missing" not in text else Kind.TILE_MISSING
            self._report.add(Finding(kind, text, self._folder / tile.path))
        if self._source is not None and not self._tree.wrong:
            for path, text in wrong_earlier_tiles(self._folder, self._report.covered):
                self._report.add(Finding(Kind.TILE_DIFFERS, text, path))

    def _judge_coverage(self) -> None:
        report, judged = self._report, self._judged
        path = self._folder / CHECKPOINT
        if self._octets is None:
            if report.records or self._source is not None:
                report.add(Finding(Kind.NO_CHECKPOINT, "there is no checkpoint: nobody stands for any record", path))
            else:
                report.notes.append("there are no records and no checkpoint: nothing was ever written here")
        if judged is None:
            return
        if not judged.fulfilled:
            names = ", ".join(judged.cosigned) or "nobody"
            text = f"cosigned by {names}, which is not the quorum {self._demands.policy.quorum} of the policy"
            report.add(Finding(Kind.NO_QUORUM, text, path))
        elif self._demands.policy.quorum != NONE:
            self._judge_age(max(judged.cosigned.values()))
        if self._grew and self._seen <= report.covered < report.records:
            came = report.records - report.covered
            report.notes.append(f"{came} records came while this was verified: they are not covered yet")
        elif report.records > report.covered and self._tree_is_whole:
            text = f"{report.records - report.covered} records beyond the checkpoint of {report.covered}"
            where = self._locations.find(report.covered)
            report.add(Finding(Kind.UNSIGNED_TAIL, text, *where, report.covered))

    def _judge_age(self, cosigned: int) -> None:
        newest = _time_of(self._reading.newest)
        if newest is not None and newest - cosigned > self._demands.max_age:
            text = f"the newest cosignature is {newest - cosigned:.0f} s older than the newest record"
            self._report.add(Finding(Kind.STALE, text, self._folder / CHECKPOINT))


def _time_of(line: bytes) -> float | None:
    """When a record was made, in seconds since 1970 (UTC); None if it doesn't say."""
    try:
        return datetime.fromisoformat(json.loads(line)["time"]).timestamp()
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
