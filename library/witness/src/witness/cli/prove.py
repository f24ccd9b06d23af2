"""`prove` makes a proof of one record, and checks one that somebody else has made."""

from __future__ import annotations

import argparse
import base64
import json
import operator
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from witness.checkpoint import Checkpoint, CheckpointError, parse_checkpoint
from witness.cli.folders import InputError, Place, load_policy, one_stream, read_input
from witness.cli.parser import add_command, add_stream
from witness.day_files.lookup import find_record
from witness.note import NoteError, parse_note, strict_base64
from witness.policy import PolicyError
from witness.tiles import TileError, TileReader, folder_source
from witness.tlog_proof import MAX_OCTETS, TlogProof, TlogProofError, parse_tlog_proof
from witness.tree import ProofError, inclusion_proof, leaf_hash, verify_inclusion
from witness.verify import Verdict
from witness.verify.stream import CHECKPOINT

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_LARGEST_CHECKPOINT = 1_000_000
_EPILOG = """\
The proof is a text of C2SP's form tlog-proof (checkpoint, index, hashes; its "extra" line is the record itself, in
base64), or the same as JSON with --json. To check one takes the file and a policy, and no access to the log.

exit codes:
   0  the proof was made, or it proves its record
   1  --check: it proves nothing
   3  --check: it is right, but the cosignatures are not the quorum of the policy
  64  the arguments or files can't be used, or the record is not covered yet

examples:
      h323-witness prove /var/log/guardian-council 4711 > 4711.tlog-proof
      h323-witness prove --check 4711.tlog-proof --policy my-policy"""


def add_prove(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that proves."""
    text = "prove that a record is in the log, or check such a proof"
    command = add_command(commands, "prove", text, _EPILOG)
    command.add_argument(
        "directory",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="a stream's folder, or the one above all three (h323_ras)",
    )
    command.add_argument("index", type=int, nargs="?", metavar="INDEX", help="of the record")
    add_stream(command)
    command.add_argument("--check", type=Path, metavar="FILE", help="check this proof instead of making one")
    command.add_argument("--policy", type=Path, metavar="FILE", help="whom to believe; needed for --check")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_prove)


def _prove(options: argparse.Namespace) -> int:
    if options.check is not None:
        if options.policy is None or options.directory is not None:
            raise InputError("to check a proof: h323-witness prove --check FILE --policy FILE")
        return _check(options)
    if options.directory is None or options.index is None:
        raise InputError("to make a proof: h323-witness prove DIR INDEX")
    proof, checkpoint = _make(one_stream(options.directory, options.stream), options.index)
    if options.policy is not None:
        proof.check(load_policy(options.policy))
    if options.json:
        print(json.dumps(_document(proof, checkpoint), indent=1))
    else:
        print(proof.encode().decode(), end="")
    return 0


def _make(place: Place, index: int) -> tuple[TlogProof, Checkpoint]:
    octets = read_input(place.folder / CHECKPOINT, _LARGEST_CHECKPOINT)
    try:
        checkpoint = parse_checkpoint(parse_note(octets).text)
    except (NoteError, CheckpointError) as error:
        raise InputError(f"{place.folder / CHECKPOINT}: {error}; h323-witness verify says more") from error
    if not 0 <= index < checkpoint.size:
        raise InputError(f"the checkpoint covers the records 0 to {checkpoint.size - 1}, and not {index} (yet)")
    record = find_record(place.folder, place.stream, index)
    if record is None:
        raise InputError(f"record {index} is not in {place.folder}; look for it in the archive of old days")
    reader = TileReader(checkpoint.size, folder_source(place.folder))
    try:
        hashes = inclusion_proof(index, checkpoint.size, reader.hash_at)
        verify_inclusion(leaf_hash(record), index, checkpoint.size, checkpoint.root, hashes)
    except (TileError, ProofError) as error:
        raise InputError(f"record {index} cannot be proved: {error}; h323-witness verify says what is wrong") from error
    return TlogProof(index, tuple(hashes), octets, record), checkpoint


def _check(options: argparse.Namespace) -> int:
    octets = read_input(options.check, MAX_OCTETS)
    policy = load_policy(options.policy)
    try:
        proof = _parse_json(octets) if octets.lstrip()[:1] == b"{" else parse_tlog_proof(octets)
        judged = proof.check(policy)
    except (TlogProofError, PolicyError, ProofError) as error:
        return _say(options, Verdict.TAMPERED, f"{options.check} proves nothing: {error}", None)
    checkpoint = judged.checkpoint
    names = ", ".join(judged.cosigned) or "nobody"
    what = f"record {proof.index} of {checkpoint.origin}, in the tree of {checkpoint.size}, cosigned by {names}"
    if not judged.fulfilled:
        text = f"{what}, which is not the quorum {policy.quorum} of the policy"
        return _say(options, Verdict.STALE, text, proof)
    return _say(options, Verdict.GOOD, f"proved: {what}", proof)


def _say(options: argparse.Namespace, verdict: Verdict, text: str, proof: TlogProof | None) -> int:
    record = proof.record.decode(errors="replace") if proof is not None and proof.record is not None else None
    if options.json:
        told = {"proved": verdict is Verdict.GOOD, "exit_code": int(verdict), "text": text}
        index = proof.index if proof is not None else None
        print(json.dumps(told | {"index": index, "record": record}))
    else:
        print(text, file=sys.stdout if verdict is Verdict.GOOD else sys.stderr)
        if record is not None:
            # Whoever made the record could have put in what steers a terminal.
            print(record if record.isprintable() else ascii(record))
    return verdict


def _document(proof: TlogProof, checkpoint: Checkpoint) -> object:
    record = proof.record or b""
    return {
        "origin": checkpoint.origin,
        "index": proof.index,
        # Octets that are no UTF-8 survive in JSON, too.
        "record": record.decode(errors="surrogateescape"),
        "leaf_hash": _base64(leaf_hash(record)),
        "tree_size": checkpoint.size,
        "root": _base64(checkpoint.root),
        "proof": [_base64(each) for each in proof.hashes],
        "checkpoint": proof.checkpoint.decode(),
    }


def _parse_json(octets: bytes) -> TlogProof:
    try:
        told = json.loads(octets)
        return TlogProof(
            operator.index(told["index"]),
            tuple(strict_base64.decode(each) for each in told["proof"]),
            told["checkpoint"].encode(),
            told["record"].encode(errors="surrogateescape"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TlogProofError("it is no JSON with index, record, proof and checkpoint") from error


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
