"""What a replay can find."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_FINDINGS = 1_000
"""What is kept of them; the others are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A record that the log doesn't justify, or one that can't be judged."""

    index: int
    decided: str
    """What the record says, as "ACF 64000 bit/s"."""
    expected: str
    """What would be justified, or why it can't be judged."""
    rule: str
    """The policy that says so."""
    terminal_id: str | None = None


@dataclass(slots=True)
class Summary:
    """What came out."""

    records: int = 0
    judged: int = 0
    """Decisions that were made again."""
    unproven: int = 0
    """Refusals of requests that proved nothing: what is wrong with a signature, only the datagram would tell."""
    terms: int = 0
    before: int = 0
    """Records from before the first moment of which the log tells all that there was: nobody can judge them."""
    findings: list[Finding] = field(default_factory=list)
    unjudged: list[Finding] = field(default_factory=list)
    further: int = 0
    """Findings that were not kept."""

    def add(self, finding: Finding, *, judged: bool = True) -> None:
        """Note a finding."""
        kept = self.findings if judged else self.unjudged
        if len(kept) < MOST_FINDINGS:
            kept.append(finding)
        else:
            self.further += 1
