"""Proof that a record is in a log, for whoever has nothing but a policy (C2SP tlog-proof).

The record itself is the proof's extra data: so one file says all, and its hash is what the proof begins with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from witness.errors import WitnessError
from witness.note import strict_base64
from witness.policy import JudgedCheckpoint, Policy, judge_checkpoint
from witness.tree import leaf_hash, verify_inclusion

MAX_OCTETS = 2_000_000
MAX_HASHES = 63
"""A tree of 2**63 - 1 leaves has no longer proof."""
_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})\Z")
_EXTRA = "extra "


class TlogProofError(WitnessError):
    """Octets that are no proof, or one that proves nothing."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof that nobody has checked."""

    index: int
    hashes: tuple[bytes, ...]
    """The inclusion proof, from the leaf's sibling up (RFC 6962 2.1.1)."""
    checkpoint: bytes
    """A signed note."""
    record: bytes | None
    """The record's octets, if they came along."""

    def encode(self) -> bytes:
        """The proof's text."""
        lines = [_HEADER]
        if self.record is not None:
            lines.append(_EXTRA + strict_base64.encode(self.record))
        lines += [f"index {self.index}", *map(strict_base64.encode, self.hashes)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint

    def check(self, policy: Policy) -> JudgedCheckpoint:
        """Whose checkpoint has this record.

        Raises:
            TlogProofError: the record is not here.
            PolicyError: the checkpoint is not one that the policy knows.
            ProofError: the record is not in its tree, or not there.
        """
        if self.record is None:
            raise TlogProofError("the proof doesn't have the record with it, so there is nothing to compare")
        judged = judge_checkpoint(self.checkpoint, policy)
        checkpoint = judged.checkpoint
        verify_inclusion(leaf_hash(self.record), self.index, checkpoint.size, checkpoint.root, self.hashes)
        return judged


def parse_tlog_proof(octets: bytes) -> TlogProof:
    """Read a proof, and believe nothing of it.

    Raises:
        TlogProofError: it is none.
    """
    if len(octets) > MAX_OCTETS:
        raise TlogProofError(f"a proof of more than {MAX_OCTETS} octets")
    head, separator, checkpoint = octets.partition(b"\n\n")
    try:
        header, *lines = head.decode("ascii").split("\n")
        if header != _HEADER or not separator:
            raise TlogProofError(f"a proof begins with {_HEADER}, and has a checkpoint after an empty line")
        record = None
        if lines and lines[0].startswith(_EXTRA):
            record = strict_base64.decode(lines.pop(0).removeprefix(_EXTRA))
        index = _INDEX.match(lines[0]) if lines else None
        if index is None or len(lines) > 1 + MAX_HASHES:
            raise TlogProofError(f"a proof has an index and at most {MAX_HASHES} hashes")
        hashes = tuple(map(strict_base64.decode, lines[1:]))
    except ValueError as error:
        if isinstance(error, TlogProofError):
            raise
        raise TlogProofError(f"this is not a proof: {error}") from error
    return TlogProof(int(index[1]), hashes, checkpoint, record)
