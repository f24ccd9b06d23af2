"""The streams of the witness log, and what their folders and files are called in the runbook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RAS_STREAM = "h323_ras"
GATEWAY_STREAM = "gateway"
FAILOVER_STREAM = "failover"


@dataclass(frozen=True, slots=True)
class Stream:
    """Where one stream's files are, below the folder that all of them have in common."""

    name: str
    folder: str
    prefix: str
    """What the names of its day files begin with."""

    def day_file(self, directory: Path, day: str) -> Path:
        """The file of a day, YYYYMMDD."""
        return directory / self.folder / f"{self.prefix}_{day}.jsonl"


STREAMS = {
    stream.name: stream
    for stream in (
        Stream(RAS_STREAM, "h323_witness", "h323_ras"),
        Stream(GATEWAY_STREAM, "gateway", "gateway"),
        Stream(FAILOVER_STREAM, "ha", "failover"),
    )
}
