"""The command: bad input costs one sentence, never a traceback, and exit codes can be relied on."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .guardian import HOST
from .running import COMMAND, DEADLINE, Node, free_port, serving, stop, until, write_registry

Result = subprocess.CompletedProcess[str]


def run(*arguments: str | Path, folder: Path | None = None) -> Result:
    command = [COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, cwd=folder, check=False)


def complained(result: Result, code: int, *words: str) -> bool:
    """Whether it ended with this code and one line that has these words."""
    said = result.stderr.strip()
    return result.returncode == code and "\n" not in said and all(word in said for word in words)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@contextlib.contextmanager
def taken(kind: socket.SocketKind) -> Iterator[int]:
    with socket.socket(type=kind) as one:
        one.bind((HOST, 0))
        if kind is socket.SOCK_STREAM:
            one.listen()
        yield one.getsockname()[1]


@pytest.mark.parametrize(("kind", "transport"), [(socket.SOCK_DGRAM, "udp"), (socket.SOCK_STREAM, "tcp")])
def test_a_port_that_is_taken(node: Node, kind: socket.SocketKind, transport: str) -> None:
    with taken(kind) as port:
        node.port = port
        node.write()
        result = run("serve", "--config", node.config)
    assert complained(result, 2, f"{transport} {HOST} port {port}: Address already in use; find who has it with"), (
        result
    )


def test_a_metrics_port_that_is_taken(node: Node) -> None:
    with taken(socket.SOCK_STREAM) as port:
        node.settings = {"metrics": {"port": port}}
        node.write()
        result = run("serve", "--config", node.config)
    assert complained(result, 2, f"metrics {HOST} port {port}:", "write another metrics.port"), result


def test_a_missing_key(node: Node) -> None:
    (node.folder / "gatekeeper-key.pem").unlink()
    result = run("serve", "--config", node.config)
    assert complained(result, 2, "gatekeeper-key.pem is missing; make one with 'openssl genpkey"), result


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_is_none(node: Node, text: str) -> None:
    (node.folder / "gatekeeper-key.pem").write_text(text)
    assert complained(run("serve", "--config", node.config), 2, "is no PEM private key without a passphrase")


def test_a_missing_registry(node: Node) -> None:
    node.registry.unlink()
    result = run("serve", "--config", node.config)
    assert complained(result, 2, "guardian-registry.yaml: cannot be read (No such file"), result


def test_no_configuration_at_all(tmp_path: Path) -> None:
    result = run("serve", "--config", tmp_path / "none.yaml")
    assert complained(result, 2, "none.yaml: cannot be read", "give the path of gatekeeper.yaml"), result


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--address", "gk1.example"], "--address: 'gk1.example' is no IP address; write e.g. 127.0.0.1"),
        (["--port", "70000"], "--address: 70000 is no port; write 1719"),
        (["--metrics-port", "-1"], "--metrics-port -1 is no port; write 9719"),
        (["--mcu", "a=192.0.2.1:1720", "--mcu", "a=192.0.2.2:1720"], "--mcu has two of the same name; give each"),
        (["--mcu", "mcu1"], "--mcu 'mcu1' is not NAME=HOST:PORT; write e.g. mcu1=192.0.2.21:1720"),
        (["--mcu", "mcu1=there:1720"], "--mcu mcu1: 'there' is no IP address"),
        (["--mcu", "mcu1=192.0.2.21:99999999"], "--mcu mcu1: 999999 is no port"),
        (["--state", "/dev/null/state"], "--state /dev/null/state: Not a directory; name a folder that can be written"),
    ],
)
def test_options_that_cannot_be_used(node: Node, arguments: list[str], sentence: str) -> None:
    result = run("serve", "--registry", node.registry, *arguments, folder=node.folder)
    assert complained(result, 2, sentence), result


def test_it_is_tried_with_nothing_but_a_registry(tmp_path: Path) -> None:
    write_registry(tmp_path / "registry.yaml", alice="active")
    port = free_port()
    command = [COMMAND, "serve", "--registry", "registry.yaml", "--port", str(port), "--metrics-port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            until(lambda: run("health", folder=tmp_path).returncode == 0, "it is healthy")
            until(lambda: run("health", "--active", folder=tmp_path).returncode == 0, "it is in office")
            told = dict(line.split("  ", 1) for line in run("status", folder=tmp_path).stdout.splitlines())
            told = {name: value.strip() for name, value in told.items()}
            assert (told["store"], told["active"], told["trouble"]) == ("sqlite", "yes", "none")
            assert told["witness records"].startswith("h323_ras 2, gateway 0, failover ")
            state = tmp_path / "h323-gatekeeper-state"
            assert stat.S_IMODE((state / "gatekeeper-key.pem").stat().st_mode) == 0o600
            assert "BEGIN PUBLIC KEY" in (state / "gatekeeper-key.pub.pem").read_text()
            second = run("serve", "--registry", "registry.yaml", "--port", "0", "--metrics-port", "0", folder=tmp_path)
            assert complained(second, 2, "in use by another gatekeeper; stop it, or"), second
            assert stop(process) == 0
        finally:
            process.kill()


def test_status_and_health_are_for_people_and_machines(node: Node) -> None:
    where = ("--socket", node.control_socket)
    with serving(node):
        assert run("health", *where).stdout == "this gatekeeper is healthy\n"
        assert json.loads(run("health", "--json", *where).stdout) == {"healthy": True, "active": True, "trouble": None}
        status = json.loads(run("status", "--json", *where).stdout)
        assert (status["node"], status["role"], status["active"]) == ("gk1", "primary", True)
        assert set(status["witness_records"]) == {"h323_ras", "gateway", "failover"}
    assert complained(run("health", *where), 1, "control.sock: Connection refused; is the gatekeeper running?")
    assert complained(run("status", *where), 2, "control.sock: Connection refused; is the gatekeeper running?")


def test_validate_tells_good_from_bad(node: Node) -> None:
    good = run("validate", node.config)
    assert (good.returncode, good.stdout) == (0, f"{node.config} is good: node gk1, role primary, store sqlite\n")
    assert json.loads(run("validate", "--json", node.registry).stdout)["guardians"] == 3
    node.registry.write_text("version: 1\nguardians:\n  - terminal_id: alice\n")
    bad = run("validate", node.registry)
    assert bad.returncode == 1
    assert f"{node.registry}:3: terminal_id is 'alice'; write terminal_id: if://guardian/NAME" in bad.stderr
    told = json.loads(run("validate", "--json", node.registry).stdout)
    assert told["ok"] is False
    assert len(told["problems"]) > 1
    node.settings = {"role": "boss"}
    node.write()
    assert complained(run("validate", node.config), 1, "role is 'boss'; write role: primary | secondary")
    assert run("validate", node.folder / "none.yaml").returncode == 1


def test_validate_checks_passwords_alone_and_with_the_registry(node: Node) -> None:
    write_registry(node.registry, alice="active")
    node.registry.write_text(node.registry.read_text().replace("version: 1\n", ROOM + "version: 1\n"))
    passwords = node.folder / "passwords.yaml"
    passwords.write_text("if://guardian/room: four words nobody guesses\n")
    passwords.chmod(0o644)
    assert complained(run("validate", "--passwords", passwords), 1, "open to others (mode 0644); close it with: chmod")
    passwords.chmod(0o640)
    alone = run("validate", "--passwords", passwords)
    assert (alone.returncode, alone.stdout) == (0, f"{passwords} is good: passwords 1\n")
    both = run("validate", "--json", node.registry, "--passwords", passwords)
    told = json.loads(both.stdout)
    assert (told["signed"], told["password"], told["none"]) == (1, 1, 0)
    assert complained(run("validate", node.registry), 1, "if://guardian/room has authentication: password and no")
    assert complained(
        run("serve", "--config", node.config), 2, "if://guardian/room has authentication: password and no"
    )
    passwords.write_text("if://guardian/hall: four words nobody guesses\n")
    assert run("validate", node.registry, "--passwords", passwords).returncode == 1
    assert complained(run("validate"), 1, "nothing to check; name a registry")


def test_validate_checks_passwords_beside_a_configuration(node: Node) -> None:
    passwords = node.folder / "passwords.yaml"
    passwords.write_text("if://guardian/room: four words nobody guesses\n")
    passwords.chmod(0o640)
    assert json.loads(run("validate", "--json", node.config, "--passwords", passwords).stdout)["passwords"] == 1
    passwords.write_text("if://guardian/room: short\n")
    assert complained(run("validate", node.config, "--passwords", passwords), 1, "has not 12 to 128 characters")


def test_a_file_that_cannot_be_read_is_named() -> None:
    # A file that is there and that nobody can read from its beginning, not even root.
    assert complained(run("validate", "/proc/self/mem"), 1, "/proc/self/mem: cannot be read (Input/output error)")


ROOM = """\
- terminal_id: if://guardian/room
  aliases: [room]
  role: guardian
  status: active
  registered_at: "2026-01-01T00:00:00Z"
  authentication: password
  networks: [127.0.0.0/8]
"""


@pytest.mark.parametrize("command", [[], ["serve"], ["validate"], ["status"], ["health"]])
def test_help_says_what_there_is(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith("usage: h323-gatekeeper")


def test_a_reader_who_has_gone_is_no_error(node: Node) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        result = subprocess.run(
            [COMMAND, "validate", str(node.folder / "guardian-registry.yaml")],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    assert (result.returncode, result.stderr) == (130, "")
