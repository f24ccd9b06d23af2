"""What a process does at the moment: the kernel tells in /proc (proc(5)) whether it is stopped, waits or can run."""

from __future__ import annotations

from pathlib import Path

RUNNABLE, STOPPED, UNKNOWN = "R", "T", "?"
_PROC = Path("/proc")
_NANOSECONDS = 1_000_000_000


class Process:
    """A process by its number."""

    def __init__(self, number: int) -> None:
        self._folder = _PROC / str(number)

    @property
    def state(self) -> str:
        """The letter of its main thread's state; "?" where there is no such process, or it is not ours to see."""
        return _state(self._folder)

    def can_run(self) -> bool:
        """Whether a thread of it has a processor, or lacks only that: the main thread may wait for such a one."""
        return any(_state(thread) == RUNNABLE for thread in self._threads())

    def used(self) -> float:
        """Seconds for which its threads have had a processor; 0 where that isn't told."""
        return sum(map(_used, self._threads()))

    def _threads(self) -> list[Path]:
        try:
            return list((self._folder / "task").iterdir())
        except OSError:
            return []


def _state(folder: Path) -> str:
    try:
        text = (folder / "stat").read_bytes()
    except OSError:
        return UNKNOWN
    # The program's name stands in parentheses before it, and may have any letters.
    return text.rpartition(b")")[2].decode("ascii", errors="replace").strip()[:1] or UNKNOWN


def _used(folder: Path) -> float:
    try:
        return int((folder / "schedstat").read_bytes().split()[0]) / _NANOSECONDS
    except (OSError, ValueError, IndexError):
        return 0.0
