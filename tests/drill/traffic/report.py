"""What the load tells of one interval: made here, read by the runner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from terminal.probe.silence import Silence
from terminal.probe.timeline import Outage

from .direct import DirectTally
from .prober import Probed
from .tally import Tally


@dataclass(frozen=True, slots=True)
class Rates:
    """A second; retransmissions are not counted."""

    probes: float
    requests: float


@dataclass(frozen=True, slots=True)
class DirectReport:
    """What came from one gatekeeper's own address. Times are Unix seconds."""

    sent: int
    acf: int
    dcf: int
    refusals: Mapping[str, int]
    first_acf: float | None
    last_acf: float | None


@dataclass(frozen=True, slots=True)
class TrafficReport:
    """One interval; README.md says what each field means."""

    name: str
    since: float
    until: float
    valid: bool
    invalid_because: str
    outages: tuple[Outage, ...]
    worst_ms: float
    silences: tuple[Silence, ...]
    longest_silence_ms: float
    probes_sent: int
    probes_lost: int
    probe_refusals: Mapping[str, int]
    probes_missed: int
    longest_pause_ms: float
    requests: int
    confirmed: int
    retries: int
    longest_wait_ms: float
    refusals: Mapping[str, int]
    given_up: int
    skipped: int
    unregistered: int
    disengaged: int
    held_lost: int
    rates: Rates
    direct: Mapping[str, DirectReport]

    @property
    def line(self) -> str:
        """As the load says it."""
        return json.dumps({"event": "report", **asdict(self)})


def read_report(fields: Mapping[str, Any]) -> TrafficReport:
    """The report in what the load said.

    Raises:
        TypeError: it's none.
    """
    rest = {name: value for name, value in fields.items() if name != "event"}
    return TrafficReport(
        **{
            **rest,
            "outages": tuple(Outage(**one) for one in rest["outages"]),
            "silences": tuple(Silence(**one) for one in rest["silences"]),
            "rates": Rates(**rest["rates"]),
            "direct": {node: DirectReport(**one) for node, one in rest["direct"].items()},
        }
    )


@dataclass(frozen=True, slots=True)
class Interval:
    """From a mark to a report; Unix seconds."""

    name: str
    since: float
    until: float


def make_report(
    interval: Interval,
    probed: Probed,
    tally: Tally,
    direct: Mapping[str, DirectTally],
    *,
    held_lost: int,
    most_paused_ms: float,
) -> TrafficReport:
    """Put together what was seen."""
    paused = probed.longest_pause_ms > most_paused_ms
    why = f"the prober got no time for {probed.longest_pause_ms} ms, more than {most_paused_ms}" if paused else ""
    seconds = max(interval.until - interval.since, 0.001)
    return TrafficReport(
        name=interval.name,
        since=interval.since,
        until=interval.until,
        valid=not paused,
        invalid_because=why,
        outages=probed.outages,
        worst_ms=max((one.milliseconds for one in probed.outages), default=0.0),
        silences=probed.silences,
        longest_silence_ms=probed.longest_silence_ms,
        probes_sent=probed.sent,
        probes_lost=probed.lost,
        probe_refusals=probed.refusals,
        probes_missed=probed.missed,
        longest_pause_ms=probed.longest_pause_ms,
        requests=tally.finished,
        confirmed=tally.confirmed,
        retries=tally.retries,
        longest_wait_ms=round(tally.longest_wait * 1000, 1),
        refusals=dict(tally.refusals),
        given_up=tally.given_up,
        skipped=tally.skipped,
        unregistered=tally.unregistered,
        disengaged=tally.disengaged,
        held_lost=held_lost,
        rates=Rates(round(probed.sent / seconds, 1), round(tally.sent / seconds, 1)),
        direct={
            node: DirectReport(one.sent, one.acf, one.dcf, dict(one.refusals), one.first_acf, one.last_acf)
            for node, one in direct.items()
        },
    )
