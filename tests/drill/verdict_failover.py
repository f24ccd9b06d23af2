"""What the gatekeepers say that a failover took, against what the prober outside has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from terminal.probe.timeline import Outage

from .verdict_finding import Failover

AGREE_MS = 50.0
"""Within so much, both speak of the same."""
UNSEEN_MS = 20.0
"""The prober calls a shorter gap no outage."""
_AFTERWARDS = 2.0
"""Seconds after the end of an outage within which its record may be written."""
_BEFORE = 0.1
"""Seconds by which a record may be older than its outage: nobody has asked in between."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One failover record, and the longest outage of its time."""

    failover: Failover
    outage_ms: float | None
    """None where the prober has seen none, so that there was none of over 20 ms."""
    difference_ms: float
    """How much longer the record says that it was; negative where it says shorter."""

    @property
    def agrees(self) -> bool:
        """Whether both speak of the same."""
        return abs(self.difference_ms) <= AGREE_MS


def compare(failovers: Sequence[Failover], outages: Sequence[Outage]) -> tuple[Comparison, ...]:
    """Each record with its outage."""
    return tuple(_compare(failover, outages) for failover in failovers)


def _compare(failover: Failover, outages: Sequence[Outage]) -> Comparison:
    its = [one.milliseconds for one in outages if _may_be(failover, one)]
    if its:
        return Comparison(failover, max(its), round(failover.milliseconds - max(its), 1))
    return Comparison(failover, None, round(max(0.0, failover.milliseconds - UNSEEN_MS), 1))


def _may_be(failover: Failover, outage: Outage) -> bool:
    end = outage.start + outage.milliseconds / 1000
    return outage.start - _BEFORE <= failover.time <= end + _AFTERWARDS
