"""Whose clock is wrong? A node with a wrong one judges all timestamps wrongly, and refuses every guardian.

Either of two may be wrong, so a third one is asked: that of a host of the store on which neither gatekeeper runs. All
opinions are kept as what is between them and this node's monotonic clock, which nobody steps: a step of this node's own
clock doesn't change what it knows of the others' (docs/decisions/0011-fitness.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

TOLERANCE = 2.0
"""Seconds by which clocks that agree may differ. A sign of life may have been under way for one, and the store's hosts
tell whole seconds; a signature is refused when it is off by 30."""
STEP = 1.0
"""Seconds by which the clock must be off at once; what corrects a clock otherwise is slower by far."""
DOUBT = 0.5
"""Seconds after a step for which it may stay open whose clock is wrong before requests are answered nevertheless."""
PEER_COUNTS = 1.0
"""Seconds for which a sign of life tells the other gatekeeper's time."""
THIRD_COUNTS = 60.0
"""Seconds for which a third host's time counts: what it differs from a monotonic clock by hardly changes."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What another host's clock has told."""

    name: str
    offset: float
    """Unix time there less this node's monotonic time, in seconds."""
    at: float
    """When it was told, in seconds of the monotonic clock."""


class Verdict(Enum):
    """Whose clock is wrong."""

    NOBODY = auto()
    OWN = auto()
    PEER = auto()
    UNKNOWN = auto()
    """Two differ, and there is no third one that agrees with either."""


def judge_clocks(own: float, peer: Opinion | None, third: Opinion | None, now: float) -> Verdict:
    """The odd one out of three: the clock that differs from two that agree. `own` is an offset as an opinion's."""
    peer, third = _counting(peer, now, PEER_COUNTS), _counting(third, now, THIRD_COUNTS)
    if peer is None:
        # There is nobody to give up to, but it is worth saying.
        return Verdict.NOBODY if third is None or _agree(own, third.offset) else Verdict.UNKNOWN
    if _agree(own, peer.offset):
        return Verdict.NOBODY
    if third is None or _agree(own, third.offset) is _agree(peer.offset, third.offset):
        return Verdict.UNKNOWN
    return Verdict.PEER if _agree(own, third.offset) else Verdict.OWN


def _counting(opinion: Opinion | None, now: float, seconds: float) -> Opinion | None:
    return opinion if opinion is not None and now - opinion.at <= seconds else None


def _agree(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is known of them at one moment."""

    verdict: Verdict = Verdict.NOBODY
    ahead: float | None = None
    """Seconds that this host's is ahead of the other gatekeeper's; None where that one tells nothing."""
    sentence: str | None = None
    """What is wrong, None where nothing is."""

    @property
    def trouble(self) -> str | None:
        """The sentence, if it is this host's that is wrong."""
        return self.sentence if self.verdict is Verdict.OWN else None


class WallClock:
    """Follows this host's clock, and compares it with the others'. Times are read elsewhere."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._stepped_at = float("-inf")
        self.third: Opinion | None = None
        """Of a host on which neither gatekeeper runs."""

    def look(self, monotonic: float, unix: float) -> bool:
        """Take in the time; whether the clock was stepped a moment ago, so that everything about it may be new."""
        offset = unix - monotonic
        if self._offset is not None and abs(offset - self._offset) > STEP:
            self._stepped_at = monotonic
        self._offset = offset
        return monotonic - self._stepped_at <= DOUBT

    def compare(self, peer: Opinion | None, now: float) -> Clocks:
        """What is to be thought of the time that was taken in last."""
        if self._offset is None:
            return Clocks()
        own, third = self._offset, _counting(self.third, now, THIRD_COUNTS)
        verdict = judge_clocks(own, peer, third, now)
        ahead = None if peer is None else own - peer.offset
        return Clocks(verdict, ahead, _sentence(verdict, own, peer, third))


def _sentence(verdict: Verdict, own: float, peer: Opinion | None, third: Opinion | None) -> str | None:
    if verdict is Verdict.NOBODY:
        return None
    advice = "see docs/runbook.md#clock-wrong"
    others = " and ".join(f"{_between(own - one.offset)} {one.name}'s" for one in (peer, third) if one is not None)
    if verdict is Verdict.PEER and peer is not None:
        return f"clock: {peer.name}'s is wrong, this host's is {others}; {advice}"
    if verdict is Verdict.OWN:
        return f"clock: this host's is wrong, {others}; {advice}"
    return f"clock: this host's is {others}, and whose is wrong can't be told; {advice}"


def _between(ahead: float) -> str:
    if abs(ahead) <= TOLERANCE:
        return "the same as"
    return f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}"
