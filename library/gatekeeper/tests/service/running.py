"""The service as its users run it: a process, real datagrams, signals."""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from gatekeeper.control_client import NotRunningError, ask
from h323.h235 import PrivateKey

from .guardian import HOST, IDENTIFIER, private_key

COMMAND = str(Path(sys.executable).parent / "h323-gatekeeper")
DEADLINE = 20.0


def until(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; fail where it doesn't within the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        select.select([], [], [], 0.01)


def free_port() -> int:
    """A port that nobody has, neither by UDP nor by TCP."""
    for _ in itertools.count():
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            tcp.bind((HOST, 0))
            udp.bind(tcp.getsockname())
            return int(tcp.getsockname()[1])
    raise AssertionError


def write_key(path: Path, key: PrivateKey) -> None:
    pem = Ed25519PrivateKey.from_private_bytes(key.private_bytes_raw())
    path.write_bytes(pem.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def write_registry(path: Path, **guardians: str) -> None:
    """A registry of guardians with their status; their keys are `private_key(name)`."""
    entries = [
        {
            "terminal_id": f"if://guardian/{name}",
            "aliases": [name],
            "role": "guardian",
            "status": status,
            "bandwidth_quota_bps": "10000000",
            "registered_at": "2026-01-01T00:00:00Z",
            "keys": [
                {
                    "epoch": 1,
                    "public_key": base64.b64encode(private_key(name).public_key().public_bytes_raw()).decode(),
                    "state": "active",
                    "not_before": "2026-01-01T00:00:00Z",
                    "not_after": None,
                    "next_key_hash": None,
                }
            ],
        }
        for name, status in guardians.items()
    ]
    path.write_text(yaml.safe_dump({"version": 1, "guardians": entries}), encoding="utf-8")


@dataclass
class Node:
    """One node's configuration in a folder of its own."""

    folder: Path
    name: str = "gk1"
    store: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.registry = self.folder / "guardian-registry.yaml"
        write_registry(self.registry, alice="active", bob="active", carol="suspended")
        write_key(self.folder / "gatekeeper-key.pem", private_key(IDENTIFIER))
        self.write()

    @property
    def config(self) -> Path:
        return self.folder / "gatekeeper.yaml"

    @property
    def control_socket(self) -> Path:
        return self.folder / "control.sock"

    @property
    def track_file(self) -> Path:
        return self.folder / "track"

    def values(self) -> dict[str, object]:
        """What the configuration file says."""
        return {
            "node": self.name,
            "role": "primary" if self.name == "gk1" else "secondary",
            "gatekeeper_identifier": IDENTIFIER,
            "registry": str(self.registry),
            "signing_key": str(self.folder / "gatekeeper-key.pem"),
            "log_directory": str(self.folder / "logs"),
            "ras": {"address": HOST, "port": self.port},
            "mcus": [{"name": "mcu1", "address": "192.0.2.21"}],
            "store": dict(self.store) or {"kind": "sqlite", "path": str(self.folder / "state.sqlite")},
            "metrics": {"port": 0},
            "control_socket": str(self.control_socket),
            "track_file": str(self.track_file),
            **self.settings,
        }

    def write(self) -> None:
        self.config.write_text(yaml.safe_dump(self.values()), encoding="utf-8")

    def status(self) -> dict[str, object]:
        return ask(self.control_socket, "/status")

    def says(self, **expected: object) -> bool:
        """Whether the status has these values now."""
        try:
            status = self.status()
        except NotRunningError:
            return False
        return all(status[name] == value for name, value in expected.items())

    def lines(self, stream: str = "h323_witness/h323_ras") -> list[dict[str, object]]:
        """The records on this node's disk."""
        folder, prefix = stream.split("/")
        files = sorted((self.folder / "logs" / folder).glob(f"{prefix}_*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]

    def decisions(self) -> list[dict[str, object]]:
        """The records of requests and answers, without those of what they were decided by."""
        return [line for line in self.lines() if line["msg_type"] not in ("TERM", "REGISTRY", "STATE", "ITEMS")]

    def octets(self) -> dict[str, bytes]:
        """The log's files."""
        return {path.name: path.read_bytes() for path in sorted((self.folder / "logs").glob("*/*.jsonl"))}

    def metrics(self) -> str:
        """What Prometheus would read, by the control socket."""
        with socket.socket(socket.AF_UNIX) as unix:
            unix.connect(str(self.control_socket))
            connection = http.client.HTTPConnection("localhost")
            connection.sock = unix
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()


@contextlib.contextmanager
def serving(
    node: Node, environment: Mapping[str, str] | None = None, before: tuple[str, ...] = (), *, active: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the node's service for the duration of a block; it is killed at the end unless it is over by then."""
    node.control_socket.unlink(missing_ok=True)
    command = [*before, COMMAND, "serve", "--config", str(node.config)]
    with (node.folder / "output").open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **(environment or {})})
        try:
            until(lambda: process.poll() is not None or node.says(healthy=True), "the service is healthy")
            assert process.poll() is None, (node.folder / "output").read_text(encoding="utf-8")
            if active:
                until(lambda: node.says(active=True), "the service is in office")
            yield process
        finally:
            process.kill()
            process.wait()


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> int:
    """Send a signal and wait for the end; the exit code."""
    process.send_signal(how)
    return process.wait(DEADLINE)


def program(name: str) -> str:
    """The path of a program that the tests need."""
    found = shutil.which(name)
    assert found, f"{name} is missing: run `apt-get install util-linux iproute2 grep`"
    return found
