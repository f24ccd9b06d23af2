"""When to send a request again, and when to give up: the rule of H.225.0 7.19 with the council's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class RetransmissionPolicy:
    """Times are seconds."""

    first: float = 0.2
    """Until the first retransmission."""
    factor: float = 2.0
    """By which each wait is longer than the one before it."""
    longest: float = 1.0
    """The longest wait: an answer must not be late because nobody asked in the last seconds before giving up."""
    give_up: float = 5.0
    """From the first sending: the SLA of a failover, so that a failover is nothing but a retry."""

    def __post_init__(self) -> None:
        """Refuse what would send without pause."""
        if not (self.first > 0 and self.factor >= 1 and self.longest > 0 and self.give_up > 0):
            raise ValueError("first, longest and give_up must be above 0, factor at least 1")


class Timer(Enum):
    """What is due."""

    NOTHING = auto()
    RETRANSMIT = auto()
    GIVE_UP = auto()


class Exchange:
    """One request under way. Times are monotonic seconds."""

    def __init__(self, policy: RetransmissionPolicy, now: float) -> None:
        self._policy = policy
        self._wait = policy.first
        self._again_at = now + policy.first
        self._deadline = now + policy.give_up
        self.started = now
        self.attempts = 1

    @property
    def next_timeout(self) -> float:
        """When to call `timeout` next."""
        return min(self._again_at, self._deadline)

    def timeout(self, now: float) -> Timer:
        """What is due now. After a late call one retransmission is due, not all that were missed."""
        if now >= self._deadline:
            return Timer.GIVE_UP
        if now < self._again_at:
            return Timer.NOTHING
        self._wait = min(self._wait * self._policy.factor, max(self._policy.longest, self._policy.first))
        self._again_at = now + self._wait
        self.attempts += 1
        return Timer.RETRANSMIT

    def hold(self, now: float, seconds: float) -> None:
        """The gatekeeper is at it and asks for so much more time (RIP, H.225.0 7.20): be quiet until then."""
        self._again_at = now + seconds
        self._deadline = max(self._deadline, now + seconds + self._policy.first)
