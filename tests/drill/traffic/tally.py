"""What became of the guardians' requests, counted by interval, and whether the council has settled again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from terminal.core import Confirmed, Instant, NoAnswer, Outcome, Refused

from .answers import reason_of


@dataclass(slots=True)
class Tally:
    """Of the requests that were finished in one interval."""

    sent: int = 0
    finished: int = 0
    confirmed: int = 0
    retries: int = 0
    longest_wait: float = 0.0
    """Seconds from a first sending to the answer, or to giving up."""
    refusals: Counter[str] = field(default_factory=Counter)
    given_up: int = 0
    skipped: int = 0
    unregistered: int = 0
    disengaged: int = 0

    def note(self, outcome: Outcome[Any], *, clean_up: bool) -> None:
        """Count one outcome. Of a call that is cleaned up nobody knew whether it was there: its refusal is none."""
        self.finished += 1
        self.retries += outcome.attempts - 1
        self.longest_wait = max(self.longest_wait, outcome.seconds)
        self.confirmed += isinstance(outcome, Confirmed)
        self.given_up += isinstance(outcome, NoAnswer)
        if isinstance(outcome, Refused) and not clean_up:
            self.refusals[reason_of(outcome)] += 1


class Row:
    """How many requests in a row were confirmed, of those sent since `begin`."""

    def __init__(self) -> None:
        self.length = 0
        self._since = 0.0

    def begin(self, monotonic: float) -> None:
        """Count anew, requests that are sent from now on (monotonic seconds)."""
        self.length, self._since = 0, monotonic

    def note(self, outcome: Outcome[Any], arrived: Instant) -> None:
        """One outcome."""
        if arrived.monotonic - outcome.seconds >= self._since:
            self.length = self.length + 1 if isinstance(outcome, Confirmed) else 0
