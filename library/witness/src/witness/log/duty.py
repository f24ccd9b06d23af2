"""When a node signs, and when it only follows. No clock: times are monotonic seconds that are told."""

from __future__ import annotations

from collections import deque
from enum import Enum

STAND_IN_AFTER = 3.0
"""Seconds after which a node signs what another one in office should have had cosigned long ago."""
SIGN_EVERY = 0.7
"""Seconds between two checkpoints: with what signing takes, each record is covered within a second."""
RETRY_AFTER = 1.0
"""Seconds after an attempt that failed."""
FOLLOW_EVERY = 0.4
"""Seconds between two questions to the peers while there are records that no checkpoint covers."""
LOOK_EVERY = 5.0
"""The same otherwise."""


class State(Enum):
    """What the service does with a stream."""

    STARTING = "reading the day files"
    SIGNING = "signing"
    FOLLOWING = "following"
    BEHIND = "behind"
    FAILED = "failed"


class Uncovered:
    """Since when there are records that no checkpoint covers."""

    def __init__(self) -> None:
        self._came: deque[tuple[int, float]] = deque()
        """Sizes of the log, and when it reached them."""
        self._covered = 0

    def grown(self, size: int, now: float) -> None:
        """The log has so many records now."""
        if size > self._covered and (not self._came or size > self._came[-1][0]):
            self._came.append((size, now))

    def cover(self, size: int) -> None:
        """A checkpoint covers so many."""
        self._covered = size
        while self._came and self._came[0][0] <= size:
            self._came.popleft()

    def age(self, now: float) -> float:
        """Seconds for which the oldest of them has been there; 0 where there are none."""
        return now - self._came[0][1] if self._came else 0.0

    def __bool__(self) -> bool:
        return bool(self._came)


class Duty:
    """One stream's next step."""

    def __init__(self, node: str, *, signs: bool, alone: bool) -> None:
        """`signs`: this node has the key; `alone`: nobody else has."""
        self._node = node
        self._signs = signs
        self._alone = alone
        self.uncovered = Uncovered()
        self._next_signature = 0.0
        self._next_look = 0.0

    def turn(self, newest_node: str | None, now: float) -> bool:
        """Whether it is this node's turn to sign: it is in office, or whoever is there doesn't.

        Whose record is the newest is in office, or was until now: a successor without records has nothing to sign.
        """
        if not self._signs or not self.uncovered:
            return False
        return self._alone or newest_node == self._node or self.uncovered.age(now) >= STAND_IN_AFTER

    def may_sign(self, now: float) -> bool:
        """Whether it is time for the next checkpoint."""
        return now >= self._next_signature

    def signed(self, now: float, *, well: bool) -> None:
        """An attempt to sign that began at `now` has ended."""
        self._next_signature = now + (SIGN_EVERY if well else RETRY_AFTER)

    def may_look(self, now: float) -> bool:
        """Whether the peers are to be asked for their checkpoints."""
        return now >= self._next_look

    def looked(self, now: float, *, eager: bool) -> None:
        """They were asked; `eager`: more is waited for."""
        self._next_look = now + (FOLLOW_EVERY if eager or self.uncovered else LOOK_EVERY)
