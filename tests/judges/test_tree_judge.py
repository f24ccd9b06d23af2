"""Go's golang.org/x/mod/sumdb and transparency-dev/merkle judge our logs, and we judge theirs."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from witness.checkpoint import Checkpoint
from witness.note import (
    Cosigner,
    NoteError,
    Signer,
    add_signatures,
    cosign_note,
    open_note,
    parse_skeys,
    parse_vkey,
    sign_note,
)
from witness.policy import judge_checkpoint, parse_policy
from witness.tiles import TileReader, TileWriter, folder_source
from witness.tree import (
    MemoryTree,
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    verify_consistency,
    verify_inclusion,
)

from tests.judges.go_program import build_go_program

ORIGIN = "council.example/h323_ras"
LOG = Signer(ORIGIN, bytes(range(32)))
WIT1 = Cosigner("wit1.council.example", bytes(range(1, 33)))
NOW = 1_795_000_000
SIZES = [0, 1, 2, 3, 7, 8, 255, 256, 257, 700, 65_536, 66_000]


@pytest.fixture(scope="session")
def judge() -> Path:
    return build_go_program(Path(__file__).parent / "tree")


def text_of(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def records_of(size: int) -> list[bytes]:
    return [json.dumps({"index": n, "text": f"record {n} — ours"}, ensure_ascii=False).encode() for n in range(size)]


class OurLog:
    """A log's folder as we write it, with a checkpoint at each of the sizes, the last of which stays."""

    def __init__(self, folder: Path, sizes: list[int]) -> None:
        self.folder = folder
        self.records = records_of(sizes[-1])
        writer = TileWriter(folder)
        for size in sizes:
            writer.append(leaf_hashes(self.records[writer.size : size]))
            writer.publish()
        self.size = writer.size
        self.reader = TileReader(self.size, folder_source(folder))
        self.checkpoint = Checkpoint(ORIGIN, self.size, writer.frontier.root())
        text = self.checkpoint.text()
        note = add_signatures(sign_note(text, LOG), [cosign_note(text, WIT1, NOW)])
        (folder / "checkpoint").write_bytes(note.encode())

    def proofs(self, sizes: list[int]) -> dict[str, list[dict[str, Any]]]:
        """Some of each, made from the tiles."""
        roots = {size: text_of(MemoryTree(leaf_hashes(self.records[:size])).root()) for size in sizes}
        read = self.reader.hash_at
        return {
            "Inclusion": [
                {
                    "Index": index,
                    "Size": size,
                    "Root": roots[size],
                    "Proof": [text_of(each) for each in inclusion_proof(index, size, read)],
                }
                for size in sizes
                for index in {0, size // 3, size - 1}
            ],
            "Consistency": [
                {
                    "Old": old,
                    "New": new,
                    "OldRoot": roots[old],
                    "NewRoot": roots[new],
                    "Proof": [text_of(each) for each in consistency_proof(old, new, read)],
                }
                for old in sizes
                for new in sizes
                if old <= new
            ],
        }


def judged(judge: Path, log: OurLog, proofs: dict[str, list[dict[str, Any]]]) -> subprocess.CompletedProcess[bytes]:
    file = log.folder / "proofs.json"
    file.write_text(json.dumps(proofs))
    command = [judge, "check", log.folder, LOG.verifier.vkey, WIT1.verifier.vkey, file]
    return subprocess.run(command, input=b"".join(record + b"\n" for record in log.records), capture_output=True)


@pytest.mark.parametrize("size", SIZES)
def test_go_finds_our_log_right(judge: Path, tmp_path: Path, size: int) -> None:
    log = OurLog(tmp_path, [each for each in SIZES if each <= size])
    proofs = log.proofs(sorted({each for each in (1, 2, 6, 256, 300, 65_537, size) if 0 < each <= size}))
    verdict = judged(judge, log, proofs)
    assert verdict.stderr == b""
    assert json.loads(verdict.stdout) == {
        "origin": ORIGIN,
        "size": size,
        "root": text_of(log.checkpoint.root),
        "signers": [ORIGIN, WIT1.verifier.name],
        "timestamps": {WIT1.verifier.name: NOW},
        "inclusion": len(proofs["Inclusion"]),
        "consistency": len(proofs["Consistency"]),
    }


def spoil(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_the_judge_is_one(judge: Path, tmp_path: Path, path: str) -> None:
    log = OurLog(tmp_path, [300])
    assert judged(judge, log, log.proofs([300])).returncode == 0
    spoil(tmp_path / path)
    assert judged(judge, log, {}).returncode == 1


def test_the_judge_reads_records_and_proofs(judge: Path, tmp_path: Path) -> None:
    log = OurLog(tmp_path, [300])
    for kind in ("Inclusion", "Consistency"):
        proofs = log.proofs([200, 300])
        proofs[kind][1]["Proof"][0] = text_of(bytes(32))
        assert judged(judge, log, proofs).returncode == 1
    log.records[17] += b" "
    assert b"record 17 is not" in judged(judge, log, {}).stderr


@pytest.fixture(scope="session")
def go_log(judge: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A log that Go made: its folder, and what Go says of it."""
    folder = tmp_path_factory.mktemp("go_log")
    sizes = [str(size) for size in SIZES if size]
    made = subprocess.run([judge, "make", folder, ORIGIN, *sizes], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder, json.loads(made.stdout)


def test_we_find_go_s_log_right(go_log: tuple[Path, dict[str, Any]]) -> None:
    folder, said = go_log
    policy = parse_policy(f"log {said['vkey']}\nquorum none\n".encode())
    leaves = leaf_hashes(record.encode() for record in said["records"])
    tree = MemoryTree(leaves)
    for size in filter(None, SIZES):
        judged_one = judge_checkpoint((folder / f"checkpoint.{size}").read_bytes(), policy, ORIGIN)
        assert judged_one.checkpoint == Checkpoint(ORIGIN, size, base64.b64decode(said["roots"][str(size)]))
        assert TileReader(size, folder_source(folder)).root() == tree.root(size) == judged_one.checkpoint.root
    # A writer that begins anew over the tiles that Go wrote finds nothing to mend.
    writer = TileWriter(folder, checked=len(leaves))
    writer.append(leaves)
    writer.publish()


def test_we_find_go_s_proofs_right(go_log: tuple[Path, dict[str, Any]]) -> None:
    _, said = go_log
    roots = {int(size): base64.b64decode(root) for size, root in said["roots"].items()}
    assert len(said["inclusion"]) > 30
    assert len(said["consistency"]) == len(SIZES) - 2
    for each in said["inclusion"]:
        leaf = leaf_hash(said["records"][each["First"]].encode())
        proof = [base64.b64decode(text) for text in each["Proof"] or []]
        verify_inclusion(leaf, each["First"], each["Size"], roots[each["Size"]], proof)
        with pytest.raises(ProofError):
            verify_inclusion(leaf_hash(b""), each["First"], each["Size"], roots[each["Size"]], proof)
    for each in said["consistency"]:
        proof = [base64.b64decode(text) for text in each["Proof"]]
        verify_consistency(each["First"], roots[each["First"]], each["Size"], roots[each["Size"]], proof)


def test_we_read_go_s_keys(go_log: tuple[Path, dict[str, Any]]) -> None:
    folder, said = go_log
    signer = parse_skeys(said["skey"])[ORIGIN]
    assert isinstance(signer, Signer)
    assert signer.skey == said["skey"]
    assert parse_vkey(said["vkey"]) == signer.verifier
    note = (folder / "checkpoint.7").read_bytes()
    # Ed25519 is deterministic: ours is the same note, octet for octet.
    assert sign_note(open_note(note, [signer.verifier]).text, signer).encode() == note
    with pytest.raises(NoteError):
        open_note(note.replace(b"\n7\n", b"\n8\n"), [signer.verifier])
