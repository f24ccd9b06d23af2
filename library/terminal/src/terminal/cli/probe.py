"""The command probe."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from terminal.cli.running import gatekeeper_address, on_signal
from terminal.core import Identity
from terminal.errors import TerminalError
from terminal.keys import load_private_key, load_public_key
from terminal.probe import DecisionLog, Prober, ProbeSettings, run_probe
from terminal.probe.report import Report, live_line, report_on

_LIVE = 0.5
"""Seconds between two live lines."""
DESCRIPTION = """\
One registered guardian sends a signed request every 5 ms, without waiting for the answers to earlier ones, checks every
answer (signature, and that it answers this very request), and measures outages as a client sees them.

An outage lasts from the sending of the last answered probe before a gap to the sending of the first answered probe
after it, if that is more than --outage-ms and at least one probe in between was lost or refused. Beside it stand the
time between the answers to these two, and how many probes were lost. A probe is answered when it is confirmed, lost
when that hasn't happened after --wait-ms; an answer that took longer than --outage-ms is late. Nothing is sent again,
unless the gatekeeper asks for more time (RIP). Where nothing was lost, but requests waited and no answer came for more
than --outage-ms, there is a silence: a gatekeeper that stopped for a moment and then answered what had queued up.
"""
EXAMPLE = """\
example: watch the virtual address during a failover drill, and fail if anybody would have waited for over 500 ms:

  guardian-terminal probe --gatekeeper 192.0.2.10 --gatekeeper-key gatekeeper-key.pub.pem \\
      --key guardian-01.pem --id if://guardian/guardian-01 --seconds 60 --most-ms 500 --commit --log decisions.jsonl

Each line of decisions.jsonl is an ARQ or DRQ that was acknowledged, so that it has to be in the gatekeepers' log (by
its request_digest) whatever has failed since. Use a guardian of its own: registering ends its other registration.

"""


def probe_arguments(command: argparse.ArgumentParser) -> None:
    """The options, but for those that say which gatekeeper."""
    command.add_argument("--key", type=Path, required=True, metavar="FILE", help="the guardian's private key (PEM)")
    command.add_argument("--id", required=True, metavar="TERMINAL_ID", help="e.g. if://guardian/alice")
    command.add_argument("--seconds", type=float, metavar="S", help="how long (default: until SIGTERM or SIGINT)")
    command.add_argument("--interval", type=float, default=5, metavar="MS", help="ms between probes (default: 5)")
    command.add_argument(
        "--outage-ms", type=float, default=20, metavar="MS", help="a longer gap is an outage (default: 20)"
    )
    command.add_argument(
        "--wait-ms", type=float, default=1000, metavar="MS", help="then a probe is lost (default: 1000)"
    )
    command.add_argument(
        "--most-ms", type=float, metavar="MS", help="a longer outage, silence, or wait for an answer is a failure"
    )
    command.add_argument("--commit", action="store_true", help="probe by ARQ and then DRQ, which need a commit each")
    command.add_argument(
        "--to", metavar="ALIAS", help="whom --commit calls (default: the guardian, which takes no port)"
    )
    command.add_argument("--log", type=Path, metavar="FILE", help="append each acknowledged decision of --commit")


def probe_command(options: argparse.Namespace) -> int:
    """Probe until a signal or the end of the time; 0 only if nothing was refused and nothing took too long.

    Raises:
        TerminalError: keys, address, options or the log can't be used, or the guardian can't be registered.
    """
    settings = _settings(options)
    keys = load_private_key(options.key), load_public_key(options.gatekeeper_key)
    identity = Identity(options.id, keys[0], options.gatekeeper_identifier, keys[1])
    with ExitStack() as opened:
        log = opened.enter_context(closing(DecisionLog(options.log))) if options.log is not None else None
        report = report_on(asyncio.run(_probe(options, identity, settings, log)), options.most_ms)
    _print(report, as_json=options.json)
    return 0 if report.ok else 1


def _settings(options: argparse.Namespace) -> ProbeSettings:
    if options.log is not None and not options.commit:
        raise TerminalError("--log has nothing to write without --commit; give both")
    try:
        return ProbeSettings(
            interval=options.interval / 1000,
            outage=options.outage_ms / 1000,
            wait=options.wait_ms / 1000,
            commit=options.commit,
            to=options.to,
        )
    except ValueError as error:
        raise TerminalError(f"this cannot be probed with: {error}") from error


async def _probe(
    options: argparse.Namespace, identity: Identity, settings: ProbeSettings, log: DecisionLog | None
) -> Prober:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    on_signal(stop.set)
    live = sys.stderr.isatty() and not options.json

    def show(prober: Prober) -> None:
        if not stop.is_set():
            print(f"\r\x1b[K{live_line(prober)}", end="", file=sys.stderr, flush=True)
            loop.call_later(_LIVE, show, prober)

    def begun(prober: Prober) -> None:
        # Whoever breaks something to see what happens waits for this line.
        print("probing", file=sys.stderr if options.json else sys.stdout, flush=True)
        if options.seconds is not None:
            loop.call_later(options.seconds, stop.set)
        if live:
            show(prober)

    return await run_probe(identity, gatekeeper_address(options.gatekeeper), settings, stop, begun=begun, log=log)


def _print(report: Report, *, as_json: bool) -> None:
    if not as_json and sys.stderr.isatty():
        print(file=sys.stderr)
    print(json.dumps(report.fields()) if as_json else "\n".join(report.lines()))
