"""`h323-witness keygen`, `vkey` and `policy`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from witness.cli import main
from witness.note import Algorithm, parse_skeys, parse_vkey

ORIGINS = ("council.example/h323_ras", "council.example/gateway", "council.example/failover")


def test_keys_are_made_for_the_owner_alone_and_their_public_halves_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log-keys"
    assert main(["keygen", "--out", str(file), *ORIGINS]) == 0
    printed = capsys.readouterr().out
    verifiers = [parse_vkey(line) for line in printed.splitlines()]
    assert [each.name for each in verifiers] == list(ORIGINS)
    assert {each.algorithm for each in verifiers} == {Algorithm.ED25519}
    assert len({each.public_key for each in verifiers}) == len(ORIGINS)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [key.verifier for key in parse_skeys(file.read_text()).values()] == verifiers
    assert main(["vkey", str(file)]) == 0
    assert capsys.readouterr().out == printed
    assert "PRIVATE" not in printed


def test_a_cosigners_key_is_of_the_cosigners_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keygen", "--cosigner", "--out", str(tmp_path / "key"), "council.example/wit1"]) == 0
    assert parse_vkey(capsys.readouterr().out.strip()).algorithm is Algorithm.COSIGNATURE


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "log-keys"
    file.write_text("precious\n")
    assert main(["keygen", "--out", str(file), *ORIGINS]) == 2
    assert file.read_text() == "precious\n"
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("names", [("two words",), ("a+b",), (ORIGINS[0], ORIGINS[0])])
def test_names_that_no_key_can_have_leave_no_file(
    tmp_path: Path, names: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log-keys"
    assert main(["keygen", "--out", str(file), *names]) == 2
    assert not file.exists()
    assert capsys.readouterr().err.startswith("h323-witness: ")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"PRIVATE+KEY+secret\n", None])
def test_what_is_no_file_of_keys_costs_one_sentence_that_shows_none_of_it(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log-keys"
    if content is not None:
        file.write_bytes(content)
    assert main(["vkey", str(file)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert "secret" not in told.err


def test_a_policy_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keygen", "--out", str(tmp_path / "log-keys"), *ORIGINS])
    logs = capsys.readouterr().out.splitlines()
    main(["keygen", "--cosigner", "--out", str(tmp_path / "key"), "council.example/wit1"])
    cosigner = capsys.readouterr().out.strip()
    policy = tmp_path / "policy"
    lines = [*(f"log {log}" for log in logs), f"witness wit1 {cosigner} https://192.0.2.13:9724", "quorum wit1"]
    policy.write_text("\n".join(lines) + "\n")
    assert main(["policy", str(policy)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [*(f"log {origin}" for origin in ORIGINS), "cosigner wit1 at https://192.0.2.13:9724", "quorum wit1"]
    policy.write_text("\n".join(lines[:-1]) + "\nquorum nobody\n")
    assert main(["policy", str(policy)]) == 2
    assert "nobody" in capsys.readouterr().err
    assert main(["policy", str(tmp_path / "nowhere")]) == 2
