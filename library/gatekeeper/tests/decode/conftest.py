"""The council's keys as files, and the command."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from gatekeeper.decode.cli import main

from .council import IDENTIFIER, NAMES, private_key

COMMAND = str(Path(sys.executable).parent / "h323-decode")


def key_entry(name: str, **changes: object) -> dict[str, object]:
    public_key = base64.b64encode(private_key(name).public_key().public_bytes_raw()).decode()
    entry: dict[str, object] = {
        "epoch": 1,
        "public_key": public_key,
        "state": "active",
        "not_before": "2026-01-01T00:00:00Z",
    }
    return {**entry, **changes}


def write_registry(path: Path, keys: dict[str, list[dict[str, object]]]) -> Path:
    entries = [
        {
            "terminal_id": f"if://guardian/{name}",
            "aliases": [name],
            "role": "guardian",
            "status": "active",
            "registered_at": "2026-01-01T00:00:00Z",
            "keys": slots,
        }
        for name, slots in keys.items()
    ]
    path.write_text(yaml.safe_dump({"version": 1, "guardians": entries}), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Files:
    """Where the keys are."""

    folder: Path
    registry: Path
    gatekeeper_key: Path

    @property
    def options(self) -> list[str]:
        return ["--registry", str(self.registry), "--gatekeeper-key", str(self.gatekeeper_key)]

    def capture(self, octets: bytes) -> str:
        path = self.folder / "ras.pcap"
        path.write_bytes(octets)
        return str(path)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    registry = write_registry(tmp_path / "registry.yaml", {name: [key_entry(name)] for name in NAMES})
    gatekeeper_key = tmp_path / "gatekeeper-key.pub.pem"
    public = Ed25519PublicKey.from_public_bytes(private_key(IDENTIFIER).public_key().public_bytes_raw())
    gatekeeper_key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return Files(tmp_path, registry, gatekeeper_key)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def messages(self) -> list[dict[str, object]]:
        return [line for line in self.lines if line["event"] == "message"]

    @property
    def summary(self) -> dict[str, object]:
        return self.lines[-1]


Decode = Callable[..., Result]


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Decode:
    """Runs the command in this process; `stdin` are octets."""

    def run(*arguments: str, stdin: bytes | None = None) -> Result:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as ended:
            # argparse ends like this.
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return run


def run_command(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([COMMAND, *arguments], input=stdin, capture_output=True, timeout=60, check=False)
