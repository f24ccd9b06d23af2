"""The command `h323-gatekeeper-watch`: gives up the virtual address for a gatekeeper that is stopped or stuck.

A process and unit of its own, since what stops the gatekeeper's unit stops all of it. It imports next to nothing and
knows one thing to do: write 1 into the track file. The gatekeeper itself writes 0 when it is well again.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gatekeeper.failover.process_state import STOPPED, Process
from gatekeeper.failover.pulse_file import PulseFile
from gatekeeper.failover.track_file import TrackFile

EVERY = 0.01
"""Seconds between two looks."""
_OVERSLEPT = 0.05
"""Seconds between two looks after which it wasn't the gatekeeper alone that stood still."""
_GRACE = 0.03
"""Seconds that the gatekeeper then has to come back, once."""
_STARVED = 2.0
"""Seconds after its deadline for which a gatekeeper is spared that could run, but gets no processor of a busy host."""
_MAY_USE = 0.015
"""Seconds of a processor with which it would have come back if it weren't stuck in some loop."""
_NOBODY = 0.1
"""Seconds between two looks for a gatekeeper that was never started."""

LOGGER = logging.getLogger(__name__)


class Doing(Protocol):
    """What a process does (process_state.Process)."""

    @property
    def state(self) -> str:
        """The letter of its main thread's state."""

    def can_run(self) -> bool:
        """Whether a thread of it lacks nothing but a processor, or has one."""

    def used(self) -> float:
        """Seconds for which it has had a processor."""


@dataclass(frozen=True, slots=True)
class Late:
    """A deadline that has passed: how things were when that was first seen."""

    deadline: float
    not_before: float
    used: float


class Judge:
    """Whether it is the gatekeeper's fault that it doesn't come back."""

    def __init__(self, now: float) -> None:
        self._looked = now
        self._late = Late(0.0, 0.0, 0.0)
        self._blamed = 0.0

    def overdue(self, deadline: float, now: float, process: Doing) -> bool:
        """Whether the gatekeeper is stopped or stuck.

        Args:
            deadline: until when it promised to be back, in monotonic seconds; 0 where nobody promises anything.
            now: the time, in monotonic seconds.
            process: what it does.
        """
        overslept = now - self._looked > _OVERSLEPT
        self._looked = now
        if deadline <= 0:
            return False
        if process.state == STOPPED:
            return True
        if now <= deadline:
            return False
        if deadline != self._late.deadline:
            # Where the watcher comes late itself, the whole host was frozen or is short of time.
            self._late = Late(deadline, now + _GRACE if overslept else now, process.used())
        if now < self._late.not_before:
            return False
        starved = process.can_run() and process.used() - self._late.used < _MAY_USE
        # One look may meet it in the instant between two pieces of work; a stuck one is as it was at the next look.
        again, self._blamed = self._blamed == deadline, 0.0 if starved else deadline
        return (again and not starved) or now > deadline + _STARVED


class Watch:
    """Looks at one gatekeeper's pulse."""

    def __init__(self, pulse: Path, track: TrackFile, now: float) -> None:
        self._path = pulse
        self._track = track
        self._judge = Judge(now)
        self._file: PulseFile | None = None
        self._stuck_since: float | None = None

    def look(self, now: float) -> float:
        """Look once, and do what is to be done; the seconds until the next look."""
        file = self._pulse()
        if file is None:
            return _NOBODY
        file.looked = now
        deadline, process = file.deadline, Process(file.process)
        if not self._judge.overdue(deadline, now, process):
            if self._stuck_since is not None and deadline > 0:
                LOGGER.info("the gatekeeper is back after %.2f s", now - self._stuck_since)
            self._stuck_since = None
        elif file.replaced:
            self.close()
        elif file.deadline == deadline or process.state == STOPPED:
            # On a busy host the watcher itself may have waited since it read the deadline, and the other is back.
            self._give_up(file, deadline, process.state)
        return EVERY

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _pulse(self) -> PulseFile | None:
        """The gatekeeper's pulse; None before its first start."""
        if self._file is None:
            with contextlib.suppress(OSError):
                self._file = PulseFile(self._path, create=False)
        return self._file

    def _give_up(self, file: PulseFile, deadline: float, state: str) -> None:
        """Write 1 where the file says 0. Whoever ended in another way has said 1, and is none of our business."""
        try:
            if not self._track.says_fit():
                return
            self._track.tell(fit=False)
            told = "told keepalived that this node is not fit"
        except OSError as error:
            told = f"keepalived can't be told: {error}"
        if self._stuck_since is None:
            file.stalls += 1
            self._stuck_since = deadline
            how = "stopped" if state == STOPPED else f"stuck (state {state})"
            LOGGER.warning("the gatekeeper is %s: %s", how, told)


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch until killed."""
    parser = argparse.ArgumentParser(prog="h323-gatekeeper-watch", description=__doc__)
    parser.add_argument("--pulse", type=Path, required=True, help="the gatekeeper's pulse_file")
    parser.add_argument("--track", type=Path, required=True, help="the track_file that keepalived reads")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    watch = Watch(options.pulse, TrackFile(options.track), time.monotonic())
    try:
        while True:
            time.sleep(watch.look(time.monotonic()))
    except KeyboardInterrupt:
        return 0
    finally:
        watch.close()
