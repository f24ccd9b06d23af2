"""How this service ended before it was started this time: the unit's ExecStopPost leaves it in a file."""

from __future__ import annotations

from pathlib import Path

_LONGEST = 100
_BY_SIGNAL = {"killed", "dumped"}
_RESULTS = {
    "success": "it was stopped",
    "oom-kill": "the kernel killed it for want of memory",
    "timeout": "it did not stop in time and was killed",
    "start-limit-hit": "it was started too often",
}


def read_previous_end(path: Path) -> str | None:
    """A sentence of what systemd said (SERVICE_RESULT EXIT_CODE EXIT_STATUS); None where there is no such file."""
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            words = file.read(_LONGEST).split()
    except OSError:
        return None
    return describe_end(*words[:3]) if words else None


def describe_end(result: str, code: str = "", status: str = "") -> str:
    """One sentence; systemd.exec(5) says which values there are."""
    if result in _RESULTS:
        return _RESULTS[result]
    if result == "watchdog":
        return f"the service manager killed it for being stuck (SIG{status})"
    if code in _BY_SIGNAL:
        return f"it was ended by SIG{status}"
    if code == "exited":
        return f"it ended with exit code {status}"
    return " ".join(filter(None, ("it ended:", result, code, status)))
