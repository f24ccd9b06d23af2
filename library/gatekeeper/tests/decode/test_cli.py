"""The command itself: exit codes, options that can't be used, pipes."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .captures import capture
from .conftest import COMMAND, Decode, Files, run_command
from .council import IDENTIFIER, evening, private_key


def test_help_has_examples(decode: Decode) -> None:
    result = decode("--help")
    said = result.out
    assert result.code == 0
    assert "tcpdump -i any -s 0 -w /tmp/ras.pcap 'udp port 1719'" in said
    assert "exit code: 0" in said
    assert max(map(len, said.splitlines())) <= 120


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--only", "ARX"], "write names such as ARQ,ACF"),
        (["--call", "xyz"], "write the first hexadecimal digits"),
        (["--port", "0"], "'0' is no port; write 1 to 65535"),
        (["--signature-window", "-1"], "is no number of seconds; write 1 to 300"),
    ],
)
def test_options_that_cannot_be_used(decode: Decode, options: list[str], problem: str) -> None:
    result = decode("00", "=".join(options))
    assert result.code == 2
    assert problem in result.err


def test_keys_that_cannot_be_used(decode: Decode, files: Files) -> None:
    bad = files.folder / "bad.pem"
    bad.write_text("hello")
    assert decode("00", "--gatekeeper-key", str(bad)).code == 2
    assert "is no PEM public key; make one with 'openssl pkey" in decode("00", "--gatekeeper-key", str(bad)).err
    assert "No such file" in decode("00", "--gatekeeper-key", str(files.folder / "none")).err
    registry = decode("00", "--registry", str(bad))
    assert registry.code == 2
    assert "the registry is not a mapping" in registry.err


def test_the_configuration_of_the_hosts_gatekeeper_has_it_all(decode: Decode, files: Files) -> None:
    private = files.folder / "gatekeeper-key.pem"
    key = Ed25519PrivateKey.from_private_bytes(private_key(IDENTIFIER).private_bytes_raw())
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    config = files.folder / "gatekeeper.yaml"
    settings = {
        "node": "gk1",
        "role": "primary",
        "gatekeeper_identifier": IDENTIFIER,
        "ras": {"address": "192.0.2.10", "port": 21_719},
        "registry": str(files.registry),
        "signing_key": str(private),
        "log_directory": str(files.folder),
        "control_socket": str(files.folder / "control.sock"),
        "store": {"kind": "sqlite", "path": str(files.folder / "state.sqlite")},
    }
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    path = files.capture(capture(evening()))
    assert decode(path, "--config", str(config)).out == decode(path, *files.options).out
    elsewhere = [replace(one, destination=("192.0.2.10", 21_719)) for one in evening()[2:3]]
    moved = files.capture(capture([replace(one, source=("192.0.2.101", 4_000)) for one in elsewhere]))
    assert "1 RAS messages" in decode(moved, "--config", str(config)).out
    both = decode(path, "--config", str(config), *files.options)
    assert both.err == "--config FILE says all of that; leave out the other options about signatures\n"
    private.unlink()
    missing = decode(path, "--config", str(config))
    assert (missing.code, missing.out) == (2, "")
    assert "No such file or directory; run this as root, or without --config" in missing.err
    assert decode(path, "--config", str(files.folder / "none.yaml")).code == 2


def test_a_pipe_of_a_capture(files: Files) -> None:
    result = run_command("-", *files.options, "--only", "RRQ,RCF", "--terminal", "alice", stdin=capture(evening()))
    assert result.returncode == 0
    assert result.stdout.startswith(b"RRQ 2  #3")
    assert b"\x1b" not in result.stdout


def test_digits_on_the_command_line(decode: Decode) -> None:
    octets = evening()[2].octets
    spaced = ":".join(f"{octet:02X}" for octet in octets)
    assert decode(octets.hex()).out == decode(f"0x{octets.hex()}").out == decode(spaced).out
    assert decode(octets.hex()).out.startswith("RRQ 2  #1  287 octets\n")


def test_lines_that_are_no_digits(decode: Decode) -> None:
    octets = evening()[2].octets.hex()
    result = decode(stdin=f"# a comment\n\n{octets}\nzz\nabc\n".encode())
    assert result.code == 1
    assert result.err == "line 4: 'z' is not a hexadecimal digit\nline 5: 3 digits: half an octet is missing\n"
    assert result.out.startswith("RRQ 2  #3")


def test_whoever_watches_live_and_ends_it_gets_the_summary() -> None:
    with subprocess.Popen(
        # A shell's background job ignores SIGINT, and so would all that it starts.
        ["env", "--default-signal=INT", COMMAND, "-", "--brief"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # More than the output's buffer holds, so that it is known to have begun.
        process.stdin.write(capture(evening() * 10))
        process.stdin.flush()
        begun = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        assert b"GRQ" in begun
        assert b"RAS messages: " in said
        assert (process.wait(60), process.stderr.read()) == (1, b"")


def test_somebody_who_reads_no_further(files: Files) -> None:
    path = files.capture(capture(evening() * 200))
    with subprocess.Popen([COMMAND, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(3) == b"GRQ"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 130
