"""The council's log on one machine, as real processes: three replicas, a cosigner, an archive, and an etcd."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml
from witness.day_files.streams import STREAMS
from witness.note import Algorithm, Cosigner, Signer, generate_skey, parse_skeys
from witness.service.settings import Tls

from library.gatekeeper.tests.store.etcd_cluster import HOST, EtcdCluster, etcd_cluster, free_ports

NODES = ("gk1", "gk2", "wit1")
SIGNING = ("gk1", "gk2")
PROGRAMS = Path(sys.executable).parent


@dataclass
class Process:
    """A service that is killed and started again."""

    name: str
    command: list[str]
    output: Path
    work: tuple[Path, str]
    """Where to see that it works: in this folder, files whose paths match this change."""
    process: subprocess.Popen[bytes] | None = None
    started_at: dict[Path, float] = field(default_factory=dict)

    def start(self) -> None:
        """Start it."""
        self.started_at = self._changes()
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(self.command, stdout=output, stderr=subprocess.STDOUT)

    def kill(self) -> None:
        """End it without a word."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def ended(self) -> int | None:
        """How it ended by itself; None while it runs."""
        return None if self.process is None else self.process.poll()

    @property
    def worked(self) -> bool:
        """Whether it has changed something since it was started."""
        return self._changes() != self.started_at

    def _changes(self) -> dict[Path, float]:
        found = {}
        folder, pattern = self.work
        for path in folder.glob(pattern):
            with contextlib.suppress(FileNotFoundError):
                found[path] = path.stat().st_mtime_ns
        return found


class Council:
    """All of it; `folder` has everything that they write."""

    def __init__(self, folder: Path, etcd: EtcdCluster) -> None:
        self.folder = folder
        self.etcd = etcd
        self.policy = folder / "policy"
        self._ports = dict(zip(("cosigner", *NODES), free_ports(1 + len(NODES)), strict=True))
        self._make_keys()
        for node in NODES:
            for stream in STREAMS.values():
                (self.directory(node) / stream.folder).mkdir(parents=True)
        self.processes = [self._cosigner()]
        for node in NODES:
            self.processes += [self._mirror(node), self._log(node)]
        self.archive = folder / "archive"
        self.shipper = self._shipper()

    def directory(self, node: str) -> Path:
        """A replica's folder."""
        return self.folder / node / "log"

    def _make_keys(self) -> None:
        skeys = [generate_skey(f"council.example/{name}", Algorithm.ED25519) for name in STREAMS]
        keys = parse_skeys("\n".join(skeys))
        cosigner = generate_skey("wit1.council.example", Algorithm.COSIGNATURE)
        key = parse_skeys(cosigner)["wit1.council.example"]
        assert isinstance(key, Cosigner)
        assert all(isinstance(each, Signer) for each in keys.values())
        logs = "".join(f"log {each.verifier.vkey}\n" for each in keys.values())
        url = f"https://{HOST}:{self._ports['cosigner']}"
        self.policy.write_text(
            f"{logs}witness wit1 {key.verifier.vkey} {url}\ngroup cosigners 1 wit1\nquorum cosigners\n"
        )
        self._secret("log-keys", "".join(f"{each}\n" for each in skeys))
        self._secret("cosigner-key", f"{cosigner}\n")
        self._vkeys = {name: keys[f"council.example/{name}"].verifier.vkey for name in STREAMS}

    def _secret(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _tls(self) -> dict[str, str]:
        tls: Tls = self.etcd.tls
        return {"ca": str(tls.ca), "certificate": str(tls.certificate), "private_key": str(tls.private_key)}

    def _peers(self, node: str) -> list[str]:
        return [f"https://{HOST}:{self._ports[other]}" for other in NODES if other != node]

    def _service(self, program: str, name: str, settings: dict[str, Any], work: tuple[Path, str]) -> Process:
        config = self.folder / f"{name}.yaml"
        config.write_text(yaml.safe_dump(settings))
        command = [str(PROGRAMS / program), "--config", str(config)]
        return Process(name, command, self.folder / f"{name}.output", work)

    def _mirror(self, node: str) -> Process:
        settings = {
            "node": node,
            "log_directory": str(self.directory(node)),
            "store": {"kind": "etcd", "endpoints": list(self.etcd.endpoints), "nodes": len(NODES), **self._tls()},
            "refetch": {"peers": self._peers(node), "policy": str(self.policy)},
            "metrics": {"address": HOST, "port": 0},
        }
        return self._service("h323-witness-mirror", f"mirror-{node}", settings, (self.directory(node), "*/*.jsonl"))

    def _log(self, node: str) -> Process:
        settings: dict[str, Any] = {
            "node": node,
            "directory": str(self.directory(node)),
            "policy": str(self.policy),
            "tls": self._tls(),
            "listen": {"address": HOST, "port": self._ports[node]},
            "peers": self._peers(node),
            "metrics": {"address": HOST, "port": 0},
        }
        if node in SIGNING:
            settings["signing_keys"] = str(self.folder / "log-keys")
        return self._service("h323-witness-log", f"log-{node}", settings, (self.directory(node), "*/checkpoint"))

    def _cosigner(self) -> Process:
        state = self.folder / "cosigner"
        state.mkdir()
        settings = {
            "key": str(self.folder / "cosigner-key"),
            "state": str(state),
            "logs": list(self._vkeys.values()),
            "listen": {"address": HOST, "port": self._ports["cosigner"]},
            "tls": self._tls(),
            "metrics": {"address": HOST, "port": 0},
        }
        return self._service("h323-witness-cosigner", "cosigner", settings, (state, "**/*"))

    def _shipper(self) -> Process:
        command = [str(PROGRAMS / "h323-witness"), "ship", str(self.directory("gk2")), str(self.archive)]
        command += ["--policy", str(self.policy)]
        return Process("shipper", command, self.folder / "shipper.output", (self.archive, "**/*"))

    def start(self) -> None:
        """Start all services."""
        for process in self.processes:
            process.start()

    def stop(self) -> None:
        """End all services by SIGTERM, as systemd does."""
        for process in self.processes:
            if process.process is not None:
                process.process.send_signal(signal.SIGTERM)
        for process in self.processes:
            if process.process is not None:
                process.process.wait()
        self.shipper.kill()

    def said(self) -> str:
        """The ends of what the processes have printed."""
        outputs = [each for each in (*self.processes, self.shipper) if each.output.exists()]
        return "\n".join(f"--- {each.name}\n{each.output.read_text(errors='replace')[-1500:]}" for each in outputs)


@contextlib.contextmanager
def council(folder: Path) -> Iterator[Council]:
    """The council and its etcd; nothing of them is left running."""
    (folder / "etcd").mkdir(parents=True)
    with etcd_cluster(folder / "etcd", members=1) as etcd:
        made = Council(folder, etcd)
        try:
            yield made
        finally:
            for process in (*made.processes, made.shipper):
                process.kill()


def line_of(stream: str, index: int, node: str, text: str) -> bytes:
    """A record as the gatekeepers write them, in short."""
    # Midnight comes after 500 of them.
    time = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(days=index // 500, seconds=index % 500)
    return json.dumps(
        {"index": index, "time": f"{time:%Y-%m-%dT%H:%M:%S.000Z}", "node": node, "stream": stream, "text": text}
    ).encode()
