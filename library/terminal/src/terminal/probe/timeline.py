"""Outages as a client sees them, from the fates of probes in the order of their sending.

A probe is *served* when every answer that it needs has come, is believed (signature, challenge, addressee) and
confirms: RCF in answer to a keepAlive RRQ; with commits, ACF and then DCF. It is *refused* when one of them refuses,
and *lost* when one of them hasn't come within the waiting time, or has come but can't be believed.

A gap is a run of one or more probes that were not served. It lasts from the sending of the last served probe before it
to the sending of the first served probe after it; where none was served before it, from its own first sending; where
it has not ended, to its last sending. A gap longer than the threshold is an outage. Sendings lie one interval apart, so
that the time in which requests went unserved is overstated by less than two intervals and by what the prober itself
missed (`Prober.missed`). A pause of the prober in which nothing was sent is no gap: at least one probe is unserved.
Requests that were held and answered in the end are no gap either: they show as late, and as a silence.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from terminal.core import Instant

MOST_OUTAGES = 1_000
"""That are kept one by one; the longest one is kept in any case, and all are counted."""


class Fate(Enum):
    """What became of a probe."""

    SERVED = auto()
    REFUSED = auto()
    LOST = auto()


@dataclass(frozen=True, slots=True)
class Outage:
    """One outage."""

    start: float
    """Unix time of the sending that it is counted from, seconds."""
    milliseconds: float
    """From sending to sending."""
    answer_gap_ms: float | None
    """From the answer of the last served probe before it to that of the first after it; None where one is missing."""
    probes_lost: int
    probes_refused: int
    ended: bool
    """False for one that still lasted when probing ended."""


@dataclass(slots=True)
class _Sending:
    sent: Instant
    fate: Fate | None = None
    answered: float = 0.0


class Timeline:
    """Fates come in any order; outages are found in the order of sending."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._open: deque[_Sending] = deque()
        self._settled = 0
        self._served_last: _Sending | None = None
        self._gap: list[_Sending] = []
        self._gap_lost = self._gap_refused = 0
        self.outages: list[Outage] = []
        self.outage_count = 0
        self.longest: Outage | None = None
        self.fates = dict.fromkeys(Fate, 0)

    @property
    def sent_count(self) -> int:
        """Probes sent so far."""
        return self._settled + len(self._open)

    def sent(self, now: Instant) -> int:
        """A probe is sent; its number."""
        self._open.append(_Sending(now))
        return self.sent_count - 1

    def settle(self, number: int, fate: Fate, now: Instant) -> None:
        """The fate of the probe of this number is known, by what came or didn't at `now`.

        Raises:
            ValueError: it was known already, or there's no such probe.
        """
        place = number - self._settled
        if not 0 <= place < len(self._open) or self._open[place].fate is not None:
            raise ValueError(f"probe {number} is not under way")
        self._open[place].fate = fate
        self._open[place].answered = now.monotonic
        self.fates[fate] += 1
        while self._open and self._open[0].fate is not None:
            self._settled += 1
            self._follow(self._open.popleft())

    @property
    def unfinished(self) -> Outage | None:
        """The outage that still lasts, as far as it was seen; None while there is none."""
        outage = self._outage(self._gap[-1], ended=False) if self._gap else None
        return outage if outage is not None and self._counts(outage) else None

    def end(self) -> None:
        """Probing has ended, and every fate is known: an outage that still lasts is noted as far as it was seen."""
        if self._gap:
            self._note(self._outage(self._gap[-1], ended=False))

    def _follow(self, sending: _Sending) -> None:
        if sending.fate is not Fate.SERVED:
            # Of a gap only its ends are kept, however long it is.
            self._gap[1:] = [sending] if self._gap else []
            self._gap = self._gap or [sending]
            self._gap_lost += sending.fate is Fate.LOST
            self._gap_refused += sending.fate is Fate.REFUSED
            return
        if self._gap:
            self._note(self._outage(sending, ended=True))
            self._gap, self._gap_lost, self._gap_refused = [], 0, 0
        self._served_last = sending

    def _outage(self, last: _Sending, *, ended: bool) -> Outage:
        before = self._served_last
        first = before or self._gap[0]
        answers = last.answered - before.answered if before is not None and ended else None
        return Outage(
            start=round(first.sent.unix, 6),
            milliseconds=_milliseconds(last.sent.monotonic - first.sent.monotonic),
            answer_gap_ms=_milliseconds(answers) if answers is not None else None,
            probes_lost=self._gap_lost,
            probes_refused=self._gap_refused,
            ended=ended,
        )

    def _note(self, outage: Outage) -> None:
        if not self._counts(outage):
            return
        self.outage_count += 1
        if len(self.outages) < MOST_OUTAGES:
            self.outages.append(outage)
        if self.longest is None or outage.milliseconds > self.longest.milliseconds:
            self.longest = outage

    def _counts(self, outage: Outage) -> bool:
        return outage.milliseconds > _milliseconds(self._threshold)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
