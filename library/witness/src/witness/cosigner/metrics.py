"""What Prometheus reads of the cosigner, under the runbook's names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from witness.cosigner.judgement import Judgement


class CosignerMetrics(Collector):
    """Counts answers, and looks up the rest at each scrape."""

    def __init__(self, sizes: Callable[[], Mapping[str, int]], forks: Callable[[], Mapping[str, int]]) -> None:
        """`sizes` gives the last cosigned tree's and `forks` the number of files of evidence, both by origin."""
        self._sizes = sizes
        self._forks = forks
        self._answers: Counter[int] = Counter()
        self._charges: Counter[str] = Counter()

    def answered(self, judgement: Judgement) -> None:
        """Count an answer."""
        self._answers[judgement.status] += 1
        if judgement.charge is not None:
            self._charges[judgement.charge.request.checkpoint.origin] += 1

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        answers = CounterMetricFamily(
            "h323_witness_cosigner_requests", "Checkpoints submitted, by the answer's status", labels=["status"]
        )
        for status, count in sorted(self._answers.items()):
            answers.add_metric([str(status)], count)
        yield answers
        charges = CounterMetricFamily(
            "h323_witness_forks",
            "Times a tree was submitted that does not continue the cosigned one",
            labels=["origin"],
        )
        gauges = {
            "h323_witness_cosigner_forks": ("Files of evidence against a log", self._forks()),
            "h323_witness_cosigner_size": ("Records of the last cosigned tree", self._sizes()),
        }
        for origin in self._forks():
            charges.add_metric([origin], self._charges[origin])
        yield charges
        for name, (text, values) in gauges.items():
            family = GaugeMetricFamily(name, text, labels=["origin"])
            for origin, value in values.items():
                family.add_metric([origin], value)
            yield family
