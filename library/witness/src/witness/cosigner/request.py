"""What is submitted to a cosigner (C2SP tlog-witness, add-checkpoint)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from witness.checkpoint import MAX_SIZE, Checkpoint, parse_checkpoint
from witness.errors import WitnessError
from witness.note import Note, parse_note, strict_base64
from witness.tree import HASH_OCTETS

MAX_OCTETS = 65_536
"""A proof takes 2,835 at most; the rest is for a checkpoint with many cosignatures."""
MAX_PROOF = 63
"""Hashes that a proof may have."""
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})\Z")


class RequestError(WitnessError):
    """A body that is no request."""


@dataclass(frozen=True, slots=True)
class Request:
    """A checkpoint, of which nothing is checked yet, and what is said to prove it."""

    old: int
    """The size from which it is to be proved."""
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


def parse_request(octets: bytes) -> Request:
    """Read a body.

    Raises:
        RequestError: it is no request.
    """
    if len(octets) > MAX_OCTETS:
        raise RequestError(f"a request of more than {MAX_OCTETS} octets")
    head, separator, rest = octets.partition(b"\n\n")
    if not separator:
        raise RequestError("an empty line stands before the checkpoint")
    try:
        first, *lines = head.decode("ascii").split("\n")
        note = parse_note(rest)
        return Request(_old(first), _proof(lines), note, parse_checkpoint(note.text))
    except UnicodeDecodeError as error:
        raise RequestError("the lines before the checkpoint are ASCII") from error
    except WitnessError as error:
        raise RequestError(str(error)) from error


def _old(line: str) -> int:
    found = _OLD.match(line)
    if not found or int(found[1]) > MAX_SIZE:
        raise RequestError("the first line is: old SIZE")
    return int(found[1])


def _proof(lines: list[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_PROOF:
        raise RequestError(f"a proof of more than {MAX_PROOF} hashes")
    try:
        hashes = tuple(strict_base64.decode(line) for line in lines)
    except ValueError as error:
        raise RequestError(f"a line of the proof: {error}") from error
    if any(len(each) != HASH_OCTETS for each in hashes):
        raise RequestError(f"a hash of the proof does not have {HASH_OCTETS} octets")
    return hashes
