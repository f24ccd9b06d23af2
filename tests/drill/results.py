"""What came of the faults: one entry a run, kept as JSON, so that a long drill may be done in pieces."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One fault, injected once. Times are milliseconds unless their name says otherwise."""

    fault: str
    time: float
    """Unix seconds of the injection."""
    commit: str
    active: str
    """Who was, before."""
    after: str
    """Who was, when all was well again."""
    valid: bool
    """False where the load itself got no processor time: then no time here means anything, and it is run again."""
    outage: float
    """The longest that the prober saw, 0 where there was none of 20. It is the longer of a gap by sendings, with lost
    probes in it, and a time without an answer: whoever is answered late in the end has waited too."""
    gap: float
    """The longest gap by sendings alone."""
    repair_outage: float
    """As `outage`, from the repair on."""
    wait: float
    """The longest that a request of a guardian took, from its first sending."""
    repair_wait: float
    requests: int
    """Of guardians."""
    retries: int
    refusals: dict[str, int]
    """Of guardians and prober, by name."""
    given_up: int
    """Requests that were never answered."""
    whole_after: float
    """Seconds from the repair to both gatekeepers and three voters well."""
    switches: int
    """Epochs begun, by the fault and by its repair."""
    differences: list[float] = field(default_factory=list)
    """Of each recorded failover_duration_sec to the prober's outage."""
    acknowledged: int = 0
    """Answers that had to be durable, all of which were looked up."""
    records: int = 0
    """Of the log, all of which were read on both hosts."""
    load_average: float = 0.0
    """Of this machine, over the last minute."""
    problems: list[str] = field(default_factory=list)
    """What must never be, one sentence each."""


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest of the values that at least so many per cent of them don't exceed; 0 where there are none."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1] if ordered else 0.0


@dataclass(frozen=True)
class Reading:
    """All of the log and of the answers, read once more when a drill had ended."""

    time: float
    """Unix seconds."""
    acknowledged: int
    records: int
    epochs: int
    violations: list[str]
    judged: int = 0
    """Decisions that `h323-witness replay` has made again; what it found is among the violations."""
    unjudged: int = 0


@dataclass
class Results:
    """Of one drill, or of several together."""

    runs: list[Run] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)

    def add(self, other: Results) -> None:
        """Take over what another one has."""
        self.runs += other.runs
        self.readings += other.readings


def load(path: Path) -> Results:
    """The results in a file.

    Raises:
        OSError, ValueError, TypeError, KeyError: there are none in it.
    """
    given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Results([Run(**run) for run in given["runs"]], [Reading(**one) for one in given["readings"]])


def save(path: Path, results: Results) -> None:
    """Replace the file, so that whoever is interrupted has the old or the new one. One line a run."""
    runs, readings = (",\n".join(json.dumps(asdict(one)) for one in many) for many in (results.runs, results.readings))
    beside = path.with_name(path.name + ".new")
    beside.write_text(f'{{"runs": [\n{runs}\n], "readings": [\n{readings}\n]}}\n', encoding="utf-8")
    beside.replace(path)


def of(runs: Iterable[Run], fault: str) -> list[Run]:
    """The valid runs of a fault."""
    return [run for run in runs if run.fault == fault and run.valid]
