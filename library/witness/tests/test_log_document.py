"""The worked example of docs/witness-log.md, made anew from the page itself."""

from __future__ import annotations

import re
from pathlib import Path

from witness.checkpoint import Checkpoint
from witness.note import Cosigner, Signer, add_signatures, cosign_note, sign_note
from witness.policy import judge_checkpoint, parse_policy
from witness.tree import MemoryTree, inclusion_proof, leaf_hash, node_hash, verify_inclusion

PAGE = Path(__file__).resolve().parents[3] / "docs" / "witness-log.md"
BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
_, RECORDS, HASHES, CHECKPOINT, POLICY = BLOCKS
COSIGNED_AT = 1_795_532_400
LINES = RECORDS.encode().splitlines()
LOG_KEY = Signer("council.example/h323_ras", bytes(range(32)))
COSIGNER_KEY = Cosigner("wit1.council.example", bytes(range(1, 33)))


def test_the_hashes() -> None:
    leaves = [leaf_hash(line) for line in LINES]
    tree = MemoryTree(leaves)
    both = node_hash(leaves[0], leaves[1])
    assert [line.split()[-1] for line in HASHES.splitlines()] == [each.hex() for each in (*leaves, both, tree.root())]
    assert inclusion_proof(2, 3, tree.hash_at) == [both]
    verify_inclusion(leaves[2], 2, 3, tree.root(), [both])


def test_the_checkpoint() -> None:
    checkpoint = Checkpoint(LOG_KEY.verifier.name, 3, MemoryTree.of_records(LINES).root())
    note = sign_note(checkpoint.text(), LOG_KEY)
    assert add_signatures(note, [cosign_note(note.text, COSIGNER_KEY, COSIGNED_AT)]).encode().decode() == CHECKPOINT
    judged = judge_checkpoint(CHECKPOINT.encode(), parse_policy(POLICY.encode()))
    assert judged.fulfilled
    assert (judged.checkpoint, judged.cosigned) == (checkpoint, {"wit1": COSIGNED_AT})
    assert str(COSIGNED_AT) in PAGE.read_text(encoding="utf-8")
