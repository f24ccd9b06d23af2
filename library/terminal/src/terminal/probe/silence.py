"""Times in which requests waited and no answer came, whether they were answered in the end or not.

A gatekeeper that stops for half a second and then answers everything that queued up meanwhile has lost nothing, so
there is no outage by sendings; a client has waited for half a second all the same. A silence lasts from the last
answer, or from the first sending after it if that is later, to the next answer. What the prober itself sends late is no
silence.
"""

from __future__ import annotations

from dataclasses import dataclass

from terminal.core import Instant

MOST_SILENCES = 1_000
"""That are kept one by one; the longest is kept in any case, and all are counted."""


@dataclass(frozen=True, slots=True)
class Silence:
    """One of them."""

    start: float
    """Unix seconds."""
    milliseconds: float


class Silences:
    """Those longer than a threshold (seconds)."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._since: Instant | None = None
        self.kept: list[Silence] = []
        self.count = 0
        self.longest_ms = 0.0

    def sent(self, now: Instant) -> None:
        """A probe's request is sent."""
        self._since = self._since or now

    def answered(self, now: Instant, *, waiting: bool) -> None:
        """A believed answer to one has come; `waiting` says whether others are under way."""
        since, self._since = self._since, now if waiting else None
        if since is None or now.monotonic - since.monotonic <= self._threshold:
            return
        silence = Silence(round(since.unix, 6), round((now.monotonic - since.monotonic) * 1000, 3))
        self.count += 1
        self.longest_ms = max(self.longest_ms, silence.milliseconds)
        if len(self.kept) < MOST_SILENCES:
            self.kept.append(silence)
