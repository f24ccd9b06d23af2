"""`make bench`: how fast the gatekeeper is on this machine, next to what the machine can do. It asserts nothing.

The gatekeeper has one core to itself, the load generator (and etcd) another. All traffic stays on loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path

from load import Load
from measure import PARTS, Bench, Row
from plot import draw
from process import LOAD_CORE


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="Measure the gatekeeper on this machine.")
    parser.add_argument("--only", action="append", choices=[*PARTS], help="this part; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the cost by endpoints into this SVG file")
    parser.add_argument("--scale", type=float, default=1.0, help="make so many times the usual number of requests")
    options = parser.parse_args()
    if os.sched_getaffinity(0) >= {LOAD_CORE}:
        os.sched_setaffinity(0, {LOAD_CORE})
    began = time.monotonic()
    load = Load()
    rows: list[Row] = []
    try:
        for name in options.only or PARTS:
            found = PARTS[name](Bench(load, options.scale))
            rows += found
            show(found, rows)
    finally:
        load.close()
    say(f"{time.monotonic() - began:.0f} s in all; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if options.plot is not None:
        options.plot.write_text(draw(rows), encoding="utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps(document(rows), indent=1) + "\n", encoding="utf-8")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def show(found: list[Row], rows: list[Row]) -> None:
    """Print the rows of one part."""
    if len(found) == len(rows):
        say(
            f"{'part':11} {'what':44} {'figure':>10} {'target':>9} {'CPU us':>7} {'1/CPU s':>8}  against the references"
        )
    for row in found:
        cpu = f"{row.cpu:7.1f} {1e6 / row.cpu:8.0f}" if row.cpu else " " * 16
        figure = f"{row.value:.0f} {row.unit}" if row.value >= 100 else f"{row.value:.2f} {row.unit}"
        say(f"{row.part:11} {row.name:44} {figure:>10} {row.target:>9} {cpu}  {ratios(row, rows)}{row.note}".rstrip())


def ratios(row: Row, rows: list[Row]) -> str:
    """A request's CPU time in echoes and in verifications of this run."""
    references = {one.name.split()[0]: one.cpu for one in reversed(rows) if one.part == "references"}
    if not row.cpu or not references or row.part == "references":
        return ""
    return f"{row.cpu / references['UDP']:.1f} echoes, {row.cpu / references['Ed25519']:.2f} verifications  "


def document(rows: list[Row]) -> dict[str, object]:
    """All figures, and what they were taken on."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "rows": [asdict(row) for row in rows],
    }


main()
