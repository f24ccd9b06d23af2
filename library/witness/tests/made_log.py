"""Small logs, made as the services make them: day files, tiles, a signed and cosigned checkpoint."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from witness.checkpoint import Checkpoint
from witness.day_files.streams import RAS_STREAM, STREAMS, Stream
from witness.note import Cosigner, Signer, add_signatures, cosign_note, sign_note
from witness.policy import Policy, parse_policy
from witness.tiles import TileWriter
from witness.tree import MemoryTree, leaf_hashes

BEGIN = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
DOMAIN = "council.example"
SIGNERS = {stream: Signer(f"{DOMAIN}/{stream}", bytes([number] * 32)) for number, stream in enumerate(STREAMS, 1)}
COSIGNERS = {
    name: Cosigner(f"{name}.{DOMAIN}", bytes([number] * 32)) for number, name in enumerate(("wit1", "wit2"), 9)
}


def policy_text(quorum: str = "wit1") -> str:
    logs = "".join(f"log {signer.verifier.vkey}\n" for signer in SIGNERS.values())
    cosigners = "".join(f"witness {name} {cosigner.verifier.vkey}\n" for name, cosigner in COSIGNERS.items())
    return f"{logs}{cosigners}group both all wit1 wit2\nquorum {quorum}\n"


def policy(quorum: str = "wit1") -> Policy:
    return parse_policy(policy_text(quorum).encode())


def record(index: int, time: datetime, **fields: object) -> bytes:
    told = {"index": index, "time": time.isoformat(timespec="milliseconds"), "msg_type": "ARQ", **fields}
    return json.dumps(told | {"node": "gk1", "epoch": 3}).encode()


def _day(line: bytes) -> str:
    return str(json.loads(line)["time"])[:10].replace("-", "")


@dataclass
class MadeLog:
    """One stream's log below a folder."""

    directory: Path
    name: str = RAS_STREAM
    step: timedelta = timedelta(seconds=1)
    records: list[bytes] = field(default_factory=list)

    @property
    def stream(self) -> Stream:
        return STREAMS[self.name]

    @property
    def folder(self) -> Path:
        return self.directory / self.stream.folder

    @property
    def origin(self) -> str:
        return f"{DOMAIN}/{self.name}"

    def file(self, day: str = "20261124") -> Path:
        return self.stream.day_file(self.directory, day)

    def time(self, index: int) -> datetime:
        return BEGIN + index * self.step

    def add(self, count: int, **fields: object) -> MadeLog:
        """Write so many further records into their days' files."""
        return self.write([record(index, self.time(index), **fields) for index in self._next(count)])

    def write(self, lines: Sequence[bytes], day: str | None = None) -> MadeLog:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.records += lines
        for when, group in itertools.groupby(lines, lambda line: day or _day(line)):
            with self.file(when).open("ab") as file:
                file.write(b"".join(line + b"\n" for line in group))
        return self

    def publish(
        self,
        size: int | None = None,
        cosigners: Sequence[str] = ("wit1",),
        age: timedelta = timedelta(),
        tiles: bool = True,
    ) -> MadeLog:
        """Tiles and checkpoint, cosigned when the last record was made, or `age` before."""
        size = len(self.records) if size is None else size
        self.folder.mkdir(parents=True, exist_ok=True)
        if tiles:
            writer = TileWriter(self.folder)
            writer.append(leaf_hashes(self.records[:size]))
            writer.publish()
        when = self.time(max(0, len(self.records) - 1)) - age
        (self.folder / "checkpoint").write_bytes(self.checkpoint(size, cosigners, when))
        return self

    def checkpoint(self, size: int, cosigners: Sequence[str] = ("wit1",), when: datetime = BEGIN) -> bytes:
        text = Checkpoint(self.origin, size, MemoryTree.of_records(self.records[:size]).root()).text()
        signatures = [cosign_note(text, COSIGNERS[name], int(when.timestamp()) + 1) for name in cosigners]
        return add_signatures(sign_note(text, SIGNERS[self.name]), signatures).encode()

    def replace(self, old: bytes, new: bytes, day: str = "20261124") -> None:
        octets = self.file(day).read_bytes()
        assert old in octets
        self.file(day).write_bytes(octets.replace(old, new, 1))

    def _next(self, count: int) -> range:
        return range(len(self.records), len(self.records) + count)
