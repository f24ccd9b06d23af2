"""What came out for one stream, and for several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from witness.checkpoint import Checkpoint
from witness.verify.finding import Finding, Verdict

MAX_FINDINGS = 1_000
"""What is kept of them; the others are counted."""
_WORST_FIRST = (Verdict.TAMPERED, Verdict.STALE, Verdict.UNSIGNED_TAIL, Verdict.GOOD)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that says it all. An unsigned tail is the verdict only where all else is good."""
    return min(verdicts, key=_WORST_FIRST.index, default=Verdict.GOOD)


@dataclass(slots=True)
class StreamReport:
    """What was found in one stream."""

    stream: str
    folder: Path
    origin: str
    first: int = 0
    """The first record that is there; those before it were retained elsewhere, and tiles stand for them."""
    records: int = 0
    """Records there are in all, with those before the first one."""
    checkpoint: Checkpoint | None = None
    cosigned: Mapping[str, int] = field(default_factory=dict)
    """When each cosigner stood for it, in seconds since 1970 (UTC)."""
    findings: list[Finding] = field(default_factory=list)
    further: int = 0
    """Findings that were not kept."""
    notes: list[str] = field(default_factory=list)
    """What one should know and what is not wrong."""
    _verdicts: set[Verdict] = field(default_factory=set)

    def add(self, finding: Finding) -> None:
        """Note a finding."""
        self._verdicts.add(finding.kind.verdict)
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)
        else:
            self.further += 1

    @property
    def covered(self) -> int:
        """Records that the checkpoint stands for."""
        return self.checkpoint.size if self.checkpoint is not None else 0

    @property
    def verdict(self) -> Verdict:
        """What to think of the stream."""
        return worst(self._verdicts)
