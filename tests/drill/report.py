"""docs/failover.md: written by the drill from its results, and by nobody else."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .faults import FAULTS, Fault, Promise
from .plot import draw
from .results import Results, Run, of, percentile
from .targets import COMMIT, MEDIAN, NEVER, P99, SWITCH, misses

_METHOD = f"""\
Written by `make drill`, which breaks the lab in every way that the table lists; not by hand. [The
runbook](runbook.md) says what operators do when it happens; `playbooks/failover_drill.yml` injects those faults that
are safe there into real hosts, in a maintenance window.

## How it is measured
- **Hosts**: the lab's two gatekeepers and its witness, systemd containers on one machine. What they share is its
  processors, its disk and its clock.
- **Load** ([how it is asked](../tests/drill/README.md)): 25 guardians registered and in a call each; beside these,
  calls that come and go, signed ARQ and DRQ together at 100 a second; all through the virtual address.
- **Outage**: a prober of its own sends a signed keepAlive through the virtual address each 5 ms and never sends one
  again. An outage is the longer of two: the time from the sending of the last answered probe before a gap to the
  sending of the first answered one after it; and the time in which probes waited and no answer came, although they were
  answered in the end. What is shorter than 20 ms counts as none.
- **Wait**: the longest time from a guardian's first sending of a request to its answer, retransmissions in between.
- A fault is injected when all is well: both gatekeepers healthy, three voters, the store's leader on the witness,
  everybody served. It hits the active gatekeeper or its host unless the table says otherwise. When everybody is
  served again, it is repaired; what the repair costs is in a column of its own.
- **Checked after each**: every answer that any terminal received, against the log of both hosts and the gatekeepers'
  state; that one gatekeeper at a time admitted, from the epochs in the log and from the answers of both gatekeepers
  at their own addresses, which were asked all the time.
- **Recorded**: how far the `failover_duration_sec` of the log, corrected where a later record corrects it, is from the
  prober's outage.

Targets: an outage of {MEDIAN:.0f} ms at the median, {P99:.0f} ms at the 99th percentile and never over {NEVER:.0f} ms
by one fault of a gatekeeper host (which, of 20 runs, is the longest); where the store elects a leader, no guardian
waits over {COMMIT / 1000:.0f} s and none is refused; a planned switch takes under {SWITCH:.0f} ms. Nothing
acknowledged is lost, and never two admit, whatever happens.
"""
_HOW = """\
## How faults are injected
- *Event loop blocked*: the process's main thread is stopped by a tracer (`ptrace`), and no other. From outside, a
  thread that computes without end looks just like that.
- *Link down*: the other end of the container's cable is set down, so that the host loses its carrier.
- *Cuts*: a table of the drill's own in the host's firewall, both ways.
- *Disk full*: beforehand both logs move to a file system of their own, in memory; it is filled to the last octet
  (ENOSPC).
- *Clock stepped*: containers share the kernel's clock, so that it is stepped for the gatekeeper's process alone, in
  the functions that Python reads it by. keepalived and etcd keep time by the monotonic clock, which no step changes.
- *Power lost, frozen, rebooted*: `podman kill`, `podman pause`, systemd's own reboot; the lab's hosts are switched on
  again by the drill.
"""


def write(path: Path, results: Results) -> None:
    """Write the page, and the plot beside it."""
    plot = path.with_suffix(".svg")
    plot.write_text(draw(results.runs), encoding="utf-8")
    path.write_text("\n".join(_page(results, plot.name)), encoding="utf-8")


def _page(results: Results, plot: str) -> Iterator[str]:
    runs = results.runs
    yield "# Failover, measured\n"
    yield _METHOD
    yield "## Figures"
    yield _machine(runs)
    yield ""
    yield from _table(runs)
    yield f"\n![Every single outage]({plot})\n"
    yield "## What missed its target"
    missed = [f"- {fault.text}: {text}" for fault in FAULTS.values() for text in misses(fault, of(runs, fault.name))]
    missed += [f"- All of the log, read once more: {text}" for one in results.readings for text in one.violations]
    absent = [fault.text for fault in FAULTS.values() if not of(runs, fault.name)]
    yield from missed or ["Nothing."]
    if absent:
        yield f"\nNot run: {'; '.join(absent)}."
    yield "\n## What was checked"
    yield from _checked(results)
    yield ""
    yield _HOW


def _machine(runs: Sequence[Run]) -> str:
    first, last = (time.strftime("%Y-%m-%d %H:%M", time.gmtime(pick(run.time for run in runs))) for pick in (min, max))
    loads = [run.load_average for run in runs]
    commits = ", ".join(sorted({run.commit for run in runs}))
    return (
        f"{os.cpu_count()} cores ({_processor()}), Linux {platform.release()}, Python {platform.python_version()};"
        f" {first} to {last} UTC; commit {commits}; load average {min(loads):.0f} to {max(loads):.0f}, of which"
        " the lab and its load are some 2. Milliseconds unless said otherwise."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _table(runs: Sequence[Run]) -> Iterator[str]:
    yield (
        "| fault | runs | outage: median | p95 | p99 | max | at repair, max | longest wait | retries | refused"
        " | unanswered | lost or wrong | switches | recorded, off by at most | whole again after, s | target |"
    )
    yield "| --- |" + " --- |" * 15
    for fault in FAULTS.values():
        found = of(runs, fault.name)
        if found:
            yield _table_row(fault, found)


def _table_row(fault: Fault, runs: Sequence[Run]) -> str:
    outages = [run.outage for run in runs]
    cells = [
        fault.text,
        str(len(runs)),
        *(f"{percentile(outages, percent):.0f}" for percent in (50, 95, 99)),
        f"{max(outages):.0f}",
        f"{max(run.repair_outage for run in runs):.0f}",
        f"{max(max(run.wait, run.repair_wait) for run in runs):.0f}",
        str(sum(run.retries for run in runs)),
        str(sum(sum(run.refusals.values()) for run in runs)),
        str(sum(run.given_up for run in runs)),
        str(sum(len(run.problems) for run in runs)),
        str(sum(run.switches for run in runs)),
        _off([difference for run in runs for difference in run.differences]),
        f"{percentile((run.whole_after for run in runs), 50):.1f}",
        _kept(fault, runs),
    ]
    return f"| {' | '.join(cells)} |"


def _off(differences: Sequence[float]) -> str:
    return f"{max(map(abs, differences)):.0f}" if differences else "-"


def _kept(fault: Fault, runs: Sequence[Run]) -> str:
    if misses(fault, runs):
        return "**missed**"
    return "kept" if fault.promise is not Promise.DOUBLE else "none set; nothing lost"


def _checked(results: Results) -> Iterator[str]:
    runs = results.runs
    valid = [run for run in runs if run.valid]
    yield f"- {len(valid)} faults, {sum(run.switches for run in valid)} switches."
    yield f"- {sum(run.requests for run in valid):,} requests of guardians."
    durable = sum(run.acknowledged for run in valid)
    yield f"- {durable:,} acknowledged answers that had to be durable, each looked up in the logs."
    yield f"- {sum(run.records for run in valid):,} records of the log, read on both hosts and compared."
    for one in results.readings:
        yield (
            f"- Once more from the first record to the last, when the load had ended: {one.acknowledged:,} acknowledged"
            f" answers, {one.records:,} records, {one.epochs:,} epochs; {len(one.violations) or 'nothing'} wrong."
        )
        if one.judged:
            yield f"- {one.judged:,} decisions made again by `h323-witness replay`; {one.unjudged:,} can't be judged."
    invalid = len(runs) - len(valid)
    yield (f"- {invalid} runs in which the prober itself got no processor time; not counted, and run again.")
