"""What the drill says while it goes on: one line a run."""

from __future__ import annotations

import sys
import time

from .results import Run


class Progress:
    """Counts runs and estimates what is left from how long they took so far, fault by fault."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """One line, at once."""
        sys.stdout.write(f"[{self._clock()}] {text}\n")
        sys.stdout.flush()

    def done(self, run: Run, number: int, times: int) -> None:
        """One run is over."""
        self._done += run.valid
        left = (time.monotonic() - self._began) / max(self._done, 1) * (self._total - self._done)
        what = (
            f"outage {run.outage:.0f} ms, at the repair {run.repair_outage:.0f}, longest wait {run.wait:.0f},"
            f" whole again after {run.whole_after:.1f} s, {run.active} -> {run.after}"
        )
        refused = f", refused {sum(run.refusals.values())}" if run.refusals else ""
        invalid = "" if run.valid else "; not counted: the prober got no processor time"
        self.say(
            f"{self._done}/{self._total}, {_span(left)} left: {run.fault} {number}/{times}: {what}{refused}{invalid}"
        )
        for problem in run.problems:
            self.say(f"    WRONG: {problem}")

    def _clock(self) -> str:
        return _span(time.monotonic() - self._began)


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
