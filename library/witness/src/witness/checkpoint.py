"""A log's checkpoint: which tree it has (C2SP tlog-checkpoint). It is the text of a signed note."""

from __future__ import annotations

import re
from dataclasses import dataclass

from witness.errors import WitnessError
from witness.note import strict_base64
from witness.tree import HASH_OCTETS

MAX_SIZE = 2**63 - 1
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


class CheckpointError(WitnessError):
    """A text that is no checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of a log at one size."""

    origin: str
    """Which log: a schema-less URL, equal to the name of its key."""
    size: int
    """In leaves."""
    root: bytes
    """The tree's root hash, 32 octets."""
    extensions: tuple[str, ...] = ()
    """Further lines, which our logs don't have."""

    def text(self) -> str:
        """What is signed."""
        lines = (self.origin, str(self.size), strict_base64.encode(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is.

    Raises:
        CheckpointError: it is none.
    """
    if not text.endswith("\n"):
        raise CheckpointError("a checkpoint ends in a newline")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise CheckpointError("a checkpoint has three lines or more, and no empty ones")
    origin, size, root, *extensions = lines
    if not _SIZE.match(size) or int(size) > MAX_SIZE:
        raise CheckpointError("a checkpoint's second line is the tree's size, in decimal")
    try:
        octets = strict_base64.decode(root)
    except ValueError as error:
        raise CheckpointError(f"a checkpoint's third line is the root hash: {error}") from error
    if len(octets) != HASH_OCTETS:
        raise CheckpointError(f"a checkpoint's root hash has {HASH_OCTETS} octets")
    return Checkpoint(origin, int(size), octets, tuple(extensions))
