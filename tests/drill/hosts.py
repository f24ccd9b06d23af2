"""The hosts of the drill, each reached by a command prefix: `podman exec …` in the lab, `ssh …` elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .verdict.hosts import HostError

__all__ = ["Host", "HostError", "Hosts", "Reach", "Seen"]

_AGENT = Path(__file__).with_name("agent.py")
_PATIENCE = 20.0
_LOOK = 3.0


@dataclass(frozen=True)
class Reach:
    """How a host is reached and what the drill must know of it."""

    name: str
    """As the inventory has it; the gatekeeper's node too."""
    address: str
    command: tuple[str, ...]
    """What to put before a command; root is there at its end."""
    unit: str = ""
    """Of the gatekeeper, empty on a host without one."""
    remote_shell: bool = False
    """True for ssh, which hands its arguments to a shell."""
    container: str = ""
    """In the lab: its name for podman."""
    podman: str = ""
    """In the lab: the program."""


@dataclass(frozen=True)
class Seen:
    """One look at a host."""

    gatekeeper: dict[str, Any] | None = None
    """What `h323-gatekeeper status --json` says."""
    holds: bool = False
    """The virtual address."""
    track: str | None = None
    keepalived: int | None = None
    """Scheduling policy of its VRRP process (2 is SCHED_RR), None where it doesn't run."""
    etcd: dict[str, Any] | None = None

    @property
    def active(self) -> bool:
        """Whether its gatekeeper says that it is."""
        return bool(self.gatekeeper and self.gatekeeper["active"])

    @property
    def epoch(self) -> int:
        """The last one that its gatekeeper knows."""
        return int(self.gatekeeper["epoch"]) if self.gatekeeper else 0


@dataclass
class Host:
    """A host with one long-lived process on it (agent.py), begun when first needed and anew when it is gone."""

    reach: Reach
    settings: dict[str, Any]
    """For the agent."""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _buffer: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        """As the inventory has it."""
        return self.reach.name

    def look(self) -> Seen:
        """How it is. Raises HostError."""
        return Seen(**self._ask({"look": True}, _LOOK))

    def run(self, *argv: str, stdin: str = "", timeout: float = _PATIENCE, check: bool = True) -> str:
        """What a command prints. Raises HostError."""
        done = self._ask({"run": list(argv), "stdin": stdin, "timeout": timeout}, timeout + _LOOK)
        if check and done["code"]:
            raise HostError(f"{self.name}: {shlex.join(argv)}: {done['err'].strip() or done['out'].strip()}")
        return str(done["out"])

    def shell(self, script: str, *, check: bool = True, timeout: float = _PATIENCE) -> str:
        """What a shell script prints. Raises HostError."""
        return self.run("/bin/sh", "-euc", script, check=check, timeout=timeout)

    def podman(self, *arguments: str, check: bool = True) -> str:
        """What podman says of this host of the lab, its name added at the end. Raises HostError."""
        if not self.reach.container:
            raise HostError(f"{self.name} is no container: this is for the lab only")
        command = [self.reach.podman, *arguments, self.reach.container]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode:
            raise HostError(f"{shlex.join(command)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def forget(self) -> None:
        """Let go of the process on it: the host, or the process, is about to be gone."""
        process, self._process, self._buffer = self._process, None, b""
        if process is not None:
            process.kill()
            with contextlib.suppress(OSError):
                process.communicate()

    def _begin(self) -> subprocess.Popen[bytes]:
        agent = ["python3", "-u", "-c", _AGENT.read_text(encoding="utf-8"), json.dumps(self.settings)]
        command = [shlex.join(agent)] if self.reach.remote_shell else agent
        return subprocess.Popen(
            [*self.reach.command, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the drill, which still has to repair
        )

    def _ask(self, question: dict[str, Any], timeout: float) -> dict[str, Any]:
        try:
            self._process = process = self._process or self._begin()
            answer: dict[str, Any] = json.loads(self._exchange(process, question, time.monotonic() + timeout))
        except (OSError, ValueError) as error:
            self.forget()
            raise HostError(f"{self.name} cannot be reached: {error}") from error
        except BaseException:
            # Whatever it still says would be taken for the answer to the next question.
            self.forget()
            raise
        return answer

    def _exchange(self, process: subprocess.Popen[bytes], question: dict[str, Any], deadline: float) -> bytes:
        """One line there, one line back."""
        if process.stdin is None or process.stdout is None:
            raise HostError(f"{self.name}: there is no way to ask it anything")
        process.stdin.write(json.dumps(question).encode() + b"\n")
        process.stdin.flush()
        while b"\n" not in self._buffer:
            readable, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            octets = os.read(process.stdout.fileno(), 65536) if readable else b""
            if not octets:
                raise HostError(f"{self.name} is gone" if readable else f"{self.name} does not answer")
            self._buffer += octets
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


@dataclass(frozen=True)
class Hosts:
    """All of them by name, as the verdict reaches them."""

    by_name: dict[str, Host]

    def run(self, host: str, argv: Sequence[str]) -> str:
        """What a command on it prints. Raises HostError."""
        return self.by_name[host].run(*argv)
