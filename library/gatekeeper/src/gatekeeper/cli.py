"""The command `h323-gatekeeper`."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from h323.h235 import PrivateKey
from witness.day_files.writer import WitnessLogError
from witness.service.settings import SettingsError

from gatekeeper.alone import CONTROL_SOCKET as CONTROL_SOCKET_ALONE
from gatekeeper.alone import STATE, Options, settings_alone
from gatekeeper.closed_output import leave_quietly
from gatekeeper.control_client import NotRunningError, RefusedError, ask, request
from gatekeeper.operation import SelectionError, identifier
from gatekeeper.passwords import PasswordsError, load_passwords
from gatekeeper.ras_socket import PortTakenError
from gatekeeper.registry import RegistryError, describe, load_registry_and_passwords
from gatekeeper.server import Server
from gatekeeper.settings import Settings, load_settings
from gatekeeper.store import Store, StoreError
from gatekeeper.store.etcd import EtcdStore
from gatekeeper.store.sqlite import SqliteStore

CONFIG = Path("/etc/h323-gatekeeper/gatekeeper.yaml")
CONTROL_SOCKET = Path("/run/h323-gatekeeper/control.sock")
LOGGER = logging.getLogger(__name__)
_NO, _BAD_INPUT = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Exit code 0: yes; 1: no (each command's help says to what); 2: input that can't be used."""
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        return leave_quietly()
    except (RegistryError, PasswordsError) as error:
        return _complain(options, error.problems)
    except RefusedError as error:
        return _complain(options, [str(error)], _NO)
    except (SettingsError, StoreError, WitnessLogError, PortTakenError, NotRunningError, SelectionError) as error:
        return _complain(options, [str(error)])
    return code


def _complain(options: argparse.Namespace, problems: list[str], code: int | None = None) -> int:
    if getattr(options, "json", False):
        print(json.dumps({"ok": False, "problems": problems}))
    else:
        print("\n".join(problems), file=sys.stderr)
    return int(options.failure) if code is None else code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="h323-gatekeeper", description="The council's H.323 gatekeeper.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands)
    text = "check a registry, a configuration file or a file of passwords: exit code 0 if it is good, otherwise 1"
    validate = commands.add_parser("validate", help=text, description=text[0].upper() + text[1:] + ".")
    validate.add_argument("file", type=Path, nargs="?", help="guardian-registry.yaml or gatekeeper.yaml")
    help_ = "check this file and, with a registry, that every entry with authentication: password has one in it"
    validate.add_argument("--passwords", type=Path, metavar="FILE", help=help_)
    validate.set_defaults(run=_validate, failure=_NO)
    status = commands.add_parser("status", help="what this host's gatekeeper does now")
    status.set_defaults(run=_status, failure=_BAD_INPUT)
    text = "whether this host's gatekeeper is healthy: exit code 0, otherwise 1"
    health = commands.add_parser("health", help=text, description=text[0].upper() + text[1:] + ".")
    health.add_argument("--active", action="store_true", help="ask whether it is the active one instead")
    health.set_defaults(run=_health, failure=_NO)
    calls = commands.add_parser("calls", help="the calls that are admitted now (on the active gatekeeper)")
    calls.set_defaults(run=_calls, failure=_BAD_INPUT)
    clear = _add_clear(commands)
    step_down = _add_step_down(commands)
    for command in (status, health, calls, clear, step_down):
        default = f"default: {CONTROL_SOCKET} or, where there is none, {STATE / CONTROL_SOCKET_ALONE}"
        command.add_argument("--socket", type=Path, help=f"its control socket ({default})")
    for command in (validate, status, health, calls, clear, step_down):
        command.add_argument("--json", action="store_true", help="for machines")
    return parser


def _add_clear(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    text = "end calls: exit code 0 when they are cleared, 1 if there is no such call or this gatekeeper is not active"
    clear = commands.add_parser("clear", help=text.partition(":")[0], description=text[0].upper() + text[1:] + ".")
    what = clear.add_mutually_exclusive_group(required=True)
    what.add_argument("call_identifier", nargs="?", help="both legs of this call")
    what.add_argument("--conference", metavar="CONFERENCE_ID", help="all calls of a conference")
    what.add_argument("--terminal", metavar="TERMINAL_ID", help="all calls of a guardian, e.g. if://guardian/alice")
    clear.set_defaults(run=_clear, failure=_BAD_INPUT)
    return clear


def _add_step_down(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    text = "hand this active gatekeeper's office to the other one: exit code 0 when that has it, otherwise 1"
    step_down = commands.add_parser(
        "step-down", help=text.partition(":")[0], description=text[0].upper() + text[1:] + "."
    )
    step_down.add_argument("--force", action="store_true", help="even if the other one doesn't seem ready")
    step_down.add_argument("--reason", default="", metavar="TEXT", help="for the failover record")
    step_down.set_defaults(run=_step_down, failure=_BAD_INPUT)
    return step_down


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser(
        "serve",
        help="run the gatekeeper",
        description="Run the gatekeeper from a configuration file or, to try it on one machine, from a registry alone:"
        " state, keys, logs and control socket are then kept in the --state folder.",
    )
    what = serve.add_mutually_exclusive_group()
    what.add_argument("--config", type=Path, help=f"configuration file (default: {CONFIG})")
    what.add_argument("--registry", type=Path, help="guardian-registry.yaml; no configuration file is read")
    alone = serve.add_argument_group("with --registry")
    alone.add_argument("--passwords", type=Path, metavar="FILE", help="of entries with authentication: password")
    alone.add_argument("--state", type=Path, default=STATE, help="folder to keep things in (default: ./%(default)s)")
    alone.add_argument("--address", default="127.0.0.1", help="RAS address (default: %(default)s)")
    alone.add_argument("--port", type=int, default=1719, help="RAS port (default: %(default)s)")
    alone.add_argument("--metrics-port", type=int, default=9719, help="on 127.0.0.1 (default: %(default)s)")
    alone.add_argument("--mcu", metavar="NAME=HOST:PORT", action="append", default=[], help="may be repeated")
    serve.set_defaults(run=_serve, failure=_BAD_INPUT)


def _serve(options: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    settings = _settings(options)
    registry = load_registry_and_passwords(settings.registry, settings.passwords)
    server = Server(settings, registry, _load_key(settings.signing_key), _store(settings))
    asyncio.run(_run(server, settings))
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    if options.registry is None:
        return load_settings(options.config or CONFIG)
    alone = Options(
        registry=options.registry,
        passwords=options.passwords,
        state=options.state,
        address=options.address,
        port=options.port,
        metrics_port=options.metrics_port,
        mcus=tuple(options.mcu),
    )
    return settings_alone(alone)


async def _run(server: Server, settings: Settings) -> None:
    serving = asyncio.ensure_future(server.run(lambda: LOGGER.info("serving RAS on %s port %d", *server.ras_address)))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    loop.add_signal_handler(signal.SIGHUP, server.reload_registry)
    LOGGER.info("status: h323-gatekeeper status --socket %s", settings.control_socket)
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()
    LOGGER.info("stopped")


def _store(settings: Settings) -> Store:
    store = settings.store
    if store.path is not None:
        return SqliteStore(store.path, store.trimming)
    if store.tls is None:
        raise SettingsError("store has no certificates; write ca, certificate and private_key")
    rivals = {host for host, _ in settings.core.alternates}
    return EtcdStore(store.endpoints, store.tls, store.trimming, settings.ras.address, rivals)


def _load_key(path: Path) -> PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        advice = f"make one with 'openssl genpkey -algorithm ed25519 -out {path}'"
        raise SettingsError(f"signing_key {path} is missing; {advice}") from error
    except OSError as error:
        raise SettingsError(f"signing_key {path}: {error.strerror}; let the service's user read it") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(
            f"signing_key {path} is no PEM private key without a passphrase; write one there"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"signing_key {path} is no Ed25519 key; write one there")
    return PrivateKey.from_private_bytes(key.private_bytes_raw())


def _validate(options: argparse.Namespace) -> int:
    summary = _checked(options.file, options.passwords)
    if options.json:
        print(json.dumps({"ok": True, **summary}))
    else:
        what = options.file or options.passwords
        print(f"{what} is good: " + ", ".join(f"{name} {value}" for name, value in summary.items()))
    return 0


def _checked(file: Path | None, passwords: Path | None) -> dict[str, object]:
    """A summary of what is good."""
    if file is not None and _is_settings(file):
        settings = load_settings(file)
        counted = {} if passwords is None else {"passwords": len(load_passwords(passwords))}
        return {"node": settings.core.node, "role": settings.role, "store": settings.store.kind, **counted}
    if file is not None:
        return dict(describe(load_registry_and_passwords(file, passwords)))
    if passwords is None:
        raise SettingsError("nothing to check; name a registry, a configuration file, or --passwords FILE")
    return {"passwords": len(load_passwords(passwords))}


def _is_settings(path: Path) -> bool:
    """A configuration has a node and no guardians; anything else is meant to be a registry."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    except OSError:
        # Whoever reads it next says so.
        return False
    keys = {line.partition(":")[0] for line in text.splitlines()}
    return bool(keys & {"node", "ras", "store", "signing_key"}) and "guardians" not in keys


def _socket(options: argparse.Namespace) -> Path:
    if options.socket is not None:
        return Path(options.socket)
    alone = STATE / CONTROL_SOCKET_ALONE
    return alone if alone.exists() and not CONTROL_SOCKET.exists() else CONTROL_SOCKET


def _status(options: argparse.Namespace) -> int:
    status = ask(_socket(options), "/status")
    if options.json:
        print(json.dumps(status))
    else:
        width = max(map(len, status))
        for name, value in status.items():
            print(f"{name.replace('_', ' '):{width}}  {_in_words(value)}")
    return 0


def _in_words(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(one)}" for name, one in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else value


def _health(options: argparse.Namespace) -> int:
    status = ask(_socket(options), "/status")
    good = bool(status["active"] if options.active else status["healthy"])
    if options.json:
        print(json.dumps({"healthy": status["healthy"], "active": status["active"], "trouble": status["trouble"]}))
    elif options.active:
        print("this gatekeeper is active" if good else "this gatekeeper is not active")
    else:
        print("this gatekeeper is healthy" if good else f"this gatekeeper is not healthy: {status['trouble']}")
    return 0 if good else _NO


def _calls(options: argparse.Namespace) -> int:
    calls = request(_socket(options), "/calls")["calls"]
    if options.json:
        print(json.dumps(calls))
        return 0
    for call in calls if isinstance(calls, list) else ():
        leg = "answers" if call["answer_call"] else "calls"
        where = call["mcu"] or call["destination"]
        print(f"{call['call_identifier']}  {call['terminal_id']} {leg} {where}, {call['bandwidth_bps']} bit/s")
        print(f"{'':32}  conference {call['conference_id']}, since {call['admitted_at']}")
    return 0


def _clear(options: argparse.Namespace) -> int:
    if options.terminal is not None:
        what = {"terminal_id": str(options.terminal)}
    elif options.conference is not None:
        what = {"conference_id": identifier(options.conference)}
    else:
        what = {"call_identifier": identifier(options.call_identifier)}
    cleared = request(_socket(options), "/calls/clear", what)["cleared"]
    if options.json:
        print(json.dumps({"cleared": cleared}))
    else:
        print(f"legs cleared: {cleared}" if cleared else "there is no such call")
    return 0 if cleared else _NO


def _step_down(options: argparse.Namespace) -> int:
    switch = request(_socket(options), "/step-down", {"reason": options.reason, "force": options.force})
    if options.json:
        print(json.dumps(switch))
    else:
        print(f"{switch['to']} is in office, epoch {switch['epoch']}, after {switch['seconds']} s")
    return 0
