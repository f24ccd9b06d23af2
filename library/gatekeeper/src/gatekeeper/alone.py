"""A gatekeeper that is tried on one machine: all it needs besides the registry is made in one folder."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from witness.service.settings import MetricsSettings, SettingsError

from gatekeeper.core import Address, CoreSettings, Mcu
from gatekeeper.settings import RasSettings, Settings, StoreSettings

STATE = Path("h323-gatekeeper-state")
"""The folder, unless another is named."""
CONTROL_SOCKET = "control.sock"
_RAS_PORT = 1719
_PORTS = range(65_536)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    registry: Path
    passwords: Path | None
    state: Path
    address: str
    port: int
    metrics_port: int
    mcus: tuple[str, ...]
    """NAME=HOST:PORT each."""


def settings_alone(options: Options) -> Settings:
    """Settings that keep everything in the state folder; the folder and the signing key are made if missing.

    Raises:
        SettingsError: an option can't be used; the text says what to write.
    """
    address = _address("--address", options.address, options.port)
    key = options.state / "gatekeeper-key.pem"
    try:
        options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not key.exists():
            _make_key(key, options.state / "gatekeeper-key.pub.pem")
    except OSError as error:
        raise SettingsError(f"--state {options.state}: {error.strerror}; name a folder that can be written") from error
    if options.metrics_port not in _PORTS:
        raise SettingsError(f"--metrics-port {options.metrics_port} is no port; write 9719, or 0 for any")
    # Two on one machine are told apart by their ports.
    node = socket.gethostname() if options.port == _RAS_PORT else f"{socket.gethostname()}-{options.port}"
    return Settings(
        role="primary",
        core=CoreSettings(
            node=node,
            gatekeeper_identifier="guardian-council",
            ras_address=address,
            shared_address=False,
            mcus=_mcus(options.mcus),
        ),
        registry=options.registry,
        signing_key=key,
        passwords=options.passwords,
        log_directory=options.state / "logs",
        ras=RasSettings(*address),
        store=StoreSettings(path=options.state / "state.sqlite"),
        metrics=MetricsSettings(port=options.metrics_port),
        control_socket=options.state / CONTROL_SOCKET,
        track_file=None,
        priority_file=None,
        vrrp_fifo=None,
    )


def _address(option: str, host: str, port: int) -> Address:
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise SettingsError(f"{option}: {host!r} is no IP address; write e.g. 127.0.0.1") from error
    if port not in _PORTS:
        raise SettingsError(f"{option}: {port} is no port; write 1719, or another up to {_PORTS[-1]}")
    return str(address), port


def _mcus(texts: tuple[str, ...]) -> tuple[Mcu, ...]:
    mcus = tuple(map(_mcu, texts))
    if len({mcu.name for mcu in mcus}) != len(mcus):
        raise SettingsError("--mcu has two of the same name; give each a name of its own")
    return mcus


def _mcu(text: str) -> Mcu:
    name, _, where = text.partition("=")
    host, _, port = where.rpartition(":")
    if not (name and host and port.isascii() and port.isdigit()):
        raise SettingsError(f"--mcu {text!r} is not NAME=HOST:PORT; write e.g. mcu1=192.0.2.21:1720")
    return Mcu(name, _address(f"--mcu {name}", host, int(port[:6])))


def _make_key(private: Path, public: Path) -> None:
    """Make both halves; the private one comes last and whole, so that after a crash both are made anew."""
    key = Ed25519PrivateKey.generate()
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    fresh = private.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(private)
