"""`h323-witness replay` over day files, as an operator types it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from gatekeeper.registry import Registry, load_registry
from gatekeeper.registry_history import FOLDER, MOST_KEPT, keep_registry
from witness.cli import main

from library.gatekeeper.tests.core.zone import Terminal, private_key

from .replayed import OpenZone

ENTRY = """\
- terminal_id: if://guardian/{name}
  aliases: [{name}]
  role: guardian
  status: {status}
  registered_at: "2026-01-01T00:00:00Z"
  keys:
    - {{epoch: 1, public_key: "{key}", state: active, not_before: "2026-01-01T00:00:00Z"}}
"""


def write_registry(path: Path, **status: str) -> Registry:
    keys = {name: base64.b64encode(private_key(name).public_key().public_bytes_raw()).decode() for name in status}
    entries = "".join(ENTRY.format(name=name, status=word, key=keys[name]) for name, word in status.items())
    path.write_text(f"version: 1\nguardians:\n{entries}")
    return load_registry(path)


@pytest.fixture
def zone(tmp_path: Path) -> OpenZone:
    registry = write_registry(tmp_path / "registry.yaml", alice="active", bob="suspended")
    zone = OpenZone(*registry.guardians)
    alice, bob = Terminal(zone, "alice"), Terminal(zone, "bob", 102)
    alice.register()
    alice.ask(alice.admission())
    bob.ask(bob.registration())
    zone.fail_over()
    alice.ask(alice.disengagement())
    return zone


def write_log(zone: OpenZone, folder: Path) -> Path:
    (folder / "h323_witness").mkdir(parents=True)
    path = folder / "h323_witness" / "h323_ras_20270115.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in zone.store.lines["h323_ras"]))
    return path


def replay(*arguments: object) -> int:
    return main(["replay", *map(str, arguments)])


def test_a_log_and_its_registry(zone: OpenZone, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write_log(zone, tmp_path)
    given = ("--registry", tmp_path / "registry.yaml")
    assert replay(tmp_path, *given) == 0
    assert "12 records, 2 terms of office: 4 decisions made again" in capsys.readouterr().out
    assert replay(log.parent, *given, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["judged"], told["not_justified"], told["not_judged"], told["begun"]) == (4, [], [], True)


def test_a_forged_line_is_named(zone: OpenZone, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write_log(zone, tmp_path)
    log.write_text(
        log.read_text().replace('"bandwidth_bps": 64000, "destination"', '"bandwidth_bps": 1, "destination"')
    )
    assert replay(tmp_path, "--registry", tmp_path / "registry.yaml") == 1
    assert f"{log}:6: index 5, ACF" in capsys.readouterr().out


def test_the_registry_that_the_gatekeeper_kept(
    zone: OpenZone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = load_registry(tmp_path / "registry.yaml")
    write_log(zone, tmp_path)
    assert replay(tmp_path) == 4
    assert f"registry {registry.version} is not among those given" in capsys.readouterr().out
    keep_registry(registry, tmp_path)
    assert replay(tmp_path) == 0
    assert replay(tmp_path / "h323_witness") == 0
    # Another content under its name counts for nothing.
    kept = tmp_path / FOLDER / f"{registry.version}.yaml"
    kept.write_text(kept.read_text().replace("suspended", "active"))
    assert replay(tmp_path) == 4


def test_a_log_of_before(zone: OpenZone, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zone.store.lines["h323_ras"] = [
        line for line in zone.store.lines["h323_ras"] if b'"TERM"' not in line and b'"REGISTRY"' not in line
    ]
    for at, line in enumerate(zone.store.lines["h323_ras"]):
        zone.store.lines["h323_ras"][at] = json.dumps(json.loads(line) | {"index": at}).encode()
    write_log(zone, tmp_path)
    assert replay(tmp_path, "--registry", tmp_path / "registry.yaml") == 4
    assert "nothing can be judged" in capsys.readouterr().out


def test_arguments_that_lead_nowhere(zone: OpenZone, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(tmp_path / "nothing") == 64
    write_log(zone, tmp_path)
    assert replay(tmp_path, "--registry", tmp_path / "nothing.yaml") == 64
    assert replay(tmp_path, "--policy", tmp_path / "nothing") == 64
    assert "Traceback" not in capsys.readouterr().err


def test_registries_are_kept_once_each_and_not_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gatekeeper.registry_history.MOST_KEPT", 2)
    registries = [write_registry(tmp_path / "r.yaml", alice=word) for word in ("active", "suspended", "revoked")]
    for registry in (*registries, registries[2]):
        keep_registry(registry, tmp_path)
    kept = {path.stem for path in (tmp_path / FOLDER).iterdir()}
    assert len(kept) == 2
    assert registries[2].version in kept
    (tmp_path / "file").write_text("no folder")
    keep_registry(registries[0], tmp_path / "file")
    assert "isn't kept for auditors" in caplog.text
    assert MOST_KEPT == 1_000


def test_what_counts_for_a_version(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    registry = write_registry(path, alice="active", bob="active")
    path.write_text("# a comment\n" + path.read_text())
    assert load_registry(path).version == registry.version
    assert Registry(registry.guardians[::-1]).version == registry.version
    alice, bob = registry.guardians
    changed = [
        replace(alice, status="suspended"),
        replace(alice, bandwidth_quota_bps=1),
        replace(alice, aliases=("alice", "1001")),
        replace(alice, keys=()),
        replace(alice, keys=(replace(alice.keys[0], not_after=7.0),)),
        replace(alice, pre_granted_arq=("make_call",)),
    ]
    versions = {Registry((one, bob)).version for one in changed}
    assert len(versions - {registry.version}) == len(changed)
    assert Registry((replace(alice, password_key=b"secret"), bob)).version == registry.version
