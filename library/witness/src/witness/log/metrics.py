"""What Prometheus reads of the log service, under the runbook's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from witness.log.duty import State


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream at one moment."""

    state: State
    records: int
    checkpoint_size: int
    cosignature_age: float
    """Seconds for which the oldest record that no checkpoint covers has been there."""
    behind: int
    """Records that a peer's checkpoint covers and this host doesn't have."""


_GAUGES: Mapping[str, tuple[str, Callable[[StreamStatus], float]]] = {
    "h323_witness_log_records": ("Records in this host's day files", lambda one: one.records),
    "h323_witness_checkpoint_size": ("Records that the last checkpoint here covers", lambda one: one.checkpoint_size),
    "h323_witness_cosignature_age_seconds": (
        "Age of the oldest record that no cosigned checkpoint covers",
        lambda one: one.cosignature_age,
    ),
    "h323_witness_log_failed": (
        "1 when the log on this host's disk does not fit its checkpoint",
        lambda one: one.state is State.FAILED,
    ),
    "h323_witness_replica_behind_records": (
        "Records that a checkpoint covers and this host does not have",
        lambda one: one.behind,
    ),
    "h323_witness_log_signing": ("1 while this host signs the checkpoints", lambda one: one.state is State.SIGNING),
}


class LogCollector(Collector):
    """Gauges that are read off the service at each scrape."""

    def __init__(self, status: Callable[[], Mapping[str, StreamStatus]]) -> None:
        self._status = status

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        streams = self._status()
        for name, (text, value) in _GAUGES.items():
            family = GaugeMetricFamily(name, text, labels=["stream"])
            for stream, status in streams.items():
                family.add_metric([stream], float(value(status)))
            yield family
