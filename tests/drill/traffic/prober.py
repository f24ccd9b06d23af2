"""The prober of a drill: terminal.probe's, with each interval's own figures, and with this process's own delays."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from terminal.core import Identity, Instant
from terminal.core.endpoint import Address
from terminal.probe import Prober, ProbeSettings
from terminal.probe.silence import Silence
from terminal.probe.timeline import Fate, Outage, Timeline


class DrillTimeline(Timeline):
    """Says besides how many probes in a row were served, and how late this process was."""

    def __init__(self, threshold: float, interval: float) -> None:
        super().__init__(threshold)
        self._interval = interval
        self._sent_last: float | None = None
        self._row_first = 0
        self._served_number = -1
        self.longest_pause = 0.0
        """Seconds by which a sending was later than one interval after the one before it."""

    def sent(self, now: Instant) -> int:
        """As the timeline's."""
        if self._sent_last is not None:
            self.longest_pause = max(self.longest_pause, now.monotonic - self._sent_last - self._interval)
        self._sent_last = now.monotonic
        return super().sent(now)

    def settle(self, number: int, fate: Fate, now: Instant) -> None:
        """As the timeline's."""
        super().settle(number, fate, now)
        if fate is Fate.SERVED and number > self._served_number:
            if number != self._served_number + 1:
                self._row_first = number
            self._served_number = number

    def served_in_a_row(self, first: int) -> int:
        """How many of the probes from this number on were served in a row, up to the last that was served."""
        return max(0, self._served_number + 1 - max(self._row_first, first))

    def is_known(self, end: int) -> bool:
        """Whether the fates of all probes before this number are known."""
        return self._settled >= end


@dataclass(frozen=True, slots=True)
class Probed:
    """What the prober saw in one interval."""

    outages: tuple[Outage, ...]
    silences: tuple[Silence, ...]
    longest_silence_ms: float
    sent: int
    lost: int
    refusals: dict[str, int]
    missed: int
    longest_pause_ms: float


class DrillProber(Prober):
    """Register it, `begin`, then `mark` and `probed` as often as wanted."""

    timeline: DrillTimeline

    def __init__(
        self, identity: Identity, address: Address, random_bytes: Callable[[int], bytes], settings: ProbeSettings
    ) -> None:
        super().__init__(identity, address, random_bytes, settings)
        self.timeline = DrillTimeline(settings.outage, settings.interval)
        self._before = (0, 0, 0)

    @classmethod
    def at(cls, identity: Identity, address: Address, interval: float = 0.005) -> DrillProber:
        """One that sends a signed keepAlive so often (seconds), each of which is lost after a second."""
        return cls(identity, address, os.urandom, ProbeSettings(interval=interval))

    def mark(self) -> None:
        """Begin a new interval. A gap that has not ended is counted in the interval in which it ends."""
        timeline = self.timeline
        timeline.outages.clear()
        timeline.longest_pause = 0.0
        self.silences.kept.clear()
        self.silences.longest_ms = 0.0
        self.refusals = Counter()
        self._before = self._totals

    def probed(self) -> Probed:
        """What was seen since the last mark."""
        timeline = self.timeline
        unfinished = timeline.unfinished
        sent, lost, missed = (now - before for now, before in zip(self._totals, self._before, strict=True))
        return Probed(
            outages=(*timeline.outages, *((unfinished,) if unfinished else ())),
            silences=tuple(self.silences.kept),
            longest_silence_ms=self.silences.longest_ms,
            sent=sent,
            lost=lost,
            refusals=dict(self.refusals),
            missed=missed,
            longest_pause_ms=round(timeline.longest_pause * 1000, 1),
        )

    @property
    def _totals(self) -> tuple[int, int, int]:
        return self.timeline.sent_count, self.timeline.fates[Fate.LOST], self.missed
