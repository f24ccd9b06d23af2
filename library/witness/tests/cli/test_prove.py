"""`h323-witness prove`: proofs that are made, and those that are checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness.errors import WitnessError
from witness.tlog_proof import parse_tlog_proof

from library.witness.tests.made_log import policy, policy_text

from .council import Council


@pytest.fixture
def council(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Council:
    council = Council(tmp_path, capsys)
    council.ras.add(700).publish()
    return council


@pytest.mark.parametrize("index", [0, 11, 255, 256, 600, 711])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_proof_is_made_and_checked_without_the_log(
    council: Council, tmp_path: Path, index: int, form: list[str]
) -> None:
    assert council.run("prove", council.directory, index, *form) == 0
    proof = tmp_path / "proof"
    proof.write_text(council.out)
    assert council.run("prove", "--check", proof, "--policy", council.policy) == 0
    said, record = council.out.splitlines()
    assert said == f"proved: record {index} of council.example/h323_ras, in the tree of 712, cosigned by wit1"
    assert record.encode() == council.ras.records[index]
    assert council.run("prove", "--check", proof, "--policy", council.policy, "--json") == 0
    assert json.loads(council.out)["proved"] is True


def test_the_text_is_c2sps(council: Council) -> None:
    assert council.run("prove", council.directory, 5, "--policy", council.policy) == 0
    lines = council.out.splitlines()
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 5"
    head, checkpoint = council.out.split("\n\n", 1)
    assert len(head.splitlines()) == 3 + 10
    assert checkpoint.encode() == (council.ras.folder / "checkpoint").read_bytes()
    parsed = parse_tlog_proof(council.out.encode())
    assert parsed.encode() == council.out.encode()


def test_every_changed_octet_of_a_proof_shows(council: Council) -> None:
    assert council.run("prove", council.directory, 5) == 0
    octets = council.out.encode()
    for at, octet in enumerate(octets):
        changed = octets[:at] + bytes([octet ^ 1 << at % 7]) + octets[at + 1 :]
        try:
            fulfilled = parse_tlog_proof(changed).check(policy()).fulfilled
        except WitnessError:
            continue
        assert not fulfilled, at


def test_a_proof_without_a_quorum(council: Council, tmp_path: Path) -> None:
    assert council.run("prove", council.directory, 5) == 0
    proof = tmp_path / "proof"
    proof.write_text(council.out)
    council.policy.write_text(policy_text("both"))
    assert council.run("prove", "--check", proof, "--policy", council.policy) == 3


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"index": 1.5}', "c2sp.org/tlog-proof@v1\nindex 5\n\n"])
def test_what_proves_nothing(council: Council, tmp_path: Path, text: str) -> None:
    proof = tmp_path / "proof"
    proof.write_text(text)
    assert council.run("prove", "--check", proof, "--policy", council.policy) == 1
    assert "proves nothing" in council.err


def test_the_log_is_older_than_the_record(council: Council) -> None:
    council.ras.add(1)
    assert council.run("prove", council.directory, 712) == 64
    assert "covers the records 0 to 711" in council.err


def test_a_changed_record_cannot_be_proved(council: Council) -> None:
    council.ras.replace(council.ras.records[300], council.ras.records[300].replace(b"gk1", b"gk2"))
    assert council.run("prove", council.directory, 300) == 64
    assert council.run("prove", council.directory, 301) == 0


@pytest.mark.parametrize("arguments", [[], ["DIR"], ["--check", "proof"], ["DIR", "5", "--check", "proof"]])
def test_arguments(council: Council, arguments: list[str]) -> None:
    told = [str(council.directory) if each == "DIR" else each for each in arguments]
    assert council.run("prove", *told) == 64


@given(st.binary(max_size=300))
def test_any_octets_are_a_proof_or_none(octets: bytes) -> None:
    for text in (octets, b"c2sp.org/tlog-proof@v1\n" + octets):
        try:
            parse_tlog_proof(text)
        except WitnessError:
            continue
