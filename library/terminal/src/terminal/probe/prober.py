"""An endpoint that probes: each probe a fresh signed request, sent on time, answered or not the ones before."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from terminal.core import (
    Call,
    Confirmed,
    Effect,
    Endpoint,
    Finished,
    Identity,
    Instant,
    NoAnswer,
    Refused,
    RetransmissionPolicy,
    Unregistered,
)
from terminal.core.endpoint import Address
from terminal.core.outcome import ConfirmT
from terminal.core.request import Request
from terminal.probe.decision import Decision, request_digest
from terminal.probe.latencies import Latencies
from terminal.probe.pace import Pace
from terminal.probe.settings import MOST_CALLS, ProbeSettings
from terminal.probe.silence import Silences
from terminal.probe.timeline import Fate, Timeline

MOST_OUTSTANDING = 2_000
"""Requests without an answer yet; above it sendings are missed, and counted as such."""
KEEP_ALIVE_EVERY = 1.0
"""Seconds between two keepAlive RRQ where the probes themselves keep nothing alive."""
PROBE_BPS = 100
"""Of a probe's call: the least that H.225.0 can ask for, so that no quota is in the way."""


class _Step(Enum):
    """What a request under way is for."""

    KEEP_ALIVE = auto()
    ADMIT = auto()
    DISENGAGE = auto()
    CLEAN_UP = auto()
    """Ends a call of a probe that was lost."""
    STAY = auto()
    """Keeps the registration alive beside the probes."""


@dataclass(frozen=True, slots=True)
class _Asked:
    step: _Step
    probe: int | None = None
    call: Call | None = None


class Prober(Endpoint):
    """Register it as any endpoint, then `begin`. It probes at `timeout`, which is due at `next_timeout`."""

    def __init__(
        self, identity: Identity, address: Address, random_bytes: Callable[[int], bytes], settings: ProbeSettings
    ) -> None:
        super().__init__(identity, address, random_bytes)
        self.settings = settings
        self.timeline = Timeline(settings.outage)
        self.latencies = Latencies()
        self.silences = Silences(settings.outage)
        self.refusals: Counter[str] = Counter()
        """By the council's name, or by H.225.0's reason where there is none."""
        self.late = 0
        """Confirmations that took longer than the threshold of an outage."""
        self.missed = 0
        """Sendings that were due and not made: this process got no time, or too many were outstanding."""
        self.unregistered = 0
        """How often the gatekeeper ended the registration by itself."""
        self._source = address
        self._draw = random_bytes
        # A probe is sent once: first wait and giving up are the same moment.
        self._once = RetransmissionPolicy(first=settings.wait, longest=settings.wait, give_up=settings.wait)
        self._pace: Pace | None = None
        self._stay_at = 0.0
        self._asked_by_number: dict[int, _Asked] = {}
        self._left: deque[Call] = deque()
        self._decisions: list[Decision] = []

    def begin(self, now: Instant) -> None:
        """Probe from now on."""
        self._pace = Pace(now.monotonic, self.settings.interval)
        self._stay_at = now.monotonic + KEEP_ALIVE_EVERY

    def end(self) -> None:
        """Send no more probes. Those under way still have their time to be answered."""
        self._pace = None

    def conclude(self, now: Instant) -> None:
        """Wait no longer: what is under way is lost, and what still comes changes nothing."""
        for number, asked in self._asked_by_number.items():
            if asked.probe is not None:
                self.timeline.settle(asked.probe, Fate.LOST, now)
            self._asked_by_number[number] = _Asked(_Step.STAY)
        self.timeline.end()

    @property
    def outstanding(self) -> int:
        """Requests of probes that may still be answered."""
        return len(self._asked_by_number)

    def take_decisions(self) -> list[Decision]:
        """The decisions acknowledged since this was called last."""
        taken, self._decisions = self._decisions, []
        return taken

    @property
    def next_timeout(self) -> float | None:
        """When to call `timeout` next, in monotonic seconds; None while nothing is due at any time."""
        times = [one for one in (super().next_timeout, self._pace.due if self._pace else None) if one is not None]
        return min(times, default=None)

    def timeout(self, now: Instant) -> list[Effect]:
        """Send the probe that is due, give up those that waited too long, and what any endpoint does."""
        effects = self._probe(now) if self._pace is not None and self._pace.due <= now.monotonic else []
        return effects + self._sort(super().timeout(now), now)

    def receive(self, datagram: bytes, now: Instant) -> list[Effect]:
        """Take one datagram from the socket. Never raises, whatever the octets are."""
        return self._sort(super().receive(datagram, now), now)

    def _probe(self, now: Instant) -> list[Effect]:
        if self._pace is None:
            return []
        self.missed += self._pace.advance(now.monotonic)
        if self.outstanding >= MOST_OUTSTANDING:
            self.missed += 1
            return []
        number = self.timeline.sent(now)
        if not self.settings.commit:
            return self._ask(self.keep_alive(), _Asked(_Step.KEEP_ALIVE, number), now)
        call = self._call()
        admission = self.admission(call, PROBE_BPS, to=self.settings.to or self.identity.name)
        return self._ask(admission, _Asked(_Step.ADMIT, number, call), now) + self._stay(now)

    def _call(self) -> Call:
        """A new call, unless so many may be held already that the gatekeeper could refuse one more: then one of those.

        Asking again for a call that was admitted, in a fresh ARQ, is confirmed again, and its DRQ ends it.
        """
        if self._left and self.outstanding + len(self._left) >= MOST_CALLS:
            return self._left.popleft()
        return Call.new(self._draw(16), self._draw)

    def _stay(self, now: Instant) -> list[Effect]:
        if now.monotonic < self._stay_at:
            return []
        self._stay_at = now.monotonic + KEEP_ALIVE_EVERY
        return self._ask(self.keep_alive(), _Asked(_Step.STAY), now)

    def _ask(self, request: Request[ConfirmT], asked: _Asked, now: Instant) -> list[Effect]:
        prepared = self.prepare(request, now.unix)
        self._asked_by_number[prepared.request_seq_num] = asked
        self.silences.sent(now)
        return self.send(prepared, now, self._once)

    def _sort(self, effects: list[Effect], now: Instant) -> list[Effect]:
        """Follow what became of probes; the rest is the driver's."""
        rest: list[Effect] = []
        for effect in effects:
            asked = (
                self._asked_by_number.pop(effect.prepared.request_seq_num, None)
                if isinstance(effect, Finished)
                else None
            )
            if isinstance(effect, Finished) and asked is not None:
                rest += self._finished(asked, effect, now)
                continue
            self.unregistered += isinstance(effect, Unregistered)
            rest.append(effect)
        return rest

    def _finished(self, asked: _Asked, finished: Finished, now: Instant) -> list[Effect]:
        outcome = finished.outcome
        if not isinstance(outcome, NoAnswer):
            self.silences.answered(now, waiting=bool(self._asked_by_number))
        if isinstance(outcome, Confirmed):
            return self._confirmed(asked, finished, outcome.seconds, now)
        if isinstance(outcome, NoAnswer) and asked.call is not None:
            # It may have been admitted, or not ended yet.
            self._left.append(asked.call)
        if isinstance(outcome, Refused) and asked.step is not _Step.CLEAN_UP:
            self.refusals[outcome.name.value if outcome.name is not None else outcome.reason] += 1
        if asked.probe is not None:
            self.timeline.settle(asked.probe, Fate.REFUSED if isinstance(outcome, Refused) else Fate.LOST, now)
            return self._clean_up(now) if isinstance(outcome, Refused) else []
        return []

    def _confirmed(self, asked: _Asked, finished: Finished, seconds: float, now: Instant) -> list[Effect]:
        if asked.call is not None:
            digest = request_digest(finished.prepared.datagram, self._source)
            request = "ARQ" if asked.step is _Step.ADMIT else "DRQ"
            self._decisions.append(Decision(request, asked.call.call_identifier.hex(), digest, now.unix))
        if asked.probe is None:
            return []
        self.latencies.note(seconds)
        self.late += seconds > self.settings.outage
        if asked.step is _Step.ADMIT and asked.call is not None:
            return self._ask(self.disengagement(asked.call), _Asked(_Step.DISENGAGE, asked.probe, asked.call), now)
        self.timeline.settle(asked.probe, Fate.SERVED, now)
        return self._clean_up(now)

    def _clean_up(self, now: Instant) -> list[Effect]:
        """End one call that a lost probe may have left: only now that somebody answers, and no faster than we probe."""
        if not self._left:
            return []
        call = self._left.popleft()
        return self._ask(self.disengagement(call), _Asked(_Step.CLEAN_UP, call=call), now)
