"""Looks for a run that breaks a rule: every one up to a length, or long ones at random.

A run is replayed from its beginning each time, for there is nothing to copy of a world. Two runs that lead to the same
fingerprint go on in the same way, so only the first of them is continued.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from .alphabets import Alphabet
from .world import Violation, World, world

Run = tuple[str, ...]


@dataclass
class Found:
    """A run after which a rule doesn't hold."""

    run: Run
    what: str

    def __str__(self) -> str:
        return f"{self.what}\n  python -m tests.model.replay {' '.join(self.run)}"


@dataclass
class Report:
    """What was looked at."""

    name: str
    runs: int = 0
    states: int = 0
    """Different ones, by their fingerprints."""
    found: Found | None = None

    def __str__(self) -> str:
        result = f"violated: {self.found}" if self.found else "no violation"
        return f"{self.name}: {self.runs} runs, {self.states} states, {result}"


def explore(alphabet: Alphabet, depth: int) -> Report:
    """Every run of up to `depth` actions of the alphabet, the shortest first; from each new state all is mended too."""
    report = Report(f"{alphabet.name}, depth {depth}")
    seen: set[int] = set()
    level: list[Run] = [()]
    try:
        for remaining in range(depth, -1, -1):
            level = [longer for run in level for longer in _continued(alphabet, run, seen, report, last=remaining == 0)]
    except _FoundError as found:
        report.found = found.args[0]
    report.states = len(seen)
    return report


class _FoundError(Exception):
    """Ends the search."""


def _continued(alphabet: Alphabet, run: Run, seen: set[int], report: Report, *, last: bool) -> list[Run]:
    """Replay a run, and if its state is new see what becomes of it once all is mended; the runs that go on from it."""
    report.runs += 1
    done = [*alphabet.before, *run]
    try:
        with world(done) as made:
            fingerprint = made.fingerprint()
            if fingerprint in seen:
                return []
            seen.add(fingerprint)
            possible = [] if last else [action for action in alphabet.actions if made.possible(action)]
            done.append(f"mend@{len(run) % 2}")
            made.do(done[-1])
    except Violation as violation:
        raise _FoundError(Found(tuple(done), str(violation))) from violation
    return [(*run, action) for action in possible]


def wander(alphabet: Alphabet, runs: int, length: int, seed: int) -> Report:
    """Long runs at random; the one that breaks a rule is made as short as leaving actions out can make it."""
    report = Report(f"{alphabet.name} at random, seed {seed}, length {length}")
    for number in range(runs):
        report.runs += 1
        taken: list[str] = []
        try:
            _walk(alphabet, length, random.Random(f"{seed} {number}"), taken)
        except Violation as violation:
            report.found = _shortened(Found(tuple(taken), str(violation)))
            return report
    return report


def _walk(alphabet: Alphabet, length: int, chance: random.Random, taken: list[str]) -> None:
    with world() as made:
        for action in alphabet.before:
            _do(made, action, taken)
        for _ in range(length):
            possible = [action for action in alphabet.actions if made.possible(action)]
            _do(made, chance.choice(possible), taken)
        _do(made, f"mend@{chance.randrange(2)}", taken)


def _do(made: World, action: str, taken: list[str]) -> None:
    taken.append(action)
    made.do(action)


def breaks(run: Sequence[str]) -> str | None:
    """What a run violates. Actions that can't happen are passed over."""
    try:
        with world() as made:
            for action in run:
                if made.possible(action):
                    made.do(action)
    except Violation as violation:
        return str(violation)
    return None


def _shortened(found: Found) -> Found:
    """Leave out whatever isn't needed, larger pieces first."""
    run, what = found.run, found.what
    size = max(1, len(run) // 2)
    while True:
        start = 0
        while start < len(run):
            shorter = (*run[:start], *run[start + size :])
            violation = breaks(shorter)
            if violation is None:
                start += size
            else:
                run, what = shorter, violation
        if size == 1:
            return Found(run, what)
        size //= 2
