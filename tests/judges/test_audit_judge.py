"""Go audits our log as it is served, over HTTPS, and reads the proofs that we give out."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from witness.checkpoint import Checkpoint
from witness.cli import main
from witness.note import add_signatures, cosign_note, sign_note
from witness.tree import MemoryTree

from library.witness.tests.log.scene import NOON, STREAM
from library.witness.tests.log.served import Ask, Served
from tests.judges.go_program import build_go_program


@pytest.fixture(scope="session")
def judge() -> Path:
    return build_go_program(Path(__file__).parent / "tree")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    log = made.log
    yield made
    if log is not None:
        log.close()


def vkeys(served: Served) -> list[str]:
    return [served.keys.signers[STREAM.name].verifier.vkey, served.keys.cosigner.verifier.vkey]


def signed(served: Served, records: list[bytes]) -> bytes:
    """A checkpoint by all the right keys."""
    signer = served.keys.signers[STREAM.name]
    text = Checkpoint(signer.verifier.name, len(records), MemoryTree.of_records(records).root()).text()
    return add_signatures(sign_note(text, signer), [cosign_note(text, served.keys.cosigner, int(NOON))]).encode()


def audited(judge: Path, served: Served, old: bytes, records: list[bytes] | None = None) -> tuple[Any, str]:
    """What Go finds: a report, or else what is wrong."""
    known = served.folder / "known-checkpoint"
    known.write_bytes(old)
    found: list[tuple[Any, str]] = []

    async def scenario(_: Ask) -> None:
        arguments = ["audit", f"{served.url}/{STREAM.name}", served.tls.ca.parent, *vkeys(served), known]
        process = await asyncio.create_subprocess_exec(
            judge,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        lines = served.lines if records is None else records
        output, errors = await process.communicate(b"".join(line + b"\n" for line in lines))
        assert process.returncode == (1 if errors else 0)
        found.append((json.loads(output or b"null"), errors.decode()))

    served.run(scenario)
    return found[0]


def test_an_auditor_finds_records_proofs_and_growth_right(judge: Path, served: Served) -> None:
    assert served.older is not None
    report, errors = audited(judge, served, served.older)
    assert errors == ""
    root = base64.b64encode(MemoryTree.of_records(served.lines).root()).decode()
    assert {name: report[name] for name in ("size", "root", "old", "inclusion", "consistency", "entries")} == {
        "size": 300,
        "root": root,
        "old": 120,
        "inclusion": 300,
        "consistency": 1,
        "entries": 300,
    }


def test_a_second_history_that_all_keys_have_signed_is_found(judge: Path, served: Served) -> None:
    forked = signed(served, [*served.lines[:100], b"{}", *served.lines[101:120]])
    assert "it has not grown from the tree of 120" in audited(judge, served, forked)[1]


def test_a_log_that_went_back_is_found(judge: Path, served: Served) -> None:
    assert "it had 301 records, and has 300" in audited(judge, served, signed(served, [*served.lines, b"{}"]))[1]


def test_a_changed_record_is_found(judge: Path, served: Served) -> None:
    changed = [*served.lines]
    changed[271] = changed[271].replace(b"ARQ", b"ACF")
    assert served.older is not None
    assert "record 271 is not what the tiles say" in audited(judge, served, served.older, changed)[1]


def test_a_changed_tile_is_found(judge: Path, served: Served) -> None:
    path = served.folder / STREAM.folder / "tile" / "0" / "000"
    octets = bytearray(path.read_bytes())
    octets[4_000] ^= 1
    path.write_bytes(octets)
    assert served.older is not None
    assert audited(judge, served, served.older)[1]


@pytest.mark.parametrize("index", [0, 119, 255, 256, 299])
def test_go_reads_our_proofs_of_records(
    judge: Path, served: Served, index: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", str(served.folder / STREAM.folder), str(index)]) == 0
    text = capsys.readouterr().out
    report, errors = proved(judge, served, text)
    assert errors == ""
    assert (report["index"], report["record"].encode(), report["size"]) == (index, served.lines[index], 300)
    for spoilt in (
        text.replace(f"index {index}\n", f"index {index ^ 1}\n"),
        text.replace(
            base64.b64encode(served.lines[index]).decode(), base64.b64encode(served.lines[index ^ 1]).decode()
        ),
        text.replace("\n300\n", "\n301\n"),
    ):
        assert spoilt != text
        assert proved(judge, served, spoilt)[1]


def proved(judge: Path, served: Served, text: str) -> tuple[Any, str]:
    file = served.folder / "proof"
    file.write_text(text)

    command = [judge, "prove", file, *vkeys(served)]
    judged = subprocess.run(command, capture_output=True, text=True)
    return json.loads(judged.stdout or "null"), judged.stderr
