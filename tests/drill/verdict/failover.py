"""What the gatekeepers say that a failover took, against what the prober outside has seen.

A gatekeeper that takes over answers what has queued up meanwhile, so that by sendings there may be no outage at all.
The one who waited has waited all the same: what counts here is the time without an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from terminal.probe.silence import Silence
from terminal.probe.timeline import Outage

from .finding import Failover

AGREE_MS = 50.0
"""Within so much, both speak of the same."""
UNSEEN_MS = 20.0
"""The prober calls a shorter time none."""
_AFTERWARDS = 2.0
"""Seconds after the end of an outage within which its record may be written."""
_BEFORE = 0.1
"""Seconds by which a record may be older than its outage: nobody has asked in between."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One failover record, and the longest time without an answer that may have been its."""

    failover: Failover
    seen_ms: float | None
    """None where the prober has seen none, so that there was none of over 20 ms."""
    difference_ms: float
    """How much longer the record says that it was; negative where it says shorter."""

    @property
    def agrees(self) -> bool:
        """Whether both speak of the same."""
        return abs(self.difference_ms) <= AGREE_MS


def compare(
    failovers: Sequence[Failover], outages: Sequence[Outage], silences: Sequence[Silence] = ()
) -> tuple[Comparison, ...]:
    """Each record with what the prober has seen of it."""
    seen = [*_of_outages(outages), *((one.start, one.milliseconds) for one in silences)]
    return tuple(_compare(failover, seen) for failover in failovers)


def _of_outages(outages: Sequence[Outage]) -> Iterator[tuple[float, float]]:
    for one in outages:
        yield one.start, max(one.milliseconds, one.answer_gap_ms or 0.0)


def _compare(failover: Failover, seen: Sequence[tuple[float, float]]) -> Comparison:
    its = [milliseconds for start, milliseconds in seen if _may_be(failover, start, milliseconds)]
    if its:
        return Comparison(failover, max(its), round(failover.milliseconds - max(its), 1))
    return Comparison(failover, None, round(max(0.0, failover.milliseconds - UNSEEN_MS), 1))


def _may_be(failover: Failover, start: float, milliseconds: float) -> bool:
    return start - _BEFORE <= failover.time <= start + milliseconds / 1000 + _AFTERWARDS
