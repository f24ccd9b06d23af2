"""What verification can find, what follows from it, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path

from witness.day_files.flaw import Flaw, FlawKind

_COMPARE = "keep this folder as evidence, and compare the line with another replica's"
_COSIGNERS = "see whether the cosigners of the policy run and can be reached from the gatekeeper in office"


class Verdict(IntEnum):
    """What to think of a log; the number is the command's exit code."""

    GOOD = 0
    TAMPERED = 1
    """It is not what was signed and cosigned."""
    UNSIGNED_TAIL = 2
    """There are records beyond the checkpoint; all else is good."""
    STALE = 3
    """Too few cosigners stand for it, or they have not for too long."""


class Kind(Enum):
    """What was found: its name in JSON, the verdict it leads to, and what to do next."""

    def __init__(self, label: str, verdict: Verdict, advice: str) -> None:
        self.label = label
        self.verdict = verdict
        self.advice = advice

    MISSING = (
        "missing",
        Verdict.TAMPERED,
        "keep this folder as evidence, and verify another replica's, which has the missing records",
    )
    MISPLACED = (
        "misplaced",
        Verdict.TAMPERED,
        _COMPARE,
    )
    MISNUMBERED = (
        "misnumbered",
        Verdict.TAMPERED,
        _COMPARE,
    )
    NO_RECORD = (
        "no-record",
        Verdict.TAMPERED,
        _COMPARE,
    )
    TORN = ("torn", Verdict.TAMPERED, _COMPARE)
    UNREADABLE = (
        "unreadable",
        Verdict.TAMPERED,
        "see to the file's permissions and disk; if those are right, verify another replica",
    )
    RECORD_DIFFERS = (
        "record-differs",
        Verdict.TAMPERED,
        "keep this folder as evidence: the record was changed after it was signed; another replica has the original",
    )
    ROOT_DIFFERS = (
        "root-differs",
        Verdict.TAMPERED,
        "keep this folder as evidence, and verify another replica: the one that fits the checkpoint is right",
    )
    TRUNCATED = (
        "truncated",
        Verdict.TAMPERED,
        "keep this folder as evidence, and verify another replica, which has the records that are missing at the end",
    )
    ABSENT = (
        "absent",
        Verdict.TAMPERED,
        "get the old days, or the tiles that stand for them, from another replica or the archive",
    )
    TILE_DIFFERS = (
        "tile-differs",
        Verdict.TAMPERED,
        "the records are right and this file is not: move it away, and restart the log service, which writes it anew",
    )
    TILE_MISSING = (
        "tile-missing",
        Verdict.TAMPERED,
        "restart the log service, which writes it anew from the records",
    )
    BAD_CHECKPOINT = (
        "bad-checkpoint",
        Verdict.TAMPERED,
        "see whether the policy is the one that was agreed on; if it is, the checkpoint was forged or damaged",
    )
    FORK = (
        "fork",
        Verdict.TAMPERED,
        "keep both checkpoints: together they prove that this log has shown two histories",
    )
    ROLLED_BACK = (
        "rolled-back",
        Verdict.TAMPERED,
        "keep your checkpoint: it proves that the log had more records than it shows now",
    )
    TORN_TAIL = (
        "torn-tail",
        Verdict.UNSIGNED_TAIL,
        "the service that writes the file cuts it off when it starts",
    )
    UNSIGNED_TAIL = (
        "unsigned-tail",
        Verdict.UNSIGNED_TAIL,
        "on a log that is in use, verify again with --wait 10; otherwise rely on no record beyond the checkpoint",
    )
    NO_CHECKPOINT = (
        "no-checkpoint",
        Verdict.STALE,
        "see whether the log service h323-witness-log runs, and copy the folder with its checkpoint",
    )
    NO_FOLDER = (
        "no-folder",
        Verdict.STALE,
        "verify the folder that has all streams, or one stream's folder",
    )
    NO_QUORUM = (
        "no-quorum",
        Verdict.STALE,
        _COSIGNERS,
    )
    STALE = (
        "stale",
        Verdict.STALE,
        _COSIGNERS,
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    kind: Kind
    text: str
    """One sentence."""
    path: Path | None = None
    line: int | None = None
    """Counted from 1."""
    index: int | None = None
    """Of the record that it's about."""

    def where(self) -> str:
        """The place, as FILE:LINE, as far as there is one."""
        if self.path is None:
            return ""
        return f"{self.path}:{self.line}" if self.line is not None else str(self.path)


_OF_FLAW = {
    FlawKind.MISSING: Kind.MISSING,
    FlawKind.MISPLACED: Kind.MISPLACED,
    FlawKind.MISNUMBERED: Kind.MISNUMBERED,
    FlawKind.NO_RECORD: Kind.NO_RECORD,
    FlawKind.TORN: Kind.TORN,
    FlawKind.UNREADABLE: Kind.UNREADABLE,
}


def finding_of(flaw: Flaw, covered: int) -> Finding:
    """A flaw of the day files. What has no end beyond the records that a checkpoint covers was never acknowledged."""
    kind = _OF_FLAW[flaw.kind]
    if kind is Kind.TORN and flaw.index >= covered:
        kind = Kind.TORN_TAIL
    return Finding(kind, flaw.text, flaw.path, flaw.line, flaw.index)
