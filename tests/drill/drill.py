"""One fault after the other: broken, watched, repaired, judged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from .council import Council, NotSoError, wait_until
from .faults import FAULTS, Fault, Scene
from .hosts import Host, HostError, Hosts, Seen
from .replayed import replay
from .results import Reading, Run
from .traffic.control import TrafficError, TrafficProcess
from .traffic.report import TrafficReport
from .verdict.verdict import Finding, Setup, Verdict, compare, whole

WELL = 60.0
"""Seconds in which all is to be well before a fault and after its repair; a host needs ten to boot."""
_SETTLE = 60.0
"""Seconds in which everybody is to be served before a fault and after its repair: then the load is begun anew."""
WRONG = (NotSoError, HostError, TrafficError)
"""What can go wrong with a council, its hosts, its load."""


@dataclass
class _Watch:
    """One run while it goes on."""

    fault: Fault
    scene: Scene
    began: float
    """Unix seconds."""
    problems: list[str] = field(default_factory=list)


class Drill:
    """Faults under load on one council."""

    def __init__(self, council: Council, begin: Callable[[], TrafficProcess], setup: Setup, commit: str) -> None:
        """Begin the load. Raises TrafficError."""
        self._council = council
        self._hosts = Hosts({host.name: host for host in council.hosts})
        self._setup = setup
        self._begin = begin
        self._traffic = begin()
        self._verdict = Verdict(self._hosts, setup)
        self._commit = commit
        self._held_lost = 0

    def close(self) -> None:
        """End the load."""
        self._traffic.__exit__(None, None, None)

    @contextmanager
    def series(self, fault: Fault) -> Iterator[None]:
        """What a fault needs beforehand, taken back in the end."""
        try:
            fault.prepare(self._council)
            yield
        finally:
            each(self._council.hosts, fault.restore)
            self._council.wait_well(WELL)

    def run(self, fault: Fault) -> Run:
        """Inject it once, and repair it whatever happens. What goes wrong is a problem of the run.

        Raises:
            NotSoError, HostError, TrafficError: all was not well beforehand.
        """
        self._ready()
        fault.approach(self._scene())
        before = self._ready()
        self._verdict.catch_up()
        watch = _Watch(fault, self._scene(), self._traffic.mark(fault.name))
        try:
            try:
                until = self._break(watch)
            finally:
                repaired_at = time.monotonic()
                each(self._council.hosts, fault.repair)
            after = self._council.wait_well(WELL)
            whole_after = time.monotonic() - repaired_at
            self._settle(_SETTLE, watch.problems, "after the repair")
            repaired = self._traffic.report()
            finding = self._verdict.check()
        except WRONG as error:
            return _failed(watch, str(error), self._commit)
        watch.problems += [f"{one.kind}: {one.text}" for one in finding.violations]
        watch.problems += self._lost(repaired)
        return Run(
            fault=fault.name,
            time=watch.began,
            commit=self._commit,
            active=watch.scene.active.name,
            after=_active(after),
            valid=until.valid and repaired.valid,
            outage=max(until.worst_ms, until.longest_silence_ms),
            gap=until.worst_ms,
            repair_outage=max(repaired.worst_ms, repaired.longest_silence_ms),
            wait=until.longest_wait_ms,
            repair_wait=repaired.longest_wait_ms,
            requests=until.requests + repaired.requests,
            retries=until.retries + repaired.retries,
            refusals=_added(until.refusals, repaired.refusals, until.probe_refusals, repaired.probe_refusals),
            given_up=until.given_up + repaired.given_up,
            whole_after=round(whole_after, 2),
            switches=_epoch(after) - _epoch(before),
            differences=_differences(finding, until, repaired),
            acknowledged=finding.counts.acknowledged,
            records=finding.counts.records,
            load_average=round(os.getloadavg()[0], 1),
            problems=watch.problems,
        )

    def read_all(self) -> Reading:
        """End the load, and judge all of it once more from the first record to the last; then each decision.

        Raises:
            TrafficError: the load has failed.
        """
        self.close()
        finding = whole(self._hosts, self._setup)
        counts = finding.counts
        violations = [f"{one.kind}: {one.text}" for one in finding.violations]
        made_again = replay(self._council)
        violations += made_again.violations
        said = (counts.acknowledged, counts.records, counts.epochs, violations)
        return Reading(time.time(), *said, judged=made_again.judged, unjudged=made_again.unjudged)

    def recover(self) -> None:
        """After a run that went wrong: everything repaired, and the load begun anew.

        Raises:
            NotSoError, TrafficError: it can't be had.
        """
        self.close()
        repair_all(self._council)
        try:
            self._council.wait_well(WELL)
        except NotSoError:
            # What the product didn't heal by itself has been told; the faults to come deserve a council that is well.
            each(self._council.gatekeepers, lambda host: _restart(host, "keepalived.service", host.reach.unit))
            self._council.wait_well(WELL)
        self._traffic, self._held_lost = self._begin(), 0

    def _ready(self) -> Mapping[str, Seen | None]:
        seen = self._council.wait_well(WELL)
        self._settle(_SETTLE, None, "before the fault")
        return seen

    def _scene(self) -> Scene:
        found: list[Scene] = []

        def missing() -> str | None:
            try:
                found.append(Scene(self._council, *self._council.active()))
            except NotSoError as error:
                return str(error)
            return None

        wait_until(missing, WELL)
        return found[0]

    def _break(self, watch: _Watch) -> TrafficReport:
        """Inject all stages; what was seen until the repair."""
        fault, stages = watch.fault, watch.fault.stages()
        for number, stage in enumerate(stages, 1):
            stage(watch.scene if number == 1 else self._scene())
            if number == len(stages) and not fault.serves:
                break
            if not self._settle(fault.deadline, watch.problems, f"after {fault.name}"):
                break
        if fault.hold:
            time.sleep(fault.hold)  # nothing to wait for: the fault lasts as long as it lasts
        report = self._traffic.report()
        self._traffic.mark(f"{fault.name}, repair")
        return report

    def _settle(self, seconds: float, problems: list[str] | None, when: str) -> bool:
        """Whether everybody is served within this time; if not, that is a problem or, where none may be, an error."""
        if self._traffic.settled(seconds) is not None:
            return True
        why = f"not everybody was served within {seconds:.0f} s {when}"
        if problems is None:
            raise NotSoError(why)
        problems.append(why)
        return False

    def _lost(self, report: TrafficReport) -> list[str]:
        """Of held calls, which the load counts from its beginning."""
        lost, self._held_lost = report.held_lost - self._held_lost, report.held_lost
        return [f"{lost} held calls were lost"] if lost else []


def each(hosts: Sequence[Host], repair: Callable[[Host], None]) -> None:
    """Repair every host, also where another can't be. Raises HostError for the first that could not."""
    failed: HostError | None = None
    for host in hosts:
        try:
            repair(host)
        except HostError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def repair_all(council: Council) -> list[str]:
    """Undo whatever any fault may have left on any host; what could not be undone, one sentence each."""
    failed: dict[str, None] = {}
    # Hosts first: nothing can be undone on one that doesn't run.
    faults = sorted(FAULTS.values(), key=lambda fault: not fault.name.startswith(("host", "link")))
    for undo in [*(fault.repair for fault in faults), *(fault.restore for fault in faults)]:
        try:
            each(council.hosts, undo)
        except HostError as error:
            failed[str(error)] = None
    return list(failed)


def _restart(host: Host, *units: str) -> None:
    host.run("systemctl", "restart", *units, timeout=WELL)


def _failed(watch: _Watch, why: str, commit: str) -> Run:
    """A run that did not come to its end: all of its time is an outage, since nobody can say when it was over."""
    until = (time.time() - watch.began) * 1000
    return Run(
        fault=watch.fault.name,
        time=watch.began,
        commit=commit,
        active=watch.scene.active.name,
        after="",
        valid=True,
        outage=until,
        gap=until,
        repair_outage=0.0,
        wait=until,
        repair_wait=0.0,
        requests=0,
        retries=0,
        refusals={},
        given_up=0,
        whole_after=0.0,
        switches=0,
        load_average=round(os.getloadavg()[0], 1),
        problems=[*watch.problems, why],
    )


def _active(seen: Mapping[str, Seen | None]) -> str:
    return next(name for name, one in seen.items() if one is not None and one.active)


def _epoch(seen: Mapping[str, Seen | None]) -> int:
    return max((one.epoch for one in seen.values() if one is not None), default=0)


def _added(*counts: Mapping[str, int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return total


def _differences(finding: Finding, broken: TrafficReport, repaired: TrafficReport) -> list[float]:
    outages, silences = (*broken.outages, *repaired.outages), (*broken.silences, *repaired.silences)
    compared = compare(finding.failovers, outages, silences)
    return [one.difference_ms for one in compared]
