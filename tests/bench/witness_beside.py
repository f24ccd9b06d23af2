"""The log service and a cosigner beside the gatekeeper under load: the real programs, on the load generator's core."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml
from witness.checkpoint import parse_checkpoint
from witness.day_files.streams import RAS_STREAM, STREAMS
from witness.note import Algorithm, generate_skey, parse_note, parse_skeys
from witness.service.settings import Tls

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from library.witness.tests.log.certificates import Authority

_DOMAIN = "bench.example"
_PATIENCE = 60.0
_LOOK_EVERY = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


class Beside:
    """Both services. They can be halted, so that the same gatekeeper is measured without them."""

    def __init__(self, logs: Path, processes: list[subprocess.Popen[bytes]]) -> None:
        self._stream = STREAMS[RAS_STREAM]
        self._logs = logs
        self._processes = processes

    def halt(self) -> None:
        """Take them off the processor."""
        for process in self._processes:
            process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them go on, and wait until every record there is has been cosigned."""
        for process in self._processes:
            process.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + _PATIENCE
        while self.covered() != self.records():
            if time.monotonic() > deadline:
                raise SystemExit(f"the log service has {self.covered()} of {self.records()} records cosigned")
            time.sleep(_LOOK_EVERY)

    def records(self) -> int:
        """Lines of the day files."""
        return sum(path.read_bytes().count(b"\n") for path in (self._logs / self._stream.folder).glob("*.jsonl"))

    def covered(self) -> int:
        """Those that the published checkpoint covers."""
        try:
            octets = (self._logs / self._stream.folder / "checkpoint").read_bytes()
        except FileNotFoundError:
            return 0
        return parse_checkpoint(parse_note(octets).text).size

    def cpu(self) -> float:
        """Seconds of processor time that both have used."""
        fields = [
            Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            for process in self._processes
        ]
        return sum(int(one[11]) + int(one[12]) for one in fields) / _TICKS


@contextlib.contextmanager
def beside(folder: Path) -> Iterator[Beside]:
    """Run them for the gatekeeper whose folder this is."""
    tls, port = Authority(folder / "pki").issue("host"), _free_port()
    keys = "".join(f"{generate_skey(f'{_DOMAIN}/{name}', Algorithm.ED25519)}\n" for name in STREAMS)
    cosigner = generate_skey(f"{_DOMAIN}/wit1", Algorithm.COSIGNATURE)
    logs = [key.verifier.vkey for key in parse_skeys(keys).values()]
    (named,) = parse_skeys(cosigner).values()
    (folder / "state").mkdir()
    for name, text in {
        "log-keys": keys,
        "cosigner-key": cosigner,
        "policy": "".join(f"log {log}\n" for log in logs)
        + f"witness wit1 {named.verifier.vkey} https://127.0.0.1:{port}\nquorum wit1\n",
        "log.yaml": yaml.safe_dump(_log_settings(folder, tls)),
        "cosigner.yaml": yaml.safe_dump(_cosigner_settings(folder, tls, logs, port)),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(_running(f"h323-witness-{name}", folder / f"{name}.yaml"))
            for name in ("cosigner", "log")
        ]
        made = Beside(folder / "logs", processes)
        made.go_on()
        yield made


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _files(tls: Tls) -> dict[str, str]:
    return {"ca": str(tls.ca), "certificate": str(tls.certificate), "private_key": str(tls.private_key)}


def _log_settings(folder: Path, tls: Tls) -> dict[str, object]:
    return {
        "node": "bench",
        "directory": str(folder / "logs"),
        "policy": str(folder / "policy"),
        "signing_keys": str(folder / "log-keys"),
        "tls": _files(tls),
        "metrics": {"port": 0},
    }


def _cosigner_settings(folder: Path, tls: Tls, logs: list[str], port: int) -> dict[str, object]:
    return {
        "key": str(folder / "cosigner-key"),
        "state": str(folder / "state"),
        "logs": logs,
        "listen": {"address": "127.0.0.1", "port": port},
        "tls": _files(tls),
        "metrics": {"port": 0},
    }


@contextlib.contextmanager
def _running(program: str, config: Path) -> Iterator[subprocess.Popen[bytes]]:
    with config.with_suffix(".journal").open("wb") as journal:
        command = [Path(sys.executable).with_name(program), "--config", config]
        process = subprocess.Popen(command, stdout=journal, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
