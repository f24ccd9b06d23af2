"""Whoever reads our output has gone, such as `head` after ten lines: that's no error."""

from __future__ import annotations

import os
import sys

ENDED = 130
"""Exit code, as after Ctrl-C."""


def leave_quietly() -> int:
    """To be called for a BrokenPipeError; the exit code. Python would complain once more when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ENDED
