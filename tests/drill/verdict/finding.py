"""What the verdict says: violations by name, what was counted, and the failovers that the log tells of."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise that was broken."""

    kind: str
    """E.g. "lost", "doubled", "two holders": one word for counting."""
    text: str
    """One sentence for people."""
    terminal_id: str = ""
    request_digest: str = ""
    index: int | None = None
    """Of the record in its stream."""


@dataclass(slots=True)
class Counts:
    """What was checked, so that nobody takes a check of nothing for a success."""

    acknowledged: int = 0
    """Confirmations that terminals received."""
    found: int = 0
    """Of those, how many are in the log, once."""
    refused: int = 0
    given_up: int = 0
    records: int = 0
    """Of both streams."""
    compared: int = 0
    """Records of which all copies were compared, octet by octet."""
    epochs: int = 0
    """Terms of office that were announced."""
    held: int = 0
    """Held calls that had to be in the state, each time that it was looked at."""
    ended: int = 0
    """Calls whose end was acknowledged: none of them may be in the state."""
    registrations: int = 0
    """That had to be there, each time that it was looked at."""

    def __sub__(self, before: Counts) -> Counts:
        """What has come since."""
        return Counts(**{one.name: getattr(self, one.name) - getattr(before, one.name) for one in fields(self)})

    def copy(self) -> Counts:
        """As it stands now."""
        return self - Counts()


@dataclass(frozen=True, slots=True)
class Failover:
    """A GATEKEEPER_FAILOVER record."""

    index: int
    time: float
    """Of the record, by the clock of whoever took over; Unix seconds."""
    epoch: int
    from_: str
    to: str
    cause: str
    """"" where the record names none."""
    milliseconds: float
    """Its failover_duration_sec, or that of the record that corrects it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one check; the counts are of what is new since the last one."""

    violations: tuple[Violation, ...]
    counts: Counts
    failovers: tuple[Failover, ...]
    late: tuple[str, ...]
    """Answers of an epoch that was over when they came. Their records are in order, so nothing is wrong with them."""
    seconds: float
    active: tuple[str, ...] = field(default=())
    """Nodes that say that they are active."""

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return not self.violations

    @property
    def line(self) -> str:
        """For people."""
        counts = self.counts
        lost = sum(one.kind == "lost" for one in self.violations)
        verdict = "good" if self.ok else f"{len(self.violations)} VIOLATIONS"
        return f"{verdict}: {lost} lost of {counts.acknowledged}, {counts.compared} records the same in all copies"
