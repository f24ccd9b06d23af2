"""Was this host's clock stepped? Then it judges the timestamps of all requests wrongly, and refuses every guardian.

Which of two times is the right one can't be told from here, but that they don't fit together can: the monotonic clock
is never stepped. So the node whose clock was stepped yields to one whose clock was not.
"""

from __future__ import annotations

STEP = 1.0
"""Seconds by which the clock must be off at once; what corrects a clock otherwise is slower by far."""
FORGET = 600.0
"""Seconds after which the new time is believed: it was put right, and nobody has put it back."""


class WallClock:
    """Compares the two clocks at each look."""

    def __init__(self) -> None:
        self._believed: float | None = None
        """Unix time less monotonic time, before the step."""
        self._stepped_at = 0.0
        self._stepped = False

    def look(self, monotonic: float, unix: float) -> str | None:
        """What is wrong at this moment (both in seconds), None where nothing is."""
        between = unix - monotonic
        off = 0.0 if self._believed is None else between - self._believed
        if abs(off) <= STEP:
            self._believed, self._stepped = between, False
            return None
        if not self._stepped:
            self._stepped, self._stepped_at = True, monotonic
        if monotonic - self._stepped_at > FORGET:
            self._believed, self._stepped = between, False
            return None
        return f"clock: this host's was stepped by {off:+.0f} s, away from the guardians'; see 'chronyc tracking'"
