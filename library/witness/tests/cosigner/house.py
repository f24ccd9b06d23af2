"""A real cosigner's process on loopback, and clients that speak HTTPS to it."""

from __future__ import annotations

import http.client
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from witness.service.settings import Tls
from witness.service.tls import client_tls

from library.witness.tests.log.certificates import Authority
from library.witness.tests.log.council import free_ports

from .submissions import GATEWAY, KEY, LOG

PROGRAM = Path(sys.executable).with_name("h323-witness-cosigner")
_PATIENCE = 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    content_type: str


class Client:
    """One kept connection."""

    def __init__(self, port: int, tls: Tls) -> None:
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, context=client_tls(tls), timeout=_PATIENCE)

    def post(self, body: bytes, path: str = "/add-checkpoint", method: str = "POST", **headers: str) -> Answer:
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.read(), response.headers["Content-Type"])

    def close(self) -> None:
        self._connection.close()


class Process:
    """The cosigner, its settings and its state."""

    def __init__(self, folder: Path, authority: Authority, **settings: object) -> None:
        self.folder = folder
        self._authority = authority
        self._state = folder / "state"
        self._state.mkdir(exist_ok=True)
        (folder / "key").write_text(KEY.skey)
        host = authority.issue("wit1")
        self.port, self.metrics_port = free_ports(2)
        self.values: dict[str, object] = {
            "key": str(folder / "key"),
            "state": str(self._state),
            "logs": [LOG.verifier.vkey, GATEWAY.verifier.vkey],
            "listen": {"address": "127.0.0.1", "port": self.port},
            "tls": {"ca": str(host.ca), "certificate": str(host.certificate), "private_key": str(host.private_key)},
            "metrics": {"port": self.metrics_port},
            **settings,
        }
        self.config = folder / "cosigner.yaml"
        self.config.write_text(yaml.safe_dump(self.values))
        self._process: subprocess.Popen[str] | None = None

    @property
    def state(self) -> Path:
        return self._state

    def start(self, command: Sequence[str] = (str(PROGRAM),), arguments: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*command, "--config", str(self.config), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("INFO serving"):
                return
        raise AssertionError("the cosigner did not start")

    def client(self, name: str = "gk1") -> Client:
        return Client(self.port, self._authority.issue(name))

    def metrics(self) -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=_PATIENCE) as answer:
            lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def stop(self, *, kill: bool = False) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill() if kill else process.terminate()
        if process.stdout is not None:
            process.stdout.close()
        return process.wait(_PATIENCE)

    def wait(self) -> int:
        """For one that ends itself."""
        process, self._process = self._process, None
        assert process is not None
        assert process.stdout is not None
        process.stdout.close()
        return process.wait(_PATIENCE)
