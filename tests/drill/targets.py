"""Whether the runs of a fault keep what is promised."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .faults import Fault, Promise
from .results import Run, percentile

MEDIAN, P99, NEVER = 150.0, 250.0, 500.0
"""Outage by one fault of a gatekeeper host, as the prober sees it, milliseconds."""
SWITCH = 50.0
"""Outage by a planned switch."""
COMMIT = 1000.0
"""Longest wait of a guardian where the store elects."""
_ALLOWED_WITHOUT_QUORUM = {"GATEKEEPER_ERROR"}


def misses(fault: Fault, runs: Sequence[Run]) -> list[str]:
    """What was promised and not kept, one sentence each."""
    return [*_wrong(runs), *(text for text in _CHECKS[fault.promise](runs) if text)]


def _wrong(runs: Sequence[Run]) -> list[str]:
    """What must never be, one sentence for each kind of it."""
    kinds: dict[str, list[str]] = {}
    for run in runs:
        for problem in run.problems:
            kinds.setdefault(problem.partition(":")[0], []).append(problem)
    return [f"{kind[0]} (and {len(kind) - 1} more such)" if kind[1:] else kind[0] for kind in kinds.values()]


def _beyond(what: str, value: float, most: float) -> str:
    return f"{what} {value:.0f} ms, more than {most:.0f}" if value > most else ""


def _outages(runs: Sequence[Run]) -> list[str]:
    fault, repair = [run.outage for run in runs], [run.repair_outage for run in runs]
    return [
        _beyond("median outage", percentile(fault, 50), MEDIAN),
        _beyond("99th percentile of the outages", percentile(fault, 99), P99),
        _beyond("longest outage", max(fault, default=0.0), NEVER),
        _beyond("longest outage at the repair", max(repair, default=0.0), NEVER),
    ]


def _unanswered(runs: Sequence[Run]) -> list[str]:
    count = sum(run.given_up for run in runs)
    return [f"{count} requests of guardians were never answered" if count else ""]


def _refused(runs: Sequence[Run]) -> list[str]:
    count = sum(sum(run.refusals.values()) for run in runs)
    names = sorted({name for run in runs for name in run.refusals})
    return [f"{count} requests were refused: {', '.join(names)}" if count else ""]


def _single(runs: Sequence[Run]) -> list[str]:
    return [*_outages(runs), *_refused(runs), *_unanswered(runs)]


def _election(runs: Sequence[Run]) -> list[str]:
    longest = max((max(run.wait, run.repair_wait) for run in runs), default=0.0)
    return [*_single(runs), _beyond("longest wait of a guardian", longest, COMMIT)]


def _planned(runs: Sequence[Run]) -> list[str]:
    longest = max((run.outage for run in runs), default=0.0)
    return [_beyond("longest outage", longest, SWITCH), *_refused(runs), *_unanswered(runs)]


def _steady(runs: Sequence[Run]) -> list[str]:
    switches = sum(run.switches for run in runs)
    return [f"{switches} switches, and no reason for any" if switches else "", *_refused(runs), *_unanswered(runs)]


def _double(runs: Sequence[Run]) -> list[str]:
    return [*_refused(runs), *_unanswered(runs)]


def _quorum(runs: Sequence[Run]) -> list[str]:
    names = {name for run in runs for name in run.refusals} - _ALLOWED_WITHOUT_QUORUM
    return [f"refused as {', '.join(sorted(names))} in place of GATEKEEPER_ERROR" if names else ""]


_CHECKS: dict[Promise, Callable[[Sequence[Run]], list[str]]] = {
    Promise.SINGLE: _single,
    Promise.ELECTION: _election,
    Promise.PLANNED: _planned,
    Promise.STEADY: _steady,
    Promise.DOUBLE: _double,
    Promise.QUORUM: _quorum,
}
