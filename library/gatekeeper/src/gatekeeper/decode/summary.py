"""What a capture comes to: counts, round trips, refusals, clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gatekeeper.decode.colours import Colours
from gatekeeper.decode.packets import Other
from gatekeeper.decode.pairing import Exchange
from gatekeeper.decode.printable import milliseconds, printable
from gatekeeper.decode.reading import Unreadable
from gatekeeper.decode.report import Report

_MOST_ROUND_TRIPS = 100_000
_MOST_NAMES = 1_000
_MOST_SHOWN = 10
_NOTABLE_AGE = 5.0
"""Seconds by which a clock may be off before it is worth a line."""
_NANOSECONDS_IN_MS = 1_000_000


class Summary:
    """Counts what goes by."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.signatures: Counter[str] = Counter()
        self.other: Counter[str] = Counter()
        self.other_ports: Counter[int] = Counter()
        self.elsewhere = 0
        self.unreadable = 0
        self.retransmissions = 0
        self.unanswered = 0
        self.bad_lines = 0
        self.filtered = 0
        self._last_time: int | None = None
        self._bad = 0
        self._round_trips: list[int] = []
        self._ages: dict[str, float] = {}

    @property
    def bad(self) -> bool:
        """Something was unreadable, or a signature doesn't count."""
        return bool(self._bad or self.bad_lines)

    @property
    def datagrams(self) -> int:
        """How many were shown."""
        return sum(self.messages.values()) + self.unreadable

    def add(self, report: Report) -> None:
        """Count a report."""
        self._bad += report.bad
        if isinstance(report.reading, Unreadable):
            self.unreadable += 1
            return
        self.messages[report.reading.name] += 1
        self._relation(report)
        if report.reason is not None:
            self.refusals[report.refusal.name.value if report.refusal is not None else report.reason] += 1
        self._check(report)

    def add_time(self, time: int | None) -> None:
        """Note when a datagram was captured, whether or not it is shown."""
        if time is not None:
            self._last_time = max(time, self._last_time or 0)

    def add_other(self, other: Other) -> None:
        """Count a frame without a datagram of RAS."""
        if len(self.other) < _MOST_NAMES or other.what in self.other:
            self.other[other.what] += 1

    def add_elsewhere(self, port: int | None) -> None:
        """Count a datagram that is of another port; `port` says which, if it is RAS nevertheless."""
        self.elsewhere += 1
        if port is not None and (len(self.other_ports) < _MOST_NAMES or port in self.other_ports):
            self.other_ports[port] += 1

    def _relation(self, report: Report) -> None:
        relation = report.relation
        if relation is None:
            return
        if relation.repeats is not None:
            self.retransmissions += not relation.captured_twice
        elif relation.round_trip is not None and len(self._round_trips) < _MOST_ROUND_TRIPS:
            self._round_trips.append(relation.round_trip)

    def _check(self, report: Report) -> None:
        check = report.check
        if check is None:
            return
        if check.verified:
            self.signatures["good" if check.good else check.problems[0].name] += 1
        else:
            self.signatures["not checked" if check.token is not None or check.problems else "none"] += 1
        if check.token is None or check.age is None:
            return
        sender = check.token.senders_id
        worst = self._ages.get(sender, 0.0)
        if abs(check.age) > abs(worst) and (sender in self._ages or len(self._ages) < _MOST_NAMES):
            self._ages[sender] = check.age

    def _trips(self) -> tuple[int, int, int] | None:
        """Median, 95th percentile and largest round trip in nanoseconds."""
        trips = sorted(self._round_trips)
        if not trips:
            return None
        return trips[len(trips) // 2], trips[len(trips) * 95 // 100], trips[-1]

    def values(self) -> dict[str, object]:
        """For machines."""
        trips = self._trips()
        names = ("median", "p95", "largest")
        return {
            "messages": dict(self.messages),
            "unreadable": self.unreadable,
            "unanswered": self.unanswered,
            "retransmissions": self.retransmissions,
            "refusals": dict(self.refusals),
            "signatures": dict(self.signatures),
            "round_trip_ms": None
            if trips is None
            else {name: round(trip / _NANOSECONDS_IN_MS, 3) for name, trip in zip(names, trips, strict=True)},
            "clocks_off_s": {name: round(age, 1) for name, age in self._clocks()},
            "not_shown": self.filtered,
            "elsewhere": self.elsewhere,
            "ras_on_ports": {str(port): count for port, count in self.other_ports.most_common(_MOST_SHOWN)},
            "other": dict(self.other),
            "bad": self.bad,
        }

    def _clocks(self) -> list[tuple[str, float]]:
        off = [(name, age) for name, age in self._ages.items() if abs(age) > _NOTABLE_AGE]
        return sorted(off, key=lambda one: -abs(one[1]))[:_MOST_SHOWN]

    def text(self, unanswered: list[Exchange], colours: Colours) -> str:
        """For people."""
        return "\n".join(self._lines(unanswered, colours))

    def _lines(self, unanswered: list[Exchange], colours: Colours) -> Iterator[str]:
        yield colours.title(f"{sum(self.messages.values())} RAS messages") + _counts(": ", self.messages)
        if self.unreadable:
            yield colours.bad(f"{self.unreadable} unreadable")
        trips = self._trips()
        if trips is not None:
            median, p95, largest = map(milliseconds, trips)
            yield f"round trip: median {median}, 95 % within {p95}, largest {largest}"
        if self.retransmissions:
            yield colours.noted(f"{self.retransmissions} retransmissions")
        yield from self._silence(unanswered, colours)
        if self.refusals:
            yield colours.refused("refused" + _counts(": ", self.refusals))
        if self.signatures:
            yield "signatures" + _counts(": ", self.signatures)
        for name, age in self._clocks():
            side = "behind" if age > 0 else "ahead of"
            yield colours.noted(f"clock of {printable(name)}: {abs(age):.0f} s {side} the capture's")
        yield from self._elsewhere(colours)

    def _silence(self, unanswered: list[Exchange], colours: Colours) -> Iterator[str]:
        if not self.unanswered:
            return
        yield colours.bad(f"{self.unanswered} without an answer in this capture:")
        for one in unanswered[:_MOST_SHOWN]:
            times = f", sent {one.attempts} times" if one.attempts > 1 else ""
            who = f" of {printable(one.terminal)}" if one.terminal else ""
            where = f", {one.requester} → {one.responder}" if one.requester else ""
            yield f"    {one.name} {one.request_seq_num} #{one.number}{who}{where}{times}{self._until_the_end(one)}"
        if self.unanswered > _MOST_SHOWN:
            yield f"    and {self.unanswered - _MOST_SHOWN} more"

    def _until_the_end(self, exchange: Exchange) -> str:
        """An answer may have come after the capture's end."""
        if exchange.time is None or self._last_time is None:
            return ""
        return f", {milliseconds(self._last_time - exchange.time)} before the capture ends"

    def _elsewhere(self, colours: Colours) -> Iterator[str]:
        if self.filtered:
            yield f"{self.filtered} not shown, by --only, --terminal, --call or --bad"
        if self.elsewhere:
            yield f"passed over: {self.elsewhere} datagrams of other ports"
        for port, count in self.other_ports.most_common(_MOST_SHOWN):
            yield colours.noted(
                f"there is RAS on port {port} (in the first datagrams, {count}): --port {port} shows it"
            )
        if self.other:
            yield "passed over" + _counts(": ", self.other)


def _counts(before: str, counter: Counter[str]) -> str:
    return before + ", ".join(f"{count} {printable(name)}" for name, count in counter.most_common()) if counter else ""
