"""A node that was unfit again and again is believed to be well later and later: the virtual address must not flap."""

from __future__ import annotations

from collections import deque

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds for which a node must have been well without a break: after the first time, and at most."""
REMEMBERED = 300.0
"""Seconds for which a time of being unfit counts."""
_MOST = 16
"""More of them don't make the wait longer."""


class Damping:
    """From well or not to fit or not. Times are monotonic seconds, and never go back."""

    def __init__(self) -> None:
        self._falls: deque[float] = deque(maxlen=_MOST)
        self._well_since: float | None = None
        self._fit = False

    def judge(self, now: float, *, well: bool, needed: bool) -> bool:
        """Whether the node is fit now; where nobody else is (`needed`), one that is well waits for nothing.

        The first time after the start waits for nothing either: only who fell is doubted.
        """
        while self._falls and now - self._falls[0] > REMEMBERED:
            self._falls.popleft()
        if not well:
            if self._fit:
                self._falls.append(now)
            self._well_since, self._fit = None, False
            return False
        if self._well_since is None:
            self._well_since = now
        self._fit = self._fit or needed or now - self._well_since >= self.wait
        return self._fit

    @property
    def wait(self) -> float:
        """Seconds for which it must be well before it is fit again: doubled with every fall that is remembered."""
        if not self._falls:
            return 0.0
        return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (len(self._falls) - 1))

    def remaining(self, now: float) -> float | None:
        """Seconds until a node that is well, and stays so, is fit again; None for one that is fit, or unwell."""
        if self._fit or self._well_since is None:
            return None
        return max(0.0, self._well_since + self.wait - now)
