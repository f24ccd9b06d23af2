"""The command `guardian-terminal`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from h323.council import CallProfile, CallType
from h323.ras import RasMessage

from terminal.client import Address, Client
from terminal.core import Confirmed, Identity, Outcome, Refused
from terminal.enrolment import enrol
from terminal.errors import TerminalError
from terminal.keys import create_private_key, load_private_key, load_public_key, public_key_text
from terminal.smoke import Council, Step, load_council, run_scenario
from terminal.watch import Watched, watch

_BAD_INPUT = 2
PASS = "✅ PASS - Production Ready"
FAIL = "❌ FAIL - {}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0 for good, 1 for refused or failed, 2 for input that can't be used."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (TerminalError, OSError) as error:
        if getattr(options, "json", False):
            print(json.dumps({"ok": False, "problem": str(error)}))
        else:
            print(error, file=sys.stderr)
        return _BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="guardian-terminal", description="A guardian's H.323 terminal.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    keygen = commands.add_parser("keygen", help="make an Ed25519 key and print its public half for the registry")
    keygen.add_argument("--out", type=Path, required=True, help="file of the private key; never overwritten")
    keygen.set_defaults(run=_keygen)
    enrolment = commands.add_parser("enrol", help="make a lab's keys and registry; what is there is kept")
    enrolment.add_argument("--guardians", type=int, default=8, help="default: %(default)s")
    enrolment.add_argument("--suspended", type=int, default=1, help="default: %(default)s")
    enrolment.add_argument("--keys", type=Path, required=True, help="folder of the private keys")
    enrolment.add_argument("--registry", type=Path, required=True, help="the registry to write")
    enrolment.add_argument("--json", action="store_true", help="for machines")
    enrolment.set_defaults(run=_enrol)
    for name, text in (
        ("discover", "ask the gatekeeper who it is (GRQ)"),
        ("register", "register in full (RRQ)"),
        ("keepalive", "keep the registration alive (RRQ keepAlive)"),
        ("admit", "ask for admission to a conference (ARQ)"),
        ("disengage", "end a call (DRQ)"),
        ("unregister", "end the registration (URQ)"),
    ):
        _add_gatekeeper(single := commands.add_parser(name, help=text))
        single.add_argument("--key", type=Path, required=True, help="private key (PEM)")
        single.add_argument("--id", required=True, help="terminal_id, e.g. if://guardian/alice")
        single.add_argument("--state", type=Path, help="file that keeps the endpointIdentifier between commands")
        single.set_defaults(run=_single, what=name)
        if name in ("admit", "disengage"):
            single.add_argument("--conference", required=True, help="conferenceID, 32 hexadecimal digits")
            single.add_argument("--call", required=True, help="callIdentifier, 32 hexadecimal digits")
        if name == "admit":
            single.add_argument("--bandwidth", type=int, default=384_000, help="bit/s (default: %(default)s)")
            single.add_argument("--call-type", choices=[one.value for one in CallType], default="ROUTINE")
            single.add_argument("--pii", action="store_true", help="personal data may be spoken of")
            single.add_argument("--to", default="council", help="terminal alias to call (default: %(default)s)")
    for name, text, run in (
        ("smoke", "the 8-guardian test: ends with PASS or FAIL", _smoke),
        ("watch", "guardians in calls who keep asking; says what they noticed", _watch),
    ):
        _add_gatekeeper(several := commands.add_parser(name, help=text))
        several.add_argument("--guardians", type=int, default=8, choices=range(1, 26), metavar="N", help="1 to 25")
        several.add_argument("--registry", type=Path, required=True, help="guardian-registry.yaml")
        several.add_argument("--keys", type=Path, required=True, help="folder with NAME.pem of each guardian")
        several.set_defaults(run=run)
        if name == "watch":
            several.add_argument("--seconds", type=float, help="how long; otherwise until SIGTERM or SIGINT")
    return parser


def _add_gatekeeper(command: argparse.ArgumentParser) -> None:
    command.add_argument("--gatekeeper", required=True, metavar="HOST[:PORT]", help="the virtual address")
    command.add_argument("--gatekeeper-key", type=Path, required=True, help="its public key (PEM)")
    command.add_argument("--gatekeeper-identifier", default="guardian-council", help="default: %(default)s")
    command.add_argument("--json", action="store_true", help="for machines")


def _address(text: str) -> Address:
    host, _, port = text.partition(":")
    if port and not port.isdigit():
        raise TerminalError(f"--gatekeeper {text} is not HOST[:PORT]; write e.g. 192.0.2.10:1719")
    return host, int(port or 1719)


def _keygen(options: argparse.Namespace) -> int:
    print(public_key_text(create_private_key(options.out).public_key()))
    return 0


def _enrol(options: argparse.Namespace) -> int:
    done = enrol(options.guardians, options.suspended, options.keys, options.registry, datetime.now(timezone.utc))
    if options.json:
        print(json.dumps({"ok": True, "changed": bool(done.added), **asdict(done)}))
    else:
        print(f"{options.registry}: {len(done.added)} enrolled, {len(done.present)} were there")
    return 0


def _single(options: argparse.Namespace) -> int:
    key, gatekeeper_key = load_private_key(options.key), load_public_key(options.gatekeeper_key)
    client = Client(
        Identity(options.id, key, options.gatekeeper_identifier, gatekeeper_key), _address(options.gatekeeper)
    )
    try:
        if options.state is not None and options.state.exists():
            client.endpoint.endpoint_identifier = json.loads(options.state.read_text())["endpoint_identifier"]
        outcome = asyncio.run(client.ask(_request(client, options)))
    finally:
        client.close()
    if options.state is not None and options.what == "register":
        options.state.write_text(json.dumps({"endpoint_identifier": client.endpoint.endpoint_identifier}))
    return _report(outcome, options)


def _request(client: Client, options: argparse.Namespace) -> RasMessage:
    endpoint = client.endpoint
    if options.what == "discover":
        return endpoint.discovery()
    if options.what in ("register", "keepalive"):
        return endpoint.registration(keep_alive=options.what == "keepalive")
    if options.what == "unregister":
        return endpoint.unregistration()
    try:
        conference, call = bytes.fromhex(options.conference), bytes.fromhex(options.call)
    except ValueError as error:
        raise TerminalError("--conference and --call take 32 hexadecimal digits each") from error
    if options.what == "disengage":
        return endpoint.disengagement(conference, call)
    profile = CallProfile(CallType(options.call_type), options.pii)
    return endpoint.admission(conference, call, options.bandwidth, profile, options.to)


def _report(outcome: Outcome, options: argparse.Namespace) -> int:
    fields: dict[str, object] = {"ok": isinstance(outcome, Confirmed), "result": type(outcome).__name__}
    if isinstance(outcome, Confirmed | Refused):
        fields["message"] = type(outcome.message).__name__
    if isinstance(outcome, Refused):
        fields["reason"] = outcome.reason
        fields |= {"refusal": outcome.refusal.name.value, "detail": outcome.refusal.detail} if outcome.refusal else {}
    if options.json:
        print(json.dumps(fields))
    else:
        print(", ".join(f"{name} {value}" for name, value in fields.items() if name != "ok"))
    return 0 if fields["ok"] else 1


def _council(options: argparse.Namespace) -> Council:
    key = load_public_key(options.gatekeeper_key)
    return load_council(options.registry, options.keys, options.gatekeeper_identifier, key, options.guardians)


def _smoke(options: argparse.Namespace) -> int:
    council = _council(options)
    quiet = options.json

    def tell(step: Step) -> None:
        if not quiet:
            mark = {True: "ok", False: "FAILED", None: "-"}[step.ok]
            print(f"{step.name:26} {step.expected:22} {step.got:30} {step.milliseconds:8.1f} ms  {mark}", flush=True)

    if not quiet:
        print(f"{'step':26} {'expected':22} {'got':30} {'time':>11}  held")
    steps = asyncio.run(run_scenario(council, _address(options.gatekeeper), tell))
    failed = next((step for step in steps if step.ok is False), None)
    if quiet:
        print(json.dumps({"ok": failed is None, "steps": [asdict(step) for step in steps]}))
    else:
        times = sorted(step.milliseconds for step in steps)
        print(f"{len(steps)} steps, median {statistics.median(times):.1f} ms, longest {times[-1]} ms")
        print(PASS if failed is None else FAIL.format(f"{failed.name}: expected {failed.expected}, got {failed.got}"))
    return 0 if failed is None else 1


def _watch(options: argparse.Namespace) -> int:
    watched = asyncio.run(_watch_until(options))
    fields = {"ok": watched.unharmed, **asdict(watched)}
    if options.json:
        print(json.dumps(fields))
    else:
        for name, value in fields.items():
            print(f"{name.replace('_', ' '):20} {value}")
    return 0 if watched.unharmed else 1


async def _watch_until(options: argparse.Namespace) -> Watched:
    stop, ready = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    task = asyncio.ensure_future(watch(_council(options), _address(options.gatekeeper), stop, ready))
    await asyncio.wait([task, asyncio.ensure_future(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not options.json:
        print("all guardians are in the conference", flush=True)
    if options.seconds is not None:
        loop.call_later(options.seconds, stop.set)
    return await task
