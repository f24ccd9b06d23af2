"""Hosts of a council on this machine: real processes of the log service, and a cosigner, over mutual TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path

import yaml
from witness.log.stream_log import StreamLog
from witness.service.tls import server_tls

from .certificates import make_certificates
from .little_cosigner import LittleCosigner
from .scene import STREAM, Keys

PROGRAM = Path(sys.executable).with_name("h323-witness-log")
_PATIENCE = 90.0
_LOOK_EVERY = 0.05


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for it."""
    for _ in range(int(_PATIENCE / _LOOK_EVERY)):
        if await asyncio.get_running_loop().run_in_executor(None, condition):
            return
        await asyncio.sleep(_LOOK_EVERY)
    raise AssertionError(f"it did not happen: {what}")


def _start(program: Path, config: Path, journal: Path) -> subprocess.Popen[bytes]:
    with journal.open("ab") as output:
        return subprocess.Popen([program, "--config", config], stdout=output, stderr=subprocess.STDOUT)


class Host:
    """One host: its folders, and its log service."""

    def __init__(self, council: Council, name: str, port: int, metrics: int) -> None:
        self.name = name
        self.port = port
        self._metrics = metrics
        self._council = council
        self.folder = council.folder / name
        self.folder.mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self.journal = self.folder / "journal"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def configure(self, *, signs: bool = True) -> None:
        tls = self._council.tls
        settings = {
            "node": self.name,
            "directory": str(self.folder),
            "policy": str(self._council.folder / "policy"),
            "tls": {"ca": str(tls.ca), "certificate": str(tls.certificate), "private_key": str(tls.private_key)},
            "listen": {"address": "127.0.0.1", "port": self.port},
            "peers": [other.url for other in self._council.hosts if other is not self],
            "metrics": {"port": self._metrics},
        }
        if signs:
            settings["signing_keys"] = str(self._council.folder / "keys")
        (self.folder / "log.yaml").write_text(yaml.safe_dump(settings))

    def alone(self, policy: Path) -> None:
        """Have no peers, no certificates and this policy."""
        settings = yaml.safe_load((self.folder / "log.yaml").read_text())
        for key in ("tls", "listen", "peers"):
            del settings[key]
        (self.folder / "log.yaml").write_text(yaml.safe_dump({**settings, "policy": str(policy)}))

    def change(self, **settings: object) -> None:
        """Have these settings besides."""
        file = self.folder / "log.yaml"
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **settings}))

    def start(self) -> None:
        self.process = _start(PROGRAM, self.folder / "log.yaml", self.journal)

    def stop(self, *, kill: bool = False) -> None:
        if self.process is not None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait()
            self.process = None

    def covered(self) -> int:
        """Up to where this host's checkpoint goes."""
        log = StreamLog(self.folder, STREAM, self._council.policy)
        log.open()
        return log.covered

    def metric(self, name: str, stream: str = STREAM.name) -> float | None:
        """None while it doesn't answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        line = next(line for line in text.splitlines() if line.startswith(f'h323_witness_{name}{{stream="{stream}"}}'))
        return float(line.rpartition(" ")[2])


class Council:
    """All of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tls = make_certificates(folder / "pki")
        self.keys = Keys()
        (folder / "keys").write_text(self.keys.text)
        port, *ports = free_ports(7)
        text = self.keys.policy_text(f"https://127.0.0.1:{port}")
        (folder / "policy").write_text(text)
        self.policy = self.keys.policy(f"https://127.0.0.1:{port}")
        self.cosigner = LittleCosigner(self.keys.cosigner, self.policy, port=port)
        self.hosts: list[Host] = []
        for number, name in enumerate(("gk1", "gk2", "wit1")):
            self.hosts.append(Host(self, name, ports[2 * number], ports[2 * number + 1]))
        for host in self.hosts:
            host.configure(signs=host.name != "wit1")


@contextlib.asynccontextmanager
async def real_cosigner(made: Council) -> AsyncIterator[Path]:
    """The council's cosigner as a process, at the address that the policy has; its folder."""
    folder = made.folder / "cosigner"
    folder.mkdir()
    (folder / "key").write_text(made.keys.cosigner.skey + "\n")
    files = {name: str(path) for name, path in asdict(made.tls).items()}
    settings = {
        "key": str(folder / "key"),
        "state": str(folder),
        "logs": [signer.verifier.vkey for signer in made.keys.signers.values()],
        "listen": {"address": "127.0.0.1", "port": made.cosigner.port},
        "tls": files,
        "metrics": {"port": free_ports(1)[0]},
    }
    (folder / "cosigner.yaml").write_text(yaml.safe_dump(settings))
    process = _start(PROGRAM.with_name("h323-witness-cosigner"), folder / "cosigner.yaml", folder / "journal")
    try:
        await until(lambda: "serving" in (folder / "journal").read_text(), "the cosigner serves")
        yield folder
    finally:
        process.terminate()
        process.wait()


@contextlib.asynccontextmanager
async def council(folder: Path) -> AsyncIterator[Council]:
    made = Council(folder)
    await made.cosigner.open(server_tls(made.tls))
    try:
        yield made
    finally:
        for host in made.hosts:
            host.stop()
        await made.cosigner.close()
