"""Arguments in, exit code out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from h323.council import CallType

from terminal.cli.council import smoke_command, watch_command
from terminal.cli.enrolment import enrol_command, keygen_command
from terminal.cli.probe import DESCRIPTION, EXAMPLE, probe_arguments, probe_command
from terminal.cli.single import single_command
from terminal.enrolment import MOST_GUARDIANS, MOST_SUSPENDED
from terminal.errors import TerminalError
from terminal.smoke.calls import CONFERENCE_CAPACITY
from terminal.watch import MOST_GUARDIANS as MOST_WATCHED

BAD_INPUT = 2
_EXIT_CODES = "exit code: 0 good, 1 refused or failed, 2 the input can't be used"
_SINGLE = {
    "discover": "ask the gatekeeper who it is and how to sign (GRQ)",
    "register": "register in full (RRQ)",
    "keepalive": "keep the registration alive (RRQ keepAlive)",
    "admit": "ask for admission of a call (ARQ)",
    "disengage": "end a call (DRQ)",
    "unregister": "end the registration and its calls (URQ)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0 for good, 1 for refused or failed, 2 for input that can't be used."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except TerminalError as error:
        if getattr(options, "json", False):
            print(json.dumps({"ok": False, "problem": str(error)}))
        else:
            print(f"guardian-terminal: {error}", file=sys.stderr)
        return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    description = "A guardian's H.323 terminal: keys, single requests, and tests with a whole council."
    parser = argparse.ArgumentParser(prog="guardian-terminal", description=description, epilog=_EXIT_CODES)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=_EXIT_CODES)
        added.set_defaults(run=run, what=name)
        added.add_argument("--json", action="store_true", help="print one JSON object, for machines")
        return added

    _keygen_arguments(
        command("keygen", "make an Ed25519 key and print its public half for the registry", keygen_command)
    )
    _enrol_arguments(command("enrol", "make keys and a registry for a lab; what is there is kept", enrol_command))
    for name, text in _SINGLE.items():
        _single_arguments(command(name, text, single_command))
    _smoke_arguments(
        command("smoke", "the 8-guardian test: what must work works, what must be refused is", smoke_command)
    )
    _watch_arguments(command("watch", "guardians in a conference keep asking; says what they noticed", watch_command))
    _probe_arguments(
        command("probe", "a signed request every 5 ms; measures the outages that a client sees", probe_command)
    )
    return parser


def _keygen_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help="the private key; never overwritten")
    command.add_argument(
        "--public",
        action="store_true",
        help="also write the public half as NAME.pub.pem beside it; of the existing key if there is one",
    )


def _enrol_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--guardians", type=int, default=8, metavar="N", help=f"1 to {MOST_GUARDIANS} (default: %(default)s)"
    )
    command.add_argument(
        "--suspended", type=int, default=1, metavar="N", help=f"0 to {MOST_SUSPENDED} (default: %(default)s)"
    )
    command.add_argument("--keys", type=Path, required=True, metavar="DIR", help="folder of the private keys")
    command.add_argument("--registry", type=Path, required=True, metavar="FILE", help="the registry to write or add to")


def _gatekeeper_arguments(command: argparse.ArgumentParser, *, key: bool = True) -> None:
    command.add_argument(
        "--gatekeeper", required=True, metavar="HOST[:PORT]", help="its (virtual) address; the port is 1719 if left out"
    )
    command.add_argument(
        "--gatekeeper-key", type=Path, required=key, metavar="FILE", help="its public key (PEM), to check answers with"
    )
    command.add_argument(
        "--gatekeeper-identifier", default="guardian-council", metavar="NAME", help="default: %(default)s"
    )


def _single_arguments(command: argparse.ArgumentParser) -> None:
    _gatekeeper_arguments(command, key=False)
    proof = command.add_mutually_exclusive_group(required=True)
    proof.add_argument("--key", type=Path, metavar="FILE", help="the guardian's private key (PEM)")
    proof.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="play equipment that can't sign: its password (H.235.1), for entries with authentication: password",
    )
    proof.add_argument(
        "--unsigned",
        action="store_true",
        help="play equipment that proves nothing, for entries with authentication: none",
    )
    command.add_argument("--id", required=True, metavar="TERMINAL_ID", help="e.g. if://guardian/alice")
    command.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="keeps the registration and its calls between commands "
        "(default: ~/.local/state/guardian-terminal/NAME.json)",
    )
    if command.get_default("what") == "admit":
        _admit_arguments(command)
    if command.get_default("what") == "disengage":
        command.add_argument("--call", metavar="HEX", help="callIdentifier (default: the call admitted last)")


def _admit_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--conference", metavar="HEX", help="conferenceID, 32 digits (default: a new conference)")
    command.add_argument("--call", metavar="HEX", help="callIdentifier, 32 digits (default: a new call)")
    command.add_argument(
        "--to", default="council", metavar="ALIAS", help="terminal alias to call (default: %(default)s)"
    )
    command.add_argument("--bandwidth", type=int, default=384_000, metavar="BPS", help="bit/s (default: %(default)s)")
    command.add_argument("--call-type", choices=[one.value for one in CallType], default="ROUTINE")
    command.add_argument("--pii", action="store_true", help="personal data may be spoken of")
    command.add_argument("--purpose", default="", metavar="TEXT", help="what the call is for, for the log")


def _council_arguments(command: argparse.ArgumentParser, most: int) -> None:
    _gatekeeper_arguments(command)
    command.add_argument(
        "--guardians",
        type=int,
        default=8,
        choices=range(1, most + 1),
        metavar="N",
        help=f"1 to {most} (default: %(default)s)",
    )
    command.add_argument("--registry", type=Path, required=True, metavar="FILE", help="guardian-registry.yaml")
    command.add_argument(
        "--keys", type=Path, required=True, metavar="DIR", help="folder with NAME.pem of each guardian"
    )


def _smoke_arguments(command: argparse.ArgumentParser) -> None:
    _council_arguments(command, CONFERENCE_CAPACITY)


def _watch_arguments(command: argparse.ArgumentParser) -> None:
    _council_arguments(command, MOST_WATCHED)
    command.add_argument("--seconds", type=float, metavar="S", help="how long (default: until SIGTERM or SIGINT)")


def _probe_arguments(command: argparse.ArgumentParser) -> None:
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.description = DESCRIPTION
    command.epilog = EXAMPLE + _EXIT_CODES
    _gatekeeper_arguments(command)
    probe_arguments(command)
