"""Judges what faults have done: every acknowledged answer against the surviving log and state, epoch by epoch.

Nothing is lost: each confirmation that a terminal has received is in the log exactly once, in every copy, by the digest
of its request. Nothing is false: the copies are the same, gapless, and their epochs never go back, so that whoever was
overthrown has decided nothing afterwards. And nothing is forgotten: what is held is still held, what has ended is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.drill.traffic.answers import Answer, read_answer

from .copies import Copies
from .council import Council
from .epochs import Epochs
from .failover import compare
from .finding import Counts, Finding, Violation
from .hosts import HostError, Hosts
from .ledger import Ledger
from .reading import STREAMS, Read, Reader, State

__all__ = ["Counts", "Finding", "HostError", "Hosts", "Setup", "Verdict", "Violation", "compare", "whole"]

_AGAIN = 0.1
"""Seconds between two readings: a log is written every 50 ms."""
_MOST_ANSWERS = 3 * 1024 * 1024
"""Octets read at a time: about as many requests as the log has in what is read of it at a time."""
_RAS = "h323_ras"


@dataclass(frozen=True, slots=True)
class Setup:
    """What is judged."""

    gatekeepers: Mapping[str, str]
    """Each node's own RAS address."""
    answers: Path
    """What the load has written."""
    logs: Sequence[str] = ()
    """Nodes whose copy of the log is read; the gatekeepers where none is named."""
    log_directory: str = "/var/log/guardian-council"
    control_socket: str = "/run/h323-gatekeeper/control.sock"


class Verdict:
    """Reads what is new at each check; the last one of a drill should be `whole`'s."""

    def __init__(self, hosts: Hosts, setup: Setup, sleep: Callable[[float], None] = time.sleep) -> None:
        nodes = tuple(setup.logs) or tuple(setup.gatekeepers)
        self._setup = setup
        self._sleep = sleep
        self._readers = [Reader(hosts, node, setup.log_directory, setup.control_socket) for node in nodes]
        self._copies = {stream: Copies(stream, nodes) for stream in STREAMS}
        self._epochs = Epochs()
        self._ledger = Ledger(setup.gatekeepers)
        self._council = Council()
        self._counts = Counts()
        self._offset = 0
        self._states: dict[str, State] = {}
        self._unreachable: dict[str, str] = {}
        self._cut: dict[str, list[str]] = {}

    def catch_up(self) -> None:
        """Read what is there already, so that the next check is on one fault alone; it tells only of later failovers.

        What is found wrong in it is told by the next check all the same.
        """
        while self._read_next():
            pass
        self._tally()
        self._epochs.failovers = []

    def check(self, *, both: bool = True, patience: float = 5.0) -> Finding:
        """What is new since the last check.

        Args:
            both: whether all copies are to be there; while a host is down, one copy will do until a later check.
            patience: seconds for which the log is read again until everything acknowledged is found in it.
        """
        begun, before = time.monotonic(), self._counts.copy()
        while self._read_next():
            pass
        while not self._complete(both=both) and time.monotonic() - begun < patience:
            self._sleep(_AGAIN)
            while self._read_copies():
                pass
        self._look(both=both)
        violations = [*self._taken(), *self._conclude(both=both)]
        late, self._ledger.late = tuple(self._ledger.late), []
        failovers, self._epochs.failovers = tuple(self._epochs.failovers), []
        active = tuple(node for node, state in self._states.items() if state.active)
        took = round(time.monotonic() - begun, 3)
        return Finding(tuple(violations), self._counts - before, failovers, late, took, active)

    def _read_next(self) -> bool:
        """Read a part of the answers and then of the log, side by side, so that a drill of any length fits into memory.

        Returns whether there's more. At the end, all that was told by then is to be in the log.
        """
        more = self._read_answers()
        self._ledger.require()
        return self._read_copies() or more

    def _read_answers(self) -> bool:
        with self._setup.answers.open("rb") as file:
            file.seek(self._offset)
            octets = file.read(_MOST_ANSWERS)
        whole_lines = octets[: octets.rfind(b"\n") + 1]
        self._offset += len(whole_lines)
        for line in whole_lines.splitlines():
            answer: Answer = read_answer(line)
            self._ledger.told(answer, self._counts)
            self._council.told(answer, self._counts)
        return len(octets) == _MOST_ANSWERS

    def _read_copies(self) -> bool:
        """Read each copy of the log, side by side; whether there's more."""
        self._states.clear()
        self._unreachable.clear()
        with ThreadPoolExecutor(len(self._readers)) as pool:
            readings = list(pool.map(_try, self._readers))
        more = [self._take(reader.node, read) for reader, read in zip(self._readers, readings, strict=True)]
        self._ledger.match(self._epochs, self._counts)
        return any(more)

    def _take(self, node: str, read: Read | HostError) -> bool:
        """Take in what was read; whether there's more."""
        if isinstance(read, HostError):
            self._unreachable[node] = str(read)
            return False
        for stream, lines in read.lines.items():
            for record in self._copies[stream].take(node, lines):
                self._counts.records += 1
                self._epochs.take(stream, record)
                if stream == _RAS:
                    self._ledger.take(record)
                    self._council.take(record)
        self._cut[node] = read.cut
        if read.state is not None:
            self._states[node] = read.state
        return read.more

    def _complete(self, *, both: bool) -> bool:
        """Whether everything acknowledged is in the log; with `both`, in all copies, and one gatekeeper is active."""
        if self._ledger.waiting or (both and (self._unreachable or len(self._active) != 1)):
            return False
        ras = self._copies[_RAS]
        return not both or (ras.shortest() >= self._ledger.needed and not self._epochs.unannounced())

    @property
    def _active(self) -> list[State]:
        return [state for state in self._states.values() if state.active and state.calls is not None]

    def _look(self, *, both: bool) -> None:
        active = self._active
        if len(active) != 1:
            if both:
                text = f"{len(active)} gatekeepers say that they are active"
                self._council.violations.append(Violation("not one active", text))
            return
        (state,) = active
        calls, status = state.calls or (), state.status or {}
        if self._council.missing(calls):
            # Some may have been ended since the answers were read.
            self._read_answers()
            self._ledger.match(self._epochs, self._counts)
        self._council.look(calls, int(status["registrations"]), self._counts)

    def _taken(self) -> list[Violation]:
        """What was found on the way, each once."""
        found = [self._ledger.violations, self._council.violations, self._epochs.violations]
        found += [copies.violations for copies in self._copies.values()]
        taken = [violation for violations in found for violation in violations]
        for violations in found:
            violations.clear()
        self._tally()
        return taken

    def _tally(self) -> None:
        self._counts.compared = sum(copies.compared for copies in self._copies.values())
        self._counts.epochs = self._epochs.announced

    def _conclude(self, *, both: bool) -> list[Violation]:
        """What should be there by now and isn't."""
        found = self._ledger.lost()
        if not both:
            return found
        for copies in self._copies.values():
            found += copies.gaps()
            if copies.shortest() < min(self._ledger.needed, copies.longest()):
                text = (
                    f"a copy of {copies.stream} ends before record {copies.shortest()}, another has {copies.longest()}"
                )
                found.append(Violation("copy behind", text, index=copies.shortest()))
        found += self._epochs.unannounced()
        found += [Violation("unreachable", f"{node}: {why}") for node, why in self._unreachable.items()]
        cut = [f"{node}: {path}" for node, paths in self._cut.items() for path in paths]
        return [*found, *(Violation("cut", f"{path} is shorter than it was") for path in cut)]


def whole(hosts: Hosts, setup: Setup) -> Finding:
    """Judge all of it anew, from the first record to the last: the end of a drill."""
    return Verdict(hosts, setup).check(patience=30.0)


def _try(reader: Reader) -> Read | HostError:
    try:
        return reader.read()
    except HostError as error:
        return error
