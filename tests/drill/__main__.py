"""`make drill`: the failover drill; --help says what it does."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from . import results
from .begin import ROOT, begin, lab_of_environment
from .council import Council, NotSoError, Plan, read_plan
from .drill import Drill, repair_all
from .faults import FAULTS, Fault, Promise
from .hosts import HostError
from .options import QUICK_SECONDS, parse
from .progress import Progress
from .report import write
from .results import Run
from .targets import misses
from .traffic_control import TrafficError

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
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        plan = _plan(options)
        runs = _earlier(options)
        council = Council(plan)
        try:
            if options.repair_only:
                return _repair(council)
            runs = _drill(options, council, runs)
        finally:
            council.close()
    except (NotSoError, HostError, TrafficError, OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"the drill cannot be done: {error}\n")
        return _IMPOSSIBLE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; everything is repaired\n")
        return _IMPOSSIBLE
    return _conclude(options, runs)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _plan(options: argparse.Namespace) -> Plan:
    if options.plan is not None:
        return read_plan(options.plan)
    return lab_of_environment()


def _earlier(options: argparse.Namespace) -> list[Run]:
    """The runs of earlier drills that count in this one."""
    files = [*options.merge, *([options.resume] if options.resume is not None and options.resume.exists() else [])]
    return [run for file in files for run in results.load(file)]


def _repair(council: Council) -> int:
    failed = repair_all(council)
    sys.stdout.write("\n".join(failed or ["everything is repaired"]) + "\n")
    return _IMPOSSIBLE if failed else _KEPT


def _drill(options: argparse.Namespace, council: Council, runs: list[Run]) -> list[Run]:
    FAULTS["processor-saturated"].hold = options.seconds or (QUICK_SECONDS if options.quick else 300.0)
    work = [one for one in (_left(options, FAULTS[name], runs) for name in options.faults) if one.times]
    unsafe = [one.fault.name for one in work if not one.fault.on_hosts and not council.plan.is_lab]
    if unsafe:
        raise ValueError(f"for the lab only: {', '.join(unsafe)}; --on-hosts leaves them out")
    if not work:
        return runs
    progress = Progress(sum(one.times for one in work))
    folder = ROOT / ".cache" / "drill" / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    folder.mkdir(parents=True)
    progress.say(f"the load's log and answers: {folder}")
    drill = begin(council, folder, progress.say)
    file = options.resume or options.json
    try:
        for one in work:
            for run in _series(drill, one, progress):
                runs.append(run)
                if file is not None:
                    results.save(file, runs)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for failed in repair_all(council):
            progress.say(f"not repaired: {failed}")
        signal.signal(signal.SIGINT, signal.default_int_handler)
        drill.close()
    return runs


def _left(options: argparse.Namespace, fault: Fault, runs: Sequence[Run]) -> Work:
    times = min(options.times, options.long_times) if fault.promise is Promise.STEADY else options.times
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


def _conclude(options: argparse.Namespace, runs: Sequence[Run]) -> int:
    enough = all(
        len(results.of(runs, fault.name)) >= (1 if fault.promise is Promise.STEADY else _ENOUGH)
        for fault in FAULTS.values()
    )
    report = options.report or (ROOT / "docs" / "failover.md" if enough else None)
    if report is not None and runs:
        write(report, runs)
        sys.stdout.write(f"written: {report}\n")
    missed = [f"{name}: {text}" for name, fault in FAULTS.items() for text in misses(fault, results.of(runs, name))]
    sys.stdout.write("\n".join(missed or ["every target is met"]) + "\n")
    return _MISSED if missed else _KEPT


sys.exit(main())
