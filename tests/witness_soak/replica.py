"""One host that holds a stream: its writer and its log, on a disk; and what they owe to those who rely on them.

The gatekeeper's store, which keeps what wasn't acknowledged, and the cosigner are elsewhere: no crash of this host
makes them forget.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from witness.checkpoint import Checkpoint
from witness.day_files.streams import RAS_STREAM, STREAMS
from witness.day_files.writer import DayFileWriter
from witness.log.stream_log import StreamLog
from witness.note import Cosigner, Signer, add_signatures, cosign_note, sign_note
from witness.policy import judge_checkpoint, parse_policy
from witness.tiles import TileReader, folder_source
from witness.tree import EMPTY_ROOT, MemoryTree, leaf_hashes, verify_consistency
from witness.verify import Demands, Verdict, verify_stream

ORIGIN = f"council.example/{RAS_STREAM}"
LOG_KEY = Signer(ORIGIN, bytes(range(32)))
COSIGNER_KEY = Cosigner("wit1.council.example", bytes(range(1, 33)))
POLICY_TEXT = f"log {LOG_KEY.verifier.vkey}\nwitness wit1 {COSIGNER_KEY.verifier.vkey}\nquorum wit1\n".encode()
POLICY = parse_policy(POLICY_TEXT)
STREAM = STREAMS[RAS_STREAM]
COSIGNED_AT = 1_795_600_000
"""After the newest record."""
DAYS = ("2026-11-24", "2026-11-25")


@dataclass(frozen=True, slots=True)
class Record:
    """A line and its index."""

    index: int
    line: bytes


def records_of(count: int, midnight: int) -> list[Record]:
    """A stream's records; from the one at `midnight` on they are of the next day."""
    return [
        Record(
            index,
            json.dumps(
                {
                    "index": index,
                    "time": f"{DAYS[index >= midnight]}T00:00:{index % 60:02}Z",
                    "what": "x" * (index % 90),
                }
            ).encode(),
        )
        for index in range(count)
    ]


@dataclass(slots=True)
class Elsewhere:
    """What other hosts know, whatever becomes of this one."""

    acknowledged: int = 0
    """Records before this one have left the store's outbox."""
    cosigned: Checkpoint = field(default_factory=lambda: Checkpoint(ORIGIN, 0, EMPTY_ROOT))
    published: int = 0
    """The largest size of which this host has shown a checkpoint."""

    def copy(self) -> Elsewhere:
        """For another future."""
        return Elsewhere(self.acknowledged, self.cosigned, self.published)


class Replica:
    """The host while it runs."""

    def __init__(
        self, folder: Path, records: list[Record], elsewhere: Elsewhere, promise: Callable[[Elsewhere], None]
    ) -> None:
        """`promise` is told whenever others come to rely on something."""
        self.folder = folder
        self._records = records
        self.elsewhere = elsewhere
        self._promise = promise
        self._writer = DayFileWriter(folder, RAS_STREAM)
        self._log = StreamLog(folder, STREAM, POLICY)

    def start(self) -> None:
        """As the services begin: each finds out what is there. The writer says so to the store at once."""
        self._writer.open()
        self._acknowledge()
        self._log.open()
        assert self._log.promised >= self.elsewhere.published, "a checkpoint that was shown is lost"
        self._read()

    def stop(self) -> None:
        """Let go of the files."""
        self._writer.close()
        self._log.close()

    def write(self, end: int) -> None:
        """Append the next records, up to this one."""
        if end > self._writer.size:
            self._writer.append(self._records[self._writer.size : end])
        self._acknowledge()

    def publish(self) -> None:
        """Sign all that there is, have it cosigned, and show it."""
        self._read()
        if self._log.size < self._log.promised:
            return
        checkpoint = self._log.prepare()
        if checkpoint.size < self.elsewhere.cosigned.size:
            return
        self._cosign(checkpoint)
        note = sign_note(checkpoint.text(), LOG_KEY)
        octets = add_signatures(note, [cosign_note(note.text, COSIGNER_KEY, COSIGNED_AT)]).encode()
        self._log.publish(octets, self._log.judge(octets))
        self.elsewhere.published = checkpoint.size
        self._promise(self.elsewhere)

    def _cosign(self, checkpoint: Checkpoint) -> None:
        old = self.elsewhere.cosigned
        proof = self._log.proof(old.size)
        verify_consistency(old.size, old.root, checkpoint.size, checkpoint.root, proof)
        self.elsewhere.cosigned = checkpoint
        self._promise(self.elsewhere)

    def _read(self) -> None:
        while self._log.read_on():
            pass

    def _acknowledge(self) -> None:
        assert self._writer.size >= self.elsewhere.acknowledged, "acknowledged records are lost"
        self.elsewhere.acknowledged = self._writer.size
        self._promise(self.elsewhere)


def require_covered(folder: Path) -> None:
    """If there is a checkpoint, its tiles are there and lead to its root, also for whoever takes the disk away."""
    place = folder / STREAM.folder
    if (place / "checkpoint").exists():
        checkpoint = judge_checkpoint((place / "checkpoint").read_bytes(), POLICY, ORIGIN).checkpoint
        assert TileReader(checkpoint.size, folder_source(place)).root() == checkpoint.root


def require_whole(folder: Path, records: list[Record]) -> None:
    """What the folder must be after the last record and its checkpoint: nothing lost, doubled or out of order."""
    place = folder / STREAM.folder
    found = b"".join(path.read_bytes() for path in sorted(place.glob("*.jsonl")))
    assert found == b"".join(record.line + b"\n" for record in records)
    leaves = leaf_hashes(record.line for record in records)
    tree = MemoryTree(leaves)
    log = StreamLog(folder, STREAM, POLICY)
    log.open()
    assert log.covered == len(records)
    assert log.judged is not None
    assert log.judged.checkpoint == Checkpoint(ORIGIN, len(records), tree.root())
    while log.read_on():
        pass
    log.close()
    assert TileReader(len(records), folder_source(place)).root() == tree.root()
    report = verify_stream(place, STREAM, ORIGIN, Demands(POLICY))
    assert (report.verdict, report.records) == (Verdict.GOOD, len(records)), report.findings
