"""Is this the first time that we see this signature? (H.235.2: timeStamp within a window, random not seen before)."""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from h323.h235.hashed import HashedToken
from h323.h235.signature import SignedToken

Token = SignedToken | HashedToken
"""What says who sent a message, and when."""

_Seen = tuple[str, int, int]


class Freshness(Enum):
    """What the window says of a token."""

    FRESH = auto()
    TOO_OLD = auto()
    TOO_NEW = auto()
    REPLAYED = auto()
    FULL = auto()
    """Too many signatures within the window to remember another: nothing more is believed."""


class ReplayWindow:
    """Remembers (sendersID, timeStamp, random) for as long as the timeStamp is within the window."""

    def __init__(self, seconds: int = 30, capacity: int = 100_000) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._seen: set[_Seen] = set()
        self._by_second: dict[int, list[_Seen]] = {}
        self._order: deque[int] = deque()
        self._floor = 0

    def __len__(self) -> int:
        return len(self._seen)

    def check(self, token: Token, now: int) -> Freshness:
        """What to think of the token at the time `now` (Unix seconds). Nothing is remembered yet."""
        # What was forgotten stays too old, even if the clock is set back.
        if token.time_stamp < max(now - self._seconds, self._floor):
            return Freshness.TOO_OLD
        if token.time_stamp > now + self._seconds:
            return Freshness.TOO_NEW
        if (token.senders_id, token.time_stamp, token.random) in self._seen:
            return Freshness.REPLAYED
        if len(self._seen) >= self._capacity:
            self._forget(now)
            if len(self._seen) >= self._capacity:
                return Freshness.FULL
        return Freshness.FRESH

    def remember(self, token: Token, now: int) -> None:
        """From now on this token is a replay. Call it once its signature has been verified."""
        self._forget(now)
        self.restore(token.senders_id, token.time_stamp, token.random)

    def restore(self, senders_id: str, time_stamp: int, random: int) -> None:
        """Remember a token that was accepted before, such as by the gatekeeper that was active until now."""
        seen = (senders_id, time_stamp, random)
        if seen in self._seen:
            return
        self._seen.add(seen)
        if time_stamp not in self._by_second:
            self._by_second[time_stamp] = []
            self._order.append(time_stamp)
        self._by_second[time_stamp].append(seen)

    def _forget(self, now: int) -> None:
        """Drop whole seconds that have left the window. They come nearly in order: at most a window's worth is late."""
        while self._order and self._order[0] < now - self._seconds:
            second = self._order.popleft()
            self._floor = max(self._floor, second + 1)
            self._seen.difference_update(self._by_second.pop(second))
