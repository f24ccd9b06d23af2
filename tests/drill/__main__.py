"""`make drill`: the failover drill; --help says what it does."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from . import results
from .begin import ROOT, begin, lab_of_environment
from .council import Council, read_plan
from .drill import WRONG, Drill, repair_all
from .faults import FAULTS, Fault, Promise
from .options import QUICK_SECONDS, parse
from .progress import Progress
from .report import write
from .results import Results, Run
from .targets import misses

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KEPT, _MISSED, _IMPOSSIBLE = 0, 1, 2
_ENOUGH = 20
"""Runs of each fault, for a report that replaces the one in docs/."""
_MOST_FAILURES = 3
"""Runs of one fault that may fail one after the other, or not count; then the next fault's turn comes."""


@dataclass(frozen=True)
class Work:
    """What is left to do of a fault."""

    fault: Fault
    times: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it; the exit code."""
    options = parse(arguments)
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        council = Council(read_plan(options.plan) if options.plan is not None else lab_of_environment())
        try:
            if options.repair_only:
                return _repair(council)
            found = _drill(options, council)
        finally:
            council.close()
    except (*WRONG, OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"the drill cannot be done: {error}\n")
        return _IMPOSSIBLE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; everything is repaired\n")
        return _IMPOSSIBLE
    return _conclude(options, found)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _repair(council: Council) -> int:
    failed = repair_all(council)
    sys.stdout.write("\n".join(failed or ["everything is repaired"]) + "\n")
    return _IMPOSSIBLE if failed else _KEPT


def _drill(options: argparse.Namespace, council: Council) -> Results:
    """What is there after it, together with what there was before."""
    FAULTS["processor-saturated"].hold = options.seconds or (QUICK_SECONDS if options.quick else 300.0)
    merged, own = Results(), Results()
    for file in options.merge:
        merged.add(results.load(file))
    if options.resume is not None and options.resume.exists():
        own = results.load(options.resume)
    work = [_left(options, FAULTS[name], [*merged.runs, *own.runs]) for name in options.faults]
    unsafe = [one.fault.name for one in work if not one.fault.on_hosts and not council.plan.is_lab]
    if unsafe:
        raise ValueError(f"for the lab only: {', '.join(unsafe)}; --on-hosts leaves them out")
    if any(one.times for one in work):
        _work([one for one in work if one.times], council, own, options.resume or options.json)
    merged.add(own)
    return merged


def _work(work: Sequence[Work], council: Council, own: Results, file: Path | None) -> None:
    """Do it, and add what comes of it."""
    progress = Progress(sum(one.times for one in work))
    folder = ROOT / ".cache" / "drill" / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    folder.mkdir(parents=True)
    progress.say(f"the load's log and answers: {folder}")
    drill = begin(council, folder, progress.say)
    try:
        for one in work:
            for run in _as_far_as_possible(drill, one, progress):
                own.runs.append(run)
                _keep(file, own)
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for failed in repair_all(council):
            progress.say(f"not repaired: {failed}")
        drill.close()
    progress.say("reading all of the log once more")
    own.readings.append(drill.read_all())
    _keep(file, own)


def _as_far_as_possible(drill: Drill, work: Work, progress: Progress) -> Iterator[Run]:
    """The runs of a fault; one that can't be run must not keep the others from it."""
    try:
        yield from _series(drill, work, progress)
    except WRONG as error:
        progress.say(f"    WRONG: {work.fault.name} could not be run: {error}")
        drill.recover()


def _keep(file: Path | None, own: Results) -> None:
    if file is not None:
        results.save(file, own)


def _left(options: argparse.Namespace, fault: Fault, runs: Sequence[Run]) -> Work:
    times = _most(fault, options.times, options.long_times)
    return Work(fault, max(0, times - len(results.of(runs, fault.name))))


def _series(drill: Drill, work: Work, progress: Progress) -> Iterator[Run]:
    """The runs of one fault, as many as count."""
    counted = failures = 0
    with drill.series(work.fault):
        while counted < work.times and failures < _MOST_FAILURES:
            run = drill.run(work.fault)
            failed = not run.after
            counted += run.valid
            failures = failures + 1 if failed or not run.valid else 0
            progress.done(run, counted, work.times)
            yield run
            if failed:
                drill.recover()
    if failures >= _MOST_FAILURES:
        progress.say(f"{work.fault.name}: given up after {failures} runs that failed or did not count")


def _conclude(options: argparse.Namespace, found: Results) -> int:
    full = all(len(results.of(found.runs, name)) >= _most(fault, _ENOUGH, 1) for name, fault in FAULTS.items())
    report = options.report or (ROOT / "docs" / "failover.md" if full else None)
    if report is not None and found.runs:
        write(report, found)
        sys.stdout.write(f"written: {report}\n")
    missed = [
        f"{name}: {text}" for name, fault in FAULTS.items() for text in misses(fault, results.of(found.runs, name))
    ]
    missed += [f"all of the log, read once more: {text}" for one in found.readings for text in one.violations]
    for name in options.faults:
        times, count = _most(FAULTS[name], options.times, options.long_times), len(results.of(found.runs, name))
        missed += [f"{name}: {count} runs that count, not {times}"] if count < times else []
    sys.stdout.write("\n".join(missed or ["every target is met"]) + "\n")
    return _MISSED if missed else _KEPT


def _most(fault: Fault, times: int, long_times: int) -> int:
    """How often it is to be run: what takes five minutes, less often."""
    return min(times, long_times) if fault.promise is Promise.STEADY else times


sys.exit(main())
