"""The command itself: exit codes, options that can't be used, pipes."""

from __future__ import annotations

import subprocess

import pytest

from .captures import capture
from .conftest import COMMAND, Decode, Files, run_command
from .council import evening


def test_help_has_examples() -> None:
    result = run_command("--help")
    said = result.stdout.decode()
    assert result.returncode == 0
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
def test_options_that_cannot_be_used(options: list[str], problem: str) -> None:
    result = run_command("00", *(f"{a}={b}" for a, b in [options]))
    assert result.returncode == 2
    assert problem in result.stderr.decode()


def test_keys_that_cannot_be_used(decode: Decode, files: Files) -> None:
    bad = files.folder / "bad.pem"
    bad.write_text("hello")
    assert decode("00", "--gatekeeper-key", str(bad)).code == 2
    assert "is no PEM public key; make one with 'openssl pkey" in decode("00", "--gatekeeper-key", str(bad)).err
    assert "No such file" in decode("00", "--gatekeeper-key", str(files.folder / "none")).err
    registry = decode("00", "--registry", str(bad))
    assert registry.code == 2
    assert "the registry is not a mapping" in registry.err


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


def test_somebody_who_reads_no_further(files: Files) -> None:
    path = files.capture(capture(evening() * 200))
    with subprocess.Popen([COMMAND, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(3) == b"GRQ"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 130
