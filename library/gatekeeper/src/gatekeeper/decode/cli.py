"""The command `h323-decode`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from witness.service.settings import SettingsError

from gatekeeper.closed_output import ENDED, leave_quietly
from gatekeeper.decode.key_files import keys_of_files, keys_of_gatekeeper
from gatekeeper.decode.keys import Keys
from gatekeeper.decode.run import Output, Run
from gatekeeper.decode.selection import NAMES, Selection
from gatekeeper.decode.source import InputError, open_input
from gatekeeper.passwords import PasswordsError
from gatekeeper.registry import RegistryError

_BAD_INPUT, _INTERRUPTED = 2, ENDED
_PORTS = (1719, 1718)
_IDENTIFIER, _WINDOW = "guardian-council", 30
_DESCRIPTION = """\
Show the RAS messages (H.225.0) of a capture: what each says, whether its signature holds, which request it answers
and how long that took, and what is wrong with the ones that can't be read."""
_EPILOG = """\
examples:
  take a capture on the gatekeeper, as root; stop it with Ctrl-C:
      tcpdump -i any -s 0 -w /tmp/ras.pcap 'udp port 1719'
  everything in it, with signatures checked, on the gatekeeper as root:
      h323-decode /tmp/ras.pcap --config /etc/h323-gatekeeper/gatekeeper.yaml
  the same elsewhere:
      h323-decode /tmp/ras.pcap --registry guardian-registry.yaml --gatekeeper-key gatekeeper-key.pub.pem
  an overview, a line a message:
      h323-decode /tmp/ras.pcap --brief
  watch live, only what is refused or wrong:
      tcpdump -i any -s 0 -U -w - 'udp port 1719' | h323-decode - --brief --bad
  why alice can't get in:
      h323-decode /tmp/ras.pcap --registry guardian-registry.yaml --terminal alice
  one call, from admission to its end:
      h323-decode /tmp/ras.pcap --call 202122232425
  one datagram from a log, in hexadecimal digits:
      h323-decode 1c00...
  count refusals by name:
      h323-decode /tmp/ras.pcap --json | jq -r 'select(.refusal).refusal.name' | sort | uniq -c

A gatekeeper's public key from its private one:
      openssl pkey -in gatekeeper-key.pem -pubout -out gatekeeper-key.pub.pem

exit code: 0 everything could be read and, where keys were given, all signatures are good; 1 something was not;
2 the input or an option can't be used. Filters decide what counts: what isn't shown isn't bad.

A capture holds personal data. Purposes, display names and the like are shown only with --show-personal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Exit code 0: all good; 1: something bad was found; 2: input that can't be used."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        # A host's locale may know no arrow.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(options)
    except (RegistryError, PasswordsError) as error:
        return _complain(error.problems)
    except (InputError, SettingsError) as error:
        return _complain([str(error)])
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return leave_quietly()


def _complain(problems: list[str]) -> int:
    print("\n".join(problems), file=sys.stderr)
    return _BAD_INPUT


def _run(options: argparse.Namespace) -> int:
    if options.input == "-" and sys.stdin.isatty():
        raise InputError("no input; give a capture, hexadecimal digits, or pipe one of them in (h323-decode --help)")
    keys, ports = _keys(options)
    selection = Selection(options.only, options.terminal, options.call, options.bad)
    output = Output(options.json, options.brief, options.show_personal, sys.stdout, sys.stderr)
    with open_input(options.input) as source:
        return Run(keys, selection, ports, output).run(source)


def _keys(options: argparse.Namespace) -> tuple[Keys, frozenset[int]]:
    """What to check with, and the ports of RAS."""
    ports = frozenset(options.port or _PORTS)
    if options.config is None:
        identifier = options.gatekeeper_identifier or _IDENTIFIER
        window = options.signature_window or _WINDOW
        return keys_of_files(options.registry, options.passwords, options.gatekeeper_key, identifier, window), ports
    others = (
        options.registry,
        options.passwords,
        options.gatekeeper_key,
        options.gatekeeper_identifier,
        options.signature_window,
    )
    if any(other is not None for other in others):
        raise InputError("--config FILE says all of that; leave out the other options about signatures")
    keys, port = keys_of_gatekeeper(options.config)
    return keys, ports if options.port else ports | {port}


def _names(text: str) -> frozenset[str]:
    names = frozenset(name.strip().upper() for name in text.split(",") if name.strip())
    if not names or not names <= NAMES:
        raise argparse.ArgumentTypeError(f"write names such as ARQ,ACF; there are {', '.join(sorted(NAMES))}")
    return names


def _call(text: str) -> str:
    digits = re.sub(r"[\s:-]", "", text).lower()
    if not re.fullmatch("[0-9a-f]{1,32}", digits):
        raise argparse.ArgumentTypeError("write the first hexadecimal digits of a callIdentifier or conferenceID")
    return digits


def _number(low: int, high: int, what: str) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text[:9]) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is no {what}; write {low} to {high}")
        return int(text)

    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="h323-decode",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "input",
        nargs="?",
        default="-",
        help="a pcap or pcapng file, a file of hexadecimal lines (one datagram a line), the hexadecimal digits of one"
        " datagram, or - for any of these from standard input (default)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--brief", action="store_true", help="one line a message, for an overview")
    form.add_argument("--json", action="store_true", help="one line of JSON a message, for machines")
    parser.add_argument("--show-personal", action="store_true", help="show purposes, display names and the like")
    port_help = "RAS port; may be repeated (default: 1719 and 1718)"
    parser.add_argument("--port", type=_number(1, 65_535, "port"), action="append", help=port_help)
    _add_keys(parser.add_argument_group("signatures"))
    _add_filters(parser.add_argument_group("show only"))
    return parser


def _add_keys(group: argparse._ArgumentGroup) -> None:
    config_help = "check all, by what the gatekeeper of this gatekeeper.yaml uses (as root on its host)"
    group.add_argument("--config", type=Path, metavar="FILE", help=config_help)
    group.add_argument("--registry", type=Path, metavar="FILE", help="check requests by this guardian-registry.yaml")
    passwords_help = "check password tokens (H.235.1) by this file, too"
    group.add_argument("--passwords", type=Path, metavar="FILE", help=passwords_help)
    group.add_argument("--gatekeeper-key", type=Path, metavar="FILE", help="check answers by this public key (PEM)")
    group.add_argument(
        "--gatekeeper-identifier",
        metavar="NAME",
        help=f"whom requests are signed for (default: {_IDENTIFIER})",
    )
    group.add_argument(
        "--signature-window",
        type=_number(1, 300, "number of seconds"),
        metavar="SECONDS",
        help=f"by which a timeStamp may be off; as in gatekeeper.yaml (default: {_WINDOW})",
    )


def _add_filters(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--only", type=_names, default=frozenset(), metavar="ARQ,ACF", help="messages of these short names"
    )
    group.add_argument("--terminal", metavar="ID", help="exchanges of if://guardian/alice (or just alice)")
    group.add_argument("--call", type=_call, metavar="HEX", help="exchanges of the call or conference beginning so")
    group.add_argument("--bad", action="store_true", help="what is unreadable, badly signed or refused")
