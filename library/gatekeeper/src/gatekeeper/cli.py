"""The command `h323-gatekeeper`."""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gatekeeper.core import CoreSettings, Mcu
from gatekeeper.ras_socket import PortTakenError
from gatekeeper.registry import RegistryError, describe, load_registry
from gatekeeper.server import Server
from gatekeeper.settings import (
    MetricsSettings,
    RasSettings,
    Settings,
    SettingsError,
    StoreSettings,
    load_settings,
)
from gatekeeper.store import Store, StoreError
from gatekeeper.store.etcd import EtcdStore
from gatekeeper.store.sqlite import SqliteStore
from gatekeeper.witness_log import WitnessLogError

CONFIG = Path("/etc/h323-gatekeeper/gatekeeper.yaml")
CONTROL_SOCKET = Path("/run/h323-gatekeeper/control.sock")
_BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0 for good, 1 for a "no" as the answer, 2 for input that can't be used."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except RegistryError as error:
        return _complain(options, error.problems)
    except (SettingsError, StoreError, WitnessLogError, PortTakenError) as error:
        return _complain(options, [str(error)])


def _complain(options: argparse.Namespace, problems: list[str]) -> int:
    if getattr(options, "json", False):
        print(json.dumps({"ok": False, "problems": problems}))
    else:
        print("\n".join(problems), file=sys.stderr)
    return _BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="h323-gatekeeper", description="The council's H.323 gatekeeper.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="run the gatekeeper",
        description="Run the gatekeeper from a configuration file or, to try it on one machine, from a registry alone:"
        " state, keys and logs are then kept in the --state folder.",
    )
    what = serve.add_mutually_exclusive_group()
    what.add_argument("--config", type=Path, help=f"configuration file (default: {CONFIG})")
    what.add_argument("--registry", type=Path, help="guardian-registry.yaml; no configuration file is read")
    serve.add_argument("--state", type=Path, default=Path("h323-gatekeeper-state"), help="default: %(default)s")
    serve.add_argument("--address", default="127.0.0.1", help="RAS address with --registry (default: %(default)s)")
    serve.add_argument("--port", type=int, default=1719, help="RAS port with --registry (default: %(default)s)")
    serve.add_argument("--metrics-port", type=int, default=9719, help="default: %(default)s, on 127.0.0.1")
    serve.add_argument("--mcu", metavar="NAME=HOST:PORT", action="append", default=[], help="may be repeated")
    serve.set_defaults(run=_serve)
    validate = commands.add_parser("validate", help="check a registry or a configuration file; 0 good, 2 not")
    validate.add_argument("file", type=Path)
    validate.add_argument("--json", action="store_true", help="for machines")
    validate.set_defaults(run=_validate)
    for name, run, text in (
        ("status", _status, "what this node's gatekeeper does now"),
        ("health", _health, "whether it is healthy: exit code 0, otherwise 1"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--socket", type=Path, default=CONTROL_SOCKET, help="default: %(default)s")
        command.add_argument("--json", action="store_true", help="for machines")
        command.set_defaults(run=run)
        if name == "health":
            command.add_argument("--active", action="store_true", help="ask whether it is the active one")
    return parser


def _validate(options: argparse.Namespace) -> int:
    text = options.file.read_text(encoding="utf-8", errors="replace") if options.file.is_file() else ""
    if any(line.startswith(("guardians:", "version:")) for line in text.splitlines()) or not text:
        summary = dict(describe(load_registry(options.file)))
    else:
        settings = load_settings(options.file)
        summary = {"node": settings.core.node, "role": settings.role}
    if options.json:
        print(json.dumps({"ok": True, **summary}))
    else:
        print(f"{options.file} is good: " + ", ".join(f"{name} {value}" for name, value in summary.items()))
    return 0


def _serve(options: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    settings = _alone(options) if options.registry else load_settings(options.config or CONFIG)
    registry = load_registry(settings.registry)
    signing_key = _load_key(settings.signing_key)
    asyncio.run(_run(Server(settings, registry, signing_key, _store(settings.store))))
    return 0


async def _run(server: Server) -> None:
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        loop.add_signal_handler(signal.SIGINT, task.cancel)
    loop.add_signal_handler(signal.SIGHUP, server.reload_registry)

    def ready() -> None:
        logging.getLogger(__name__).info("serving RAS on %s port %d", *server.ras_address)

    try:
        await server.run(ready)
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("stopped")


def _store(settings: StoreSettings) -> Store:
    if settings.path is not None:
        return SqliteStore(settings.path)
    if settings.tls is None:
        raise SettingsError("store has no certificates; write ca, certificate and private_key")
    return EtcdStore(settings.endpoints, settings.tls)


def _load_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        advice = f"make one with 'openssl genpkey -algorithm ed25519 -out {path}'"
        raise SettingsError(f"signing_key {path}: {error.strerror}; {advice}") from error
    except (ValueError, TypeError) as error:
        raise SettingsError(f"signing_key {path}: not a PEM private key without a passphrase") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"signing_key {path}: not an Ed25519 key")
    return key


def _alone(options: argparse.Namespace) -> Settings:
    """Settings of a gatekeeper that is tried on one machine."""
    state: Path = options.state
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = state / "gatekeeper-key.pem"
        if not key.exists():
            _make_key(key, state / "gatekeeper-key.pub.pem")
    except OSError as error:
        raise SettingsError(f"--state {state}: {error.strerror}; name a folder that can be written") from error
    core = CoreSettings(
        node=socket.gethostname(),
        gatekeeper_identifier="guardian-council",
        ras_address=(options.address, options.port),
        mcus=tuple(_mcu(text) for text in options.mcu),
    )
    return Settings(
        role="primary",
        core=core,
        registry=options.registry,
        signing_key=key,
        log_directory=state / "logs",
        ras=RasSettings(options.address, options.port),
        store=StoreSettings(path=state / "state.sqlite"),
        metrics=MetricsSettings(port=options.metrics_port),
        control_socket=state / "control.sock",
        track_file=None,
    )


def _make_key(private: Path, public: Path) -> None:
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _mcu(text: str) -> Mcu:
    name, _, where = text.partition("=")
    host, _, port = where.rpartition(":")
    if not (name and host and port.isdigit()):
        raise SettingsError(f"--mcu {text!r} is not NAME=HOST:PORT; write e.g. mcu1=192.0.2.21:1720")
    return Mcu(name, (host, int(port)))


class _ControlConnection(http.client.HTTPConnection):
    """HTTP over the control socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        self.sock.connect(str(self._path))


def _ask(path: Path, what: str) -> tuple[int, dict[str, object]]:
    connection = _ControlConnection(path)
    try:
        connection.request("GET", what)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    except OSError as error:
        advice = "is the service running? see 'systemctl status h323-gatekeeper-*'"
        raise SettingsError(f"{path}: {error.strerror or error}; {advice}") from error
    finally:
        connection.close()


def _status(options: argparse.Namespace) -> int:
    _, status = _ask(options.socket, "/status")
    if options.json:
        print(json.dumps(status))
    else:
        for name, value in status.items():
            print(f"{name.replace('_', ' '):22} {value}")
    return 0


def _health(options: argparse.Namespace) -> int:
    _, status = _ask(options.socket, "/status")
    good = bool(status["active"] if options.active else status["healthy"])
    if options.json:
        print(json.dumps({"healthy": status["healthy"], "active": status["active"], "trouble": status["trouble"]}))
    elif options.active:
        print("this gatekeeper is active" if good else "this gatekeeper is not active")
    else:
        print("this gatekeeper is healthy" if good else f"this gatekeeper is not healthy: {status['trouble']}")
    return 0 if good else 1
