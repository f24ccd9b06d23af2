"""What came of the faults: one entry a run, kept as JSON, so that a long drill may be done in pieces."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
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
    """The longest that the prober saw, 0 where there was none. A fault of two stages has two chances."""
    silence: float
    """The longest time in which requests waited and no answer came."""
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


def load(path: Path) -> list[Run]:
    """The runs in a file.

    Raises:
        OSError, ValueError, TypeError, KeyError: there are none in it.
    """
    given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [Run(**run) for run in given["runs"]]


def save(path: Path, runs: Sequence[Run]) -> None:
    """Replace the file, so that whoever is interrupted has the old or the new one."""
    text = ",\n".join(json.dumps(asdict(run)) for run in runs)
    beside = path.with_name(path.name + ".new")
    beside.write_text(f'{{"runs": [\n{text}\n]}}\n', encoding="utf-8")
    beside.replace(path)


def of(runs: Iterable[Run], fault: str) -> list[Run]:
    """The valid runs of a fault."""
    return [run for run in runs if run.fault == fault and run.valid]
