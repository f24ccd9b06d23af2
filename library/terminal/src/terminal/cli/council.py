"""The commands smoke and watch."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from terminal.cli.running import gatekeeper_address, on_signal, run_until_done
from terminal.keys import load_public_key
from terminal.smoke import Council, load_council, run_smoke
from terminal.watch import Watched, watch


def _council(options: argparse.Namespace) -> Council:
    key = load_public_key(options.gatekeeper_key)
    return load_council(options.registry, options.keys, options.gatekeeper_identifier, key, options.guardians)


def smoke_command(options: argparse.Namespace) -> int:
    """Run the 8-guardian test; 0 only if all held.

    Raises:
        TerminalError: keys, registry or address can't be used, or it was interrupted.
    """
    council, gatekeeper = _council(options), gatekeeper_address(options.gatekeeper)
    show = sys.stderr.isatty() and not options.json

    def progress(number: int, steps: int, name: str) -> None:
        if show:
            print(f"[{number:2}/{steps}] {name}", file=sys.stderr, flush=True)

    report = run_until_done(run_smoke(council, gatekeeper, progress))
    print(json.dumps(report.fields()) if options.json else "\n".join(report.lines()))
    return 0 if report.ok else 1


def watch_command(options: argparse.Namespace) -> int:
    """Keep guardians asking until a signal or the end of the time; 0 only if nothing was refused or lost.

    Raises:
        TerminalError: keys, registry or address can't be used, or not everybody was let in.
    """
    watched = asyncio.run(_watch(options))
    print(json.dumps(watched.fields()) if options.json else "\n".join(watched.lines()))
    return 0 if watched.ok else 1


async def _watch(options: argparse.Namespace) -> Watched:
    stop = asyncio.Event()
    on_signal(stop.set)

    def joined() -> None:
        # Whoever stops a gatekeeper to see what happens waits for this line.
        print("all guardians are in the conference", file=sys.stderr if options.json else sys.stdout, flush=True)
        if options.seconds is not None:
            asyncio.get_running_loop().call_later(options.seconds, stop.set)

    return await watch(_council(options), gatekeeper_address(options.gatekeeper), stop, joined)
