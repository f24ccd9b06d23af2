"""A real gatekeeper on a loopback port, as a developer starts it, and a council enrolled with it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from terminal.enrolment import enrol

PROGRAMS = Path(sys.executable).parent
_TIME_TO_START = 60
"""Seconds; only when to stop waiting."""


def free_port() -> int:
    """A port that is free for UDP and TCP on loopback."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Service:
    """`h323-gatekeeper serve` with a registry and nothing else: state in SQLite."""

    def __init__(self, folder: Path) -> None:
        self.registry, self.keys, self.state = folder / "registry.yaml", folder / "keys", folder / "state"
        self.port, self._metrics_port = free_port(), free_port()
        enrol(25, 1, self.keys, self.registry, datetime.now(timezone.utc))
        self._process: subprocess.Popen[str] | None = None
        self._said: list[str] = []

    @property
    def gatekeeper_key(self) -> Path:
        return self.state / "gatekeeper-key.pub.pem"

    def arguments(self, command: str, *more: str) -> list[str]:
        """Arguments of guardian-terminal for this gatekeeper."""
        where = ["--gatekeeper", f"127.0.0.1:{self.port}", "--gatekeeper-key", str(self.gatekeeper_key)]
        return [command, *where, *more]

    def council_arguments(self, command: str, *more: str) -> list[str]:
        return self.arguments(command, "--registry", str(self.registry), "--keys", str(self.keys), *more)

    def start(self, *more: str) -> None:
        """Start it, with these arguments besides; returns when it's in office."""
        serve = [str(PROGRAMS / "h323-gatekeeper"), "serve", "--registry", str(self.registry)]
        serve += ["--state", str(self.state), "--port", str(self.port), "--metrics-port", str(self._metrics_port)]
        serve += ["--mcu", "mcu1=127.0.0.1:1720", *more]
        self._process = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        in_office = threading.Event()
        threading.Thread(target=self._listen, args=(self._process, in_office), daemon=True).start()
        if not in_office.wait(_TIME_TO_START) or self._process.poll() is not None:
            pytest.fail("the gatekeeper did not come into office:\n" + "\n".join(self._said))

    def _listen(self, process: subprocess.Popen[str], in_office: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._said.append(line.rstrip())
                if "in office" in line:
                    in_office.set()
        in_office.set()

    def stop(self) -> None:
        """Stop it as systemd does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_TIME_TO_START)
            self._process = None


@pytest.fixture(scope="session")
def enrolled_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("gatekeeper"))
    try:
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="module")
def service(enrolled_service: Service) -> Iterator[Service]:
    """The gatekeeper, running."""
    enrolled_service.start()
    try:
        yield enrolled_service
    finally:
        enrolled_service.stop()
