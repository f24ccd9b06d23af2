"""How the verdict reaches the hosts: a command there, and what it prints."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

_PODMAN = Path(__file__).resolve().parents[3] / "lab" / "podman"


class HostError(Exception):
    """The host can't be reached, or the command has failed."""


class Hosts(Protocol):
    """Runs commands on hosts."""

    def run(self, host: str, argv: Sequence[str]) -> str:
        """What the command prints on stdout. Raises HostError."""


class LabHosts:
    """The lab's containers."""

    def __init__(self, name: str, timeout: float = 20.0) -> None:
        """The lab of this LAB_NAME; `timeout` in seconds, for one command."""
        self._name = name
        self._timeout = timeout

    def run(self, host: str, argv: Sequence[str]) -> str:
        """As the protocol says.

        Raises:
            HostError: as the protocol says.
        """
        return run([str(_PODMAN), "exec", f"{self._name}-{host}", *argv], self._timeout)


class ThisHost:
    """Every host is this one: for a gatekeeper that a developer has started."""

    def run(self, host: str, argv: Sequence[str]) -> str:
        """As the protocol says.

        Raises:
            HostError: as the protocol says.
        """
        del host
        return run(argv, 20.0)


def run(argv: Sequence[str], timeout: float) -> str:
    """What a command prints.

    Raises:
        HostError: it fails, or takes too long.
    """
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=True).stdout
    except subprocess.CalledProcessError as error:
        raise HostError(f"{argv[0]} failed ({error.returncode}): {str(error.stderr).strip()[-500:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{argv[0]} failed: {error}") from error
