"""Records as they are."""

from __future__ import annotations

import sys


def write_line(line: bytes) -> None:
    """Print a record's exact octets, which may be no text."""
    sys.stdout.buffer.write(line + b"\n")
