"""`make drill`: the failover drill; --help says what it does."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from . import results
from .council import Council, NotSoError, Plan, lab, read_plan
from .drill import Drill, repair_all
from .faults import FAULTS, Fault, Promise
from .hosts import HostError, Hosts
from .options import QUICK_SECONDS, parse
from .progress import Progress
from .report import write
from .results import Run
from .targets import misses
from .traffic_control import TrafficError, TrafficProcess
from .verdict import Setup, Verdict

ROOT = Path(__file__).resolve().parents[2]
_KEPT, _MISSED, _IMPOSSIBLE = 0, 1, 2
_ENOUGH = 20
"""Runs of each fault, for a report that replaces the one in docs/."""
_MOST_FAILURES = 3
"""Runs of one fault that may fail one after the other, or not count; then the next fault's turn comes."""
_PATIENCE = 90.0


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
    directory = Path(os.environ.get("LAB_DIRECTORY", ROOT / ".lab"))
    name, subnet = os.environ.get("LAB_NAME", "guardian"), os.environ.get("LAB_SUBNET", "10.199.23.0/24")
    return lab(ROOT, name, subnet, directory.resolve())


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
    _make_well(council)
    folder = ROOT / ".cache" / "drill" / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    folder.mkdir(parents=True)
    progress = Progress(sum(one.times for one in work))
    progress.say(f"the load begins; its log and answers are in {folder}")
    drill = Drill(council, lambda: _traffic(council.plan, folder), _verdict(council, folder), _commit())
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


def _make_well(council: Council) -> None:
    """Begin with a council that is well, whatever an earlier drill has left. Raises NotSoError."""
    trouble = council.trouble()
    if trouble is not None:
        sys.stdout.write(f"not all is well ({trouble}): repairing what an earlier drill may have left\n")
        repair_all(council)
    seen = council.wait_well(_PATIENCE)
    scheduled = [one.keepalived for one in seen.values() if one is not None and one.keepalived is not None]
    council.scheduling = max(scheduled)


def _traffic(plan: Plan, folder: Path) -> TrafficProcess:
    arguments = ["--gatekeeper", plan.virtual_address]
    for reach in plan.gatekeepers:
        arguments += ["--direct", f"{reach.name}={reach.address}"]
    arguments += ["--registry", str(plan.registry), "--keys", str(plan.keys)]
    arguments += ["--gatekeeper-key", str(plan.gatekeeper_key), "--answers", str(folder / "answers.jsonl")]
    return TrafficProcess(arguments, log=folder / "traffic.log")


def _verdict(council: Council, folder: Path) -> Verdict:
    plan = council.plan
    setup = Setup(
        gatekeepers={reach.name: reach.address for reach in plan.gatekeepers},
        answers=folder / "answers.jsonl",
        log_directory=plan.log_directory,
        program=plan.program,
    )
    return Verdict(Hosts({host.name: host for host in council.hosts}), setup)


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


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
