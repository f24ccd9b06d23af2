"""What a process does at the moment: the kernel tells in /proc (proc(5)) whether it is stopped, waits or can run."""

from __future__ import annotations

from pathlib import Path

RUNNABLE, STOPPED, UNKNOWN = "R", "T", "?"
_PROC = Path("/proc")
_NANOSECONDS = 1_000_000_000


def state_of(process: int) -> str:
    """The letter for the state of its main thread; "?" where there is no such process, or it is not ours to see."""
    try:
        text = (_PROC / str(process) / "stat").read_bytes()
    except OSError:
        return UNKNOWN
    # The program's name stands in parentheses before it, and may have any letters.
    return text.rpartition(b")")[2].decode("ascii", errors="replace").strip()[:1] or UNKNOWN


def used_by(process: int) -> float:
    """Seconds that its main thread has had a processor; 0 where that isn't told."""
    try:
        return int((_PROC / str(process) / "schedstat").read_bytes().split()[0]) / _NANOSECONDS
    except (OSError, ValueError, IndexError):
        return 0.0
