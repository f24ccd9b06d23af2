"""The same siege by UDP, against the service as its users start it: `python -m tests.fuzz.hostile_udp`.

The attack comes from many addresses of loopback. A guardian's request goes behind some datagrams of the attack in one
queue, so its answer says that those were taken, too. The exit code is 0 if the service came through.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gatekeeper.control_client import NotRunningError, ask
from gatekeeper.core import Instant
from h323.h235 import read_token, verify
from h323.ras import RasMessage, RegistrationConfirm, RequestInProgress, decode

from library.gatekeeper.tests.core.zone import IDENTIFIER, Terminal, private_key
from library.gatekeeper.tests.service.running import COMMAND, free_port, until, write_key, write_registry

from .attack import Attack
from .council import Council
from .hostile import memory

HOST = "127.0.0.1"
_SOURCES = 64
_WORK = 25
"""Datagrams from one request of a guardian to the next."""
_RETRY = 0.5
"""Seconds after which the identical datagram is sent again."""
_TRIES = 20
_MOST_GROWTH = 64 << 20


@dataclass
class Report:
    """What became of a run. Memory is the service's resident set, in octets."""

    datagrams: int
    seed: int
    mutations: dict[str, int] = field(default_factory=dict)
    guardian_requests_answered: int = 0
    guardian_requests_answered_wrongly: list[str] = field(default_factory=list)
    tracebacks: int = 0
    exit_code: int | None = None
    memory_start: int = 0
    memory_settled: int = 0
    memory_end: int = 0
    memory_peak: int = 0
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the service came through."""
        grown = self.memory_end - self.memory_settled
        clean = self.exit_code == 0 and self.tracebacks == 0
        return clean and not self.guardian_requests_answered_wrongly and grown < _MOST_GROWTH


class Wire:
    """What a Terminal knows of a zone, in real time and by real sockets."""

    def __init__(self, port: int) -> None:
        self._gatekeeper = (HOST, port)
        self._sockets: dict[str, socket.socket] = {}

    @property
    def now(self) -> Instant:
        return Instant(time.monotonic(), time.time())

    def close(self) -> None:
        for one in self._sockets.values():
            one.close()

    def socket_of(self, host: str) -> socket.socket:
        if host not in self._sockets:
            self._sockets[host] = socket.socket(type=socket.SOCK_DGRAM)
            self._sockets[host].bind((host, 0))
        return self._sockets[host]

    def put(self, datagram: bytes, host: str) -> None:
        self.socket_of(host).sendto(datagram, self._gatekeeper)

    def send(self, terminal: Terminal, datagram: bytes) -> RasMessage | None:
        """What a guardian gets, retransmitting as a terminal does; the signature is checked."""
        number = number_of(decode(datagram))
        host = f"127.0.1.{terminal.host}"
        for _ in range(_TRIES):
            self.put(datagram, host)
            for answer in self._answers(host):
                message = decode(answer)
                token = read_token(message)
                good = token is not None and verify(answer, token, private_key(IDENTIFIER).public_key())
                # RIP says only that the answer takes longer; asking again finds it.
                expected = number_of(message) == number and not isinstance(message, RequestInProgress)
                if good and expected:
                    return message
        return None

    def _answers(self, host: str) -> Iterator[bytes]:
        until_ = time.monotonic() + _RETRY
        while select.select([self.socket_of(host)], [], [], max(0.0, until_ - time.monotonic()))[0]:
            yield self.socket_of(host).recv(65_535)


def number_of(message: RasMessage) -> int | None:
    return getattr(message, "request_seq_num", None)


@contextlib.contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`h323-gatekeeper serve --registry`, until the block ends."""
    state = folder / "state"
    state.mkdir()
    write_key(state / "gatekeeper-key.pem", private_key(IDENTIFIER))
    write_registry(folder / "registry.yaml", alice="active", bob="active", eve="active", carol="suspended")
    options = ["--registry", folder / "registry.yaml", "--state", state, "--address", HOST, "--port", port]
    options += ["--metrics-port", 0, "--mcu", "mcu1=192.0.2.21:1720"]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen([COMMAND, "serve", *map(str, options)], stdout=output, stderr=output)
        try:
            until(lambda: process.poll() is not None or in_office(state / "control.sock"), "the service is in office")
            yield process
        finally:
            process.kill()
            process.wait()


def in_office(control_socket: Path) -> bool:
    try:
        return ask(control_socket, "/status")["active"] is True
    except NotRunningError:
        return False


def besiege(datagrams: int, seed: int, folder: Path, *, loudly: bool = False) -> Report:
    """Send so many datagrams to a service in a folder of its own."""
    report, started = Report(datagrams, seed), time.monotonic()
    port = free_port()
    wire = Wire(port)
    with serving(folder, port) as process, contextlib.closing(wire):
        _attack(report, wire, str(process.pid), loudly=loudly)
        process.send_signal(signal.SIGTERM)
        report.exit_code = process.wait(20)
    report.tracebacks = (folder / "output").read_text(encoding="utf-8").count("Traceback")
    report.seconds = round(time.monotonic() - started, 1)
    return report


def _attack(report: Report, wire: Wire, process: str, *, loudly: bool) -> None:
    council = Council((Terminal(wire, "alice", 101), Terminal(wire, "bob", 102)), wire.send)
    eve = Terminal(wire, "eve", 103)

    def register() -> None:
        registered = wire.send(eve, eve.signed(eve.registration()))
        assert isinstance(registered, RegistrationConfirm)
        eve.endpoint_identifier = registered.endpoint_identifier

    attack, mutations = Attack(eve, register, report.seed), Counter[str]()
    hosts = itertools.cycle(f"127.0.2.{number + 1}" for number in range(_SOURCES))
    report.memory_start = memory(process)
    for number in range(report.datagrams):
        if number % _WORK == 0:
            council.work()
            attack.overhear(council.last)
        hostile = attack.next()
        mutations[hostile.kind] += 1
        wire.put(hostile.datagram, f"127.0.1.{eve.host}" if hostile.source == eve.source else next(hosts))
        if number % max(1, report.datagrams // 50) == 0:
            report.memory_peak = max(report.memory_peak, memory(process))
            if number * 4 <= report.datagrams:
                report.memory_settled = memory(process)
            if loudly:
                served, wrong = council.served, len(council.wrong)
                sys.stdout.write(
                    f"{number:9} datagrams, {memory(process) >> 20} MiB, {served} served, {wrong} wrongly\n"
                )
                sys.stdout.flush()
    report.memory_end = memory(process)
    report.memory_peak = max(report.memory_peak, report.memory_end)
    report.mutations = dict(mutations)
    report.guardian_requests_answered = council.served
    report.guardian_requests_answered_wrongly = council.wrong[:10]


def main() -> int:
    """Run as the command line says, and print the report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datagrams", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = besiege(options.datagrams, options.seed, Path(folder), loudly=True)
    sys.stdout.write(json.dumps(asdict(report), indent=2) + "\n")
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
