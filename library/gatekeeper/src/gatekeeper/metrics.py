"""What Prometheus reads, under the runbook's names. No label tells who a guardian is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric, UnknownMetricFamily
from prometheus_client.registry import Collector

from gatekeeper.failover.vrrp_notify import VrrpState

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Status:
    """The service at one moment; `h323-gatekeeper status` prints it, the metrics are made of it."""

    node: str
    role: str
    healthy: bool
    active: bool
    epoch: int
    registrations: int
    calls: int
    store: str
    virtual_address: str | None
    holds_virtual_address: bool
    trouble: str | None = None
    registrations_by_authentication: Mapping[str, int] = field(default_factory=dict)
    witness_records: Mapping[str, int] = field(default_factory=dict)
    outbox_records: Mapping[str, int] = field(default_factory=dict)
    """By stream: how many records the store still keeps for some replica."""
    peer: Mapping[str, object] | None = None
    """What the other gatekeeper says of itself; None without a sign of life within the last second."""
    peer_age: float | None = None
    """Seconds since its last sign of life; None where there is no other gatekeeper."""
    peer_signs_refused: int = 0
    vrrp_state: str | None = None
    """What keepalived says; None where it isn't listened to."""
    vrrp_transitions: int = 0
    virtual_address_doubt: str | None = None
    """On what kernel and keepalived disagree."""
    stalls: int = 0
    """How often the virtual address was given up because the event loop was stuck."""
    longest_stall: float = 0.0
    """Seconds for which the event loop didn't come round, at most, since the start."""
    watched: bool | None = None
    """Whether somebody would notice that it is stuck; None where nobody is to."""
    fit: bool = True
    """Whether the virtual address may come to this node."""
    fit_again_in_sec: int | None = None
    """Where it is well, but was unfit too often to be believed at once."""
    quorum: bool = True
    """Whether the store answered within the last second."""
    caretaker: bool = False
    """Whether it says at the virtual address that nobody can decide."""
    clock_offset: float | None = None
    """Seconds that this host's clock is ahead of the other gatekeeper's; None where that one tells nothing."""
    clock_doubt: str | None = None
    """On what the clocks disagree."""


class _StatusCollector(Collector):
    """Gauges that are read off the service at each scrape."""

    def __init__(self, status: Callable[[], Status], metrics: Metrics) -> None:
        self._status = status
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        status = self._status()
        both = {"instance": status.node, "role": status.role}
        node = {"instance": status.node}
        yield _gauge("h323_gatekeeper_up", "1 when the gatekeeper is healthy", both, status.healthy)
        yield _gauge("h323_gatekeeper_active", "1 on the gatekeeper that decides", both, status.active)
        yield _gauge("h323_gatekeeper_active_sessions", "Admitted calls", node, status.calls)
        yield _gauge("h323_gatekeeper_registrations", "Registered endpoints", node, status.registrations)
        yield _gauge("h323_gatekeeper_epoch", "Epoch of the last term of office seen", node, status.epoch)
        yield _gauge("h323_gatekeeper_fit", "1 while the virtual address may come here", node, status.fit)
        yield _gauge("h323_gatekeeper_quorum", "1 while the store has its quorum", node, status.quorum)
        text = "1 while this node says at the virtual address that nobody can decide"
        yield _gauge("h323_gatekeeper_caretaker", text, node, status.caretaker)
        stalls = CounterMetricFamily(
            "h323_gatekeeper_stalls", "Virtual address given up for a stuck event loop", labels=list(node)
        )
        stalls.add_metric(list(node.values()), status.stalls)
        yield stalls
        text = "Longest time for which the event loop didn't come round"
        yield _gauge("h323_gatekeeper_longest_stall_seconds", text, node, status.longest_stall)
        yield _gauge("h323_gatekeeper_watched", "1 while h323-gatekeeper-watch looks", node, bool(status.watched))
        # The runbook's name of this counter has no _total, which the client library would add.
        admissions = UnknownMetricFamily(
            "h323_gatekeeper_total_admissions", "Admission requests decided, since the start", labels=list(node)
        )
        admissions.add_metric(list(node.values()), self._metrics.admissions)
        yield admissions
        yield _gauge(
            "h323_gatekeeper_failover_duration_seconds",
            "Last failover: from the old active's last sign of life to the new one's first commit",
            node,
            self._metrics.failover_duration,
        )
        failovers = CounterMetricFamily("h323_gatekeeper_failover", "Takeovers from the other node", labels=list(node))
        failovers.add_metric(list(node.values()), self._metrics.failovers)
        yield failovers
        records = GaugeMetricFamily(
            "h323_gatekeeper_witness_records", "Records on this node's disk", labels=["instance", "stream"]
        )
        for stream, size in status.witness_records.items():
            records.add_metric([status.node, stream], size)
        yield records
        outbox = GaugeMetricFamily(
            "h323_gatekeeper_outbox_records", "Records that a replica has yet to take", labels=["instance", "stream"]
        )
        for stream, size in status.outbox_records.items():
            outbox.add_metric([status.node, stream], size)
        yield outbox
        if status.peer_age is not None:
            yield from _peer_metrics(status, status.peer_age)
        policies = GaugeMetricFamily(
            "h323_gatekeeper_registrations_by_authentication",
            "Registered endpoints by what their requests are believed for",
            labels=["instance", "policy"],
        )
        for policy, count in status.registrations_by_authentication.items():
            policies.add_metric([status.node, policy], count)
        yield policies
        yield from _vrrp(status)


def _vrrp(status: Status) -> Iterable[Metric]:
    if status.vrrp_state is None:
        return
    node = {"instance": status.node}
    states = GaugeMetricFamily(
        "h323_gatekeeper_vrrp_state", "1 for the state that keepalived told last", labels=["instance", "state"]
    )
    for state in VrrpState:
        states.add_metric([status.node, state.value], float(state.value == status.vrrp_state))
    yield states
    transitions = CounterMetricFamily(
        "h323_gatekeeper_vrrp_transitions",
        "Times this node's keepalived became MASTER or ceased to be",
        labels=list(node),
    )
    transitions.add_metric(list(node.values()), status.vrrp_transitions)
    yield transitions
    doubt = status.virtual_address_doubt is not None
    text = "1 when kernel and keepalived disagree on who has the virtual address"
    yield _gauge("h323_gatekeeper_virtual_address_doubt", text, node, doubt)


def _peer_metrics(status: Status, age: float) -> Iterable[Metric]:
    node = {"instance": status.node}
    fit = status.peer is not None and bool(status.peer["fit"])
    yield _gauge("h323_gatekeeper_peer_age_seconds", "Since the other gatekeeper's last sign of life", node, age)
    yield _gauge("h323_gatekeeper_peer_fit", "1 while the other gatekeeper says that it is fit", node, fit)
    refused = CounterMetricFamily(
        "h323_gatekeeper_peer_signs_refused", "Datagrams in its name that were not believed", labels=list(node)
    )
    refused.add_metric(list(node.values()), status.peer_signs_refused)
    yield refused
    if status.clock_offset is not None:
        text = "This host's clock less the other gatekeeper's"
        yield _gauge("h323_gatekeeper_clock_offset_seconds", text, node, status.clock_offset)


def _gauge(name: str, text: str, labels: Mapping[str, str], value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), float(value))
    return family


class Metrics:
    """The service's counters and histograms."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self.admissions = 0
        self.failovers = 0
        self.failover_duration = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(_StatusCollector(status, self))
        # By their labels, which the client library looks up at six times the cost of the counting.
        self._request_counters: dict[tuple[str, str], Counter] = {}
        self._durations: dict[str, Histogram] = {}
        self._by_authentication: dict[str, Counter] = {}
        self._authenticated = Counter(
            "h323_gatekeeper_requests_by_authentication",
            "Requests by what they were believed for",
            ["policy"],
            registry=self._registry,
        )
        self._requests = Counter(
            "h323_gatekeeper_requests",
            "Datagrams by message and result",
            ["message", "result"],
            registry=self._registry,
        )
        self._duration = Histogram(
            "h323_gatekeeper_request_duration_seconds",
            "From a request's datagram to its answer",
            ["message"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._commits = Histogram(
            "h323_gatekeeper_commit_duration_seconds",
            "One transaction of the store",
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def count(self, message: str, result: str, authentication: str | None = None) -> None:
        """A datagram was dealt with, which was believed by this policy, or not at all."""
        counter = self._request_counters.get((message, result))
        if counter is None:
            counter = self._request_counters[message, result] = self._requests.labels(message, result)
        counter.inc()
        if authentication is not None:
            self._count_authentication(authentication)
        if message == "ARQ" and result not in ("dropped", "overloaded", "rate_limited"):
            self.admissions += 1

    def _count_authentication(self, policy: str) -> None:
        counter = self._by_authentication.get(policy)
        if counter is None:
            counter = self._by_authentication[policy] = self._authenticated.labels(policy)
        counter.inc()

    def answered(self, message: str, seconds: float) -> None:
        """A request was answered after so long."""
        duration = self._durations.get(message)
        if duration is None:
            duration = self._durations[message] = self._duration.labels(message)
        duration.observe(seconds)

    def committed(self, seconds: float) -> None:
        """A transaction took so long."""
        self._commits.observe(seconds)

    def took_over(self, seconds: float) -> None:
        """This node took over from the other, so long after its last sign of life."""
        self.failovers += 1
        self.failover_duration = seconds

    def corrected_duration(self, seconds: float) -> None:
        """The old one has told that the last failover took so long."""
        self.failover_duration = seconds

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self._registry)
