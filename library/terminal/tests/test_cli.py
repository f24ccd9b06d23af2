"""Arguments and files that can't be used: one sentence that says what to write, exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from terminal.cli import main
from terminal.cli.running import gatekeeper_address
from terminal.core import Call
from terminal.enrolment import enrol
from terminal.errors import TerminalError
from terminal.keys import create_private_key, load_public_key, public_key_text, write_public_key
from terminal.latency import percentile_ms
from terminal.roster import read_roster
from terminal.state_file import State, default_state_file, load_state, save_state

from .test_enrolment import NOW


def test_keygen_prints_what_the_registry_wants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gatekeeper-key.pem"
    assert main(["keygen", "--out", str(path), "--public"]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed == public_key_text(load_public_key(tmp_path / "gatekeeper-key.pub.pem"))
    assert main(["keygen", "--out", str(path), "--public", "--json"]) == 0, "the public half of the key that is there"
    assert json.loads(capsys.readouterr().out) == {"ok": True, "changed": False, "public_key": printed}
    assert main(["keygen", "--out", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"guardian-terminal: {path} exists and is never overwritten; name another file\n"
    )


def test_enrol_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["enrol", "--keys", str(tmp_path / "keys"), "--registry", str(tmp_path / "r.yaml")]
    assert main([*arguments, "--guardians", "2", "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert fields == {
        "ok": True,
        "changed": True,
        "added": ["guardian-01", "guardian-02", "suspended-01"],
        "present": [],
    }
    assert main([*arguments, "--guardians", "2"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'r.yaml'}: 0 enrolled, 3 were there\n"


@pytest.mark.parametrize("command", ["keygen", "enrol", "discover", "admit", "disengage", "smoke", "watch", "probe"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "exit code: 0 good" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.10", ("192.0.2.10", 1719)),
        ("gk.example:1720", ("gk.example", 1720)),
        ("[2001:db8::1]:1720", ("2001:db8::1", 1720)),
        ("[2001:db8::1]", ("2001:db8::1", 1719)),
        ("2001:db8::1", ("2001:db8::1", 1719)),
    ],
)
def test_gatekeeper_addresses(text: str, address: tuple[str, int]) -> None:
    assert gatekeeper_address(text) == address


@pytest.mark.parametrize("text", ["", ":1719", "host:", "host:0", "host:65536", "host:ras", "[::1]1719"])
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(TerminalError, match=r"is not HOST\[:PORT\]; write for example"):
        gatekeeper_address(text)


@pytest.fixture
def council(tmp_path: Path) -> list[str]:
    enrol(3, 0, tmp_path / "keys", tmp_path / "r.yaml", NOW)
    write_public_key(tmp_path / "gk.pub.pem", create_private_key(tmp_path / "gk.pem").public_key())
    files = ["--registry", str(tmp_path / "r.yaml"), "--keys", str(tmp_path / "keys")]
    return [*files, "--gatekeeper-key", str(tmp_path / "gk.pub.pem"), "--gatekeeper", "gatekeeper.invalid"]


def problem(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1, "one sentence"
    return captured.err


def test_too_few_guardians(council: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "only 3 active guardians" in problem(capsys, ["smoke", *council])


def test_an_unknown_host(council: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    sentence = problem(capsys, ["smoke", *council, "--guardians", "3"])
    assert "gatekeeper.invalid port 1719 cannot be reached" in sentence


def test_a_missing_registry(council: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "r.yaml").unlink()
    assert "r.yaml cannot be read" in problem(capsys, ["watch", *council])


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--interval", "0"), "the interval must be 1 to 10000 ms"),
        (("--wait-ms", "0"), "the wait above 0 and at most 10000 ms"),
        (("--log", "decisions.jsonl"), "--log has nothing to write without --commit"),
        (("--commit", "--log", "/nowhere/decisions.jsonl"), "--log /nowhere/decisions.jsonl cannot be written"),
        (("--key", "/nowhere/key.pem"), "/nowhere/key.pem cannot be read"),
    ],
)
def test_arguments_of_probe(
    council: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], sentence: str
) -> None:
    who = ["--key", str(tmp_path / "keys" / "guardian-01.pem"), "--id", "if://guardian/guardian-01"]
    assert sentence in problem(capsys, ["probe", *council[4:], *who, *more])


def test_too_many_guardians_for_a_conference(council: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["smoke", *council, "--guardians", "26"])
    assert stopped.value.code == 2
    assert "invalid choice: 26" in capsys.readouterr().err


def single(council: list[str], tmp_path: Path, *more: str) -> list[str]:
    key = str(tmp_path / "keys" / "guardian-01.pem")
    state = str(tmp_path / "state.json")
    return ["admit", *council[4:], "--key", key, "--id", "if://guardian/guardian-01", "--state", state, *more]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--call", "12"), "--call 12 is not 32 hexadecimal digits"),
        (("--conference", "x" * 32), "is not 32 hexadecimal digits"),
        (("--bandwidth", "0"), "--bandwidth 0 is not a bandwidth"),
    ],
)
def test_arguments_of_admit(
    council: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], sentence: str
) -> None:
    assert sentence in problem(capsys, single(council, tmp_path, *more))


def test_what_has_no_encoding_is_said(council: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = single(council, tmp_path, "--to", "x" * 300, "--gatekeeper", "127.0.0.1:9")
    assert "cannot be asked in H.225.0" in problem(capsys, arguments)


def test_a_broken_state_file(council: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state.json").write_text("[]")
    assert "is not a state file" in problem(capsys, single(council, tmp_path))


def test_state_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = default_state_file("alice")
    assert path == tmp_path / "guardian-terminal" / "alice.json"
    assert load_state(path) == State()
    state = State("0123456789ABCDEF", (Call.of(bytes(16), bytes(range(16))),))
    save_state(path, state)
    assert load_state(path) == state


@pytest.mark.parametrize(
    "text", ["", "[]", "guardians: 1", "guardians: [1]", "guardians: [{terminal_id: x}]", "a: b: c"]
)
def test_what_is_no_registry_is_sent_to_the_strict_reader(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(TerminalError, match="check it with: h323-gatekeeper validate"):
        read_roster(path)


def test_percentiles() -> None:
    times = [n / 1000 for n in range(1, 101)]
    assert [percentile_ms(times, percent) for percent in (50, 95, 100)] == [50.0, 95.0, 100.0]
    assert percentile_ms([0.007], 50) == 7.0
    assert percentile_ms([], 95) == 0.0
