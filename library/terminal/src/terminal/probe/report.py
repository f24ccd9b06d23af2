"""What probing has shown: a table for people, an object for machines, and a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from terminal.core import Ignored
from terminal.probe.prober import Prober
from terminal.probe.silence import Silence
from terminal.probe.timeline import Fate, Outage

_SHOWN = 20
"""Outages in the table for people."""


@dataclass(frozen=True, slots=True)
class Report:
    """Latencies are those of confirmed requests, from sending to answer."""

    probes_sent: int
    answered: int
    """Served: confirmed in full."""
    lost: int
    refused: dict[str, int]
    """Requests by the refusal's name."""
    late: int
    missed: int
    unregistered: int
    wrong_answers: dict[str, int]
    """Datagrams that can't be the gatekeeper's answer, by why."""
    unexpected_answers: int
    """Well-formed and answering nothing that waits: duplicates, and answers after the waiting time."""
    outages: tuple[Outage, ...]
    outage_count: int
    longest_outage_ms: float
    silences: tuple[Silence, ...]
    """Times in which requests waited and no answer came; unlike an outage, also where nothing was lost."""
    silence_count: int
    longest_silence_ms: float
    latency_p50_ms: float
    latency_p95_ms: float
    latency_p99_ms: float
    latency_max_ms: float
    most_ms: float | None
    """The longest outage, and the longest wait for an answer, that is still good; None where any is."""
    epoch: int | None = None
    """The epoch that answered: never known, since no answer carries it. The gatekeeper's log tells it by request."""

    @property
    def ok(self) -> bool:
        """Served, never refused, not thrown out; with `most_ms` also no outage and no wait longer than that."""
        unharmed = bool(self.answered) and not self.refused and not self.unregistered
        return unharmed and (self.most_ms is None or self.worst_ms <= self.most_ms)

    @property
    def worst_ms(self) -> float:
        """The longest that a client was without service: an outage, a silence, or the wait for one answer."""
        gaps = [one.answer_gap_ms for one in self.outages if one.answer_gap_ms is not None]
        return max(self.longest_outage_ms, self.longest_silence_ms, self.latency_max_ms, *gaps)

    def lines(self) -> list[str]:
        """For people."""
        figures = {
            "probes sent": self.probes_sent,
            "answered": self.answered,
            "lost": self.lost,
            "refused": _tally(self.refused),
            "late": self.late,
            "not sent in time": self.missed,
            "unregistered": self.unregistered,
            "wrong answers": _tally(self.wrong_answers),
            "unexpected": self.unexpected_answers,
            "latency ms": f"p50 {self.latency_p50_ms}, p95 {self.latency_p95_ms}, p99 {self.latency_p99_ms}, "
            f"max {self.latency_max_ms}",
            "outages": f"{self.outage_count}, the longest {self.longest_outage_ms} ms",
            "silences": f"{self.silence_count}, the longest {self.longest_silence_ms} ms",
        }
        lines = [f"{name:16} {value}" for name, value in figures.items()]
        return [*lines, *_table(self.outages), self.verdict]

    @property
    def verdict(self) -> str:
        """One line for people."""
        if not self.answered:
            return "FAILED: no probe was answered"
        if self.refused or self.unregistered:
            return "FAILED: the guardian was refused, or the registration was ended"
        if not self.ok:
            return f"FAILED: without service for {self.worst_ms} ms, more than {self.most_ms}"
        return "good: nothing was refused"

    def fields(self) -> dict[str, object]:
        """For machines."""
        return {"ok": self.ok, "worst_ms": self.worst_ms, **asdict(self)}


def report_on(prober: Prober, most_ms: float | None) -> Report:
    """The report on a prober that has ended."""
    timeline, latencies = prober.timeline, prober.latencies
    return Report(
        probes_sent=timeline.sent_count,
        answered=timeline.fates[Fate.SERVED],
        lost=timeline.fates[Fate.LOST],
        refused=dict(prober.refusals),
        late=prober.late,
        missed=prober.missed,
        unregistered=prober.unregistered,
        wrong_answers={why.name: count for why, count in prober.ignored.items() if why is not Ignored.UNEXPECTED},
        unexpected_answers=prober.ignored[Ignored.UNEXPECTED],
        outages=tuple(timeline.outages),
        outage_count=timeline.outage_count,
        longest_outage_ms=timeline.longest.milliseconds if timeline.longest is not None else 0.0,
        silences=tuple(prober.silences.kept),
        silence_count=prober.silences.count,
        longest_silence_ms=prober.silences.longest_ms,
        latency_p50_ms=latencies.percentile_ms(50),
        latency_p95_ms=latencies.percentile_ms(95),
        latency_p99_ms=latencies.percentile_ms(99),
        latency_max_ms=latencies.longest_ms,
        most_ms=most_ms,
    )


def live_line(prober: Prober) -> str:
    """How it stands, in less than a terminal's width."""
    timeline = prober.timeline
    longest = timeline.longest.milliseconds if timeline.longest is not None else 0.0
    return (
        f"sent {timeline.sent_count}  answered {timeline.fates[Fate.SERVED]}  lost {timeline.fates[Fate.LOST]}  "
        f"refused {prober.refusals.total()}  outages {timeline.outage_count}, longest {longest:.0f} ms"
    )


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "0"


def _table(outages: tuple[Outage, ...]) -> list[str]:
    if not outages:
        return []
    rows = [f"{'outage from (UTC)':26} {'ms':>9} {'answers ms':>10} {'lost':>6} {'refused':>7}"]
    for one in outages[:_SHOWN]:
        start = datetime.fromtimestamp(one.start, timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
        answers = f"{one.answer_gap_ms:.1f}" if one.answer_gap_ms is not None else "-"
        end = "" if one.ended else "  not over"
        rows.append(f"{start} {one.milliseconds:9.1f} {answers:>10} {one.probes_lost:6} {one.probes_refused:7}{end}")
    more = len(outages) - _SHOWN
    return [*rows, f"and {more} more"] if more > 0 else rows
