"""What can be wrong with a stream's day files by themselves, whatever their tree says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class FlawKind(str, Enum):
    """What is wrong."""

    MISSING = "missing"
    """Records that are in none of the files."""
    MISPLACED = "misplaced"
    """A record that is there twice, or that stands where it does not belong."""
    MISNUMBERED = "misnumbered"
    """A line in the place of a record that says it were another one."""
    NO_RECORD = "no-record"
    """A line that is no JSON object with an index, or longer than any record."""
    TORN = "torn"
    """A last line without its newline."""
    UNREADABLE = "unreadable"
    """A file that can't be read, or that can't be unpacked."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong."""

    kind: FlawKind
    text: str
    """One sentence."""
    index: int
    """Of the record that should be there; of several that are missing, the first."""
    path: Path
    line: int | None = None
    """Counted from 1."""
    count: int = 1
    """How many records are missing."""
