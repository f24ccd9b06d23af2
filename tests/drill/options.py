"""The drill's command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .faults import FAULTS

DESCRIPTION = """\
Breaks the lab's council in every way that is named below, under load, and measures what a terminal sees: how long
nobody answers, whether anything acknowledged is lost, whether two gatekeepers ever admit. Who is active is asked before
each fault, and it is the active one that is hit unless the fault's name says otherwise. Whatever happens, also at
Ctrl-C, everything is repaired; what a drill that was killed has left is repaired by --repair-only and before the next.
"""
EPILOG = """\
exit code: 0 if every target was met; 1 if one was missed, anything acknowledged was lost or two gatekeepers admitted;
2 if the drill itself could not be done.

examples:
  make drill                                                        the whole matrix, 20 times: some hours
  make drill OPTIONS="--times 1 --quick"                            each fault once: some minutes
  make drill OPTIONS="--faults host-frozen,cut-peer --times 50 --resume frozen.json"
                                                                    done in pieces: what the file has is not run again
  make drill OPTIONS="--resume a.json --merge b.json --times 20 --report docs/failover.md"

faults (* also on real hosts, by playbooks/failover_drill.yml):
"""
QUICK_SECONDS = 10.0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What is asked for."""
    listed = "\n".join(f" {'*' if fault.on_hosts else ' '} {fault.name:26} {fault.text}" for fault in FAULTS.values())
    parser = argparse.ArgumentParser(
        prog="make drill OPTIONS=…",
        description=DESCRIPTION,
        epilog=EPILOG + listed,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--times", type=int, default=20, metavar="N", help="runs of each fault (default: 20)")
    parser.add_argument("--faults", type=_names, default=[*FAULTS], metavar="A,B", help="only these (default: all)")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="how long the processors are saturated (default: 300)"
    )
    text = "runs of the fault that saturates the processors, where --times says more (default: 1)"
    parser.add_argument("--long-times", type=int, default=1, metavar="N", help=text)
    parser.add_argument("--quick", action="store_true", help=f"the same for {QUICK_SECONDS:.0f} s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the single results there")
    text = "as --json, and take for done what the file has already"
    parser.add_argument("--resume", type=Path, metavar="FILE", help=text)
    text = "add the results in there; may be repeated"
    parser.add_argument("--merge", type=Path, action="append", default=[], metavar="FILE", help=text)
    text = "write the report there (default: docs/failover.md if every fault was run at least 20 times, else none)"
    parser.add_argument("--report", type=Path, metavar="FILE", help=text)
    parser.add_argument("--repair-only", action="store_true", help="repair what an earlier drill has left, and end")
    parser.add_argument("--on-hosts", action="store_true", help="only the faults that are safe on real hosts")
    text = "where the council is, in place of the lab that LAB_NAME names (written by playbooks/failover_drill.yml)"
    parser.add_argument("--plan", type=Path, metavar="FILE", help=text)
    options = parser.parse_args(arguments)
    if options.on_hosts:
        options.faults = [name for name in options.faults if FAULTS[name].on_hosts]
    return options


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in FAULTS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"no such fault: {', '.join(unknown) or text!r}; --help lists them")
    return names
