"""How to probe."""

from __future__ import annotations

from dataclasses import dataclass

SHORTEST_INTERVAL = 0.001
LONGEST_INTERVAL = 10.0
LONGEST_WAIT = 10.0
MOST_CALLS = 200
"""That a prober may hold, or hold without knowing it; a gatekeeper grants an endpoint 250."""


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """Times are seconds."""

    interval: float = 0.005
    """Between two sendings."""
    outage: float = 0.02
    """A gap between served probes that is longer than this is an outage; an answer that took longer is late."""
    wait: float = 1.0
    """A probe whose answer hasn't come by then is lost."""
    commit: bool = False
    """Probe by ARQ and DRQ, each of which needs a commit, instead of keepAlive."""
    to: str | None = None
    """The terminal alias that a probe calls; None calls the guardian itself, which takes no port of an MCU."""

    def __post_init__(self) -> None:
        """Refuse what would send without pause or wait for ever."""
        if not SHORTEST_INTERVAL <= self.interval <= LONGEST_INTERVAL:
            raise ValueError("the interval must be 1 to 10000 ms")
        if not (self.outage > 0 and 0 < self.wait <= LONGEST_WAIT):
            raise ValueError("the outage must be above 0 ms, the wait above 0 and at most 10000 ms")
        if self.commit and round(self.wait / self.interval) > MOST_CALLS:
            raise ValueError(
                f"with commits the wait must be at most {MOST_CALLS} intervals, so that no call is too many"
            )
