"""What Prometheus' node exporter is told of a run, by a text file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

_LAST = re.compile(
    r'^h323_witness_shipped_timestamp_seconds\{stream="(\w+)"\} (\d+(?:\.\d+)?(?:e\+\d+)?)$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class StreamRun:
    """What became of one stream."""

    lag: int | None
    """Records that the source's checkpoint covers and the archive lacks; None if nobody knows."""
    shipped: float | None
    """When it was last brought up to date, in seconds since 1970 (UTC); None if never."""
    refused: bool
    """Whether the source was refused, or the archive itself is damaged."""


class ShipMetrics(Collector):
    """The metrics of a run."""

    def __init__(self, streams: Mapping[str, StreamRun]) -> None:
        self._streams = streams

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As prometheus_client asks for them."""
        runs = self._streams.items()
        yield _gauge(
            "ship_lag_records",
            "Records that are covered at the source and not in the archive.",
            [(name, run.lag) for name, run in runs],
        )
        yield _gauge(
            "shipped_timestamp_seconds",
            "When the archive was last brought up to date.",
            [(name, run.shipped) for name, run in runs],
        )
        yield _gauge(
            "ship_refused",
            "1 while the source is refused, or the archive is damaged.",
            [(name, int(run.refused)) for name, run in runs],
        )


def render(streams: Mapping[str, StreamRun]) -> bytes:
    """The text file."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ShipMetrics(streams))
    return generate_latest(registry)


def last_shipped(text: str) -> dict[str, float]:
    """When each stream was shipped, as the last run's file has it."""
    return {stream: float(when) for stream, when in _LAST.findall(text)}


def _gauge(name: str, text: str, values: Iterable[tuple[str, float | None]]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"h323_witness_{name}", text, labels=["stream"])
    for stream, value in values:
        if value is not None:
            gauge.add_metric([stream], value)
    return gauge
