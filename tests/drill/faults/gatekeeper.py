"""Faults of the gatekeeper's process."""

from __future__ import annotations

from tests.drill.council import wait_until
from tests.drill.hosts import Host

from .fault import Fault, Scene

_TRACER = "drill-tracer.service"
_MOST = "120"
"""Seconds after which systemd lets the thread go on, should the drill be gone by then."""
# A thread that a tracer has stopped is neither dead nor asleep: the kernel doesn't run it, and the process's other
# threads, its sockets and its memory are as they were. From outside, a thread that computes without end looks just like
# that. When the tracer ends, the kernel lets go of the thread.
_STOP_MAIN_THREAD = """
import ctypes, os, sys
SEIZE, INTERRUPT = 0x4206, 0x4207
thread = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
for request in (SEIZE, INTERRUPT):
    if libc.ptrace(request, thread, None, None):
        sys.exit(os.strerror(ctypes.get_errno()))
status = 0x7f
while status & 0x7f == 0x7f:
    # Should it be killed, its parent learns that only when the tracer has.
    status = os.waitpid(thread, 0x40000000)[1]
"""


class Unit(Fault):
    """A fault that is over when the gatekeeper's unit runs."""

    on_hosts = True

    def repair(self, host: Host) -> None:
        """Start it, unless it runs."""
        if host.reach.unit:
            host.run("systemctl", "start", host.reach.unit)


class Killed(Unit):
    name = "gatekeeper-killed"
    text = "gatekeeper: kill -9"

    def inject(self, scene: Scene) -> None:
        """Kill it."""
        scene.active.run("systemctl", "kill", "--signal=KILL", scene.active.reach.unit)


class Stopped(Unit):
    name = "gatekeeper-stopped"
    text = "gatekeeper: clean stop"

    def inject(self, scene: Scene) -> None:
        """Stop it, as an operator does."""
        scene.active.run("systemctl", "stop", scene.active.reach.unit)


class Halted(Unit):
    name = "gatekeeper-halted"
    text = "gatekeeper: SIGSTOP"

    def inject(self, scene: Scene) -> None:
        """Stop its process as it stands."""
        scene.active.run("systemctl", "kill", "--signal=STOP", scene.active.reach.unit)

    def repair(self, host: Host) -> None:
        """Let it go on."""
        if host.reach.unit:
            host.run("systemctl", "kill", "--signal=CONT", host.reach.unit, check=False)
            super().repair(host)


class Blocked(Unit):
    name = "gatekeeper-blocked"
    text = "gatekeeper: event loop blocked"

    def inject(self, scene: Scene) -> None:
        """Stop the thread of its event loop, and no other."""
        host = scene.active
        pid = host.run("systemctl", "show", "--property=MainPID", "--value", host.reach.unit).strip()
        limit = f"--property=RuntimeMaxSec={_MOST}"
        host.run("systemd-run", "--collect", f"--unit={_TRACER}", limit, "python3", "-c", _STOP_MAIN_THREAD, pid)
        wait_until(lambda: None if "tracing stop" in _state(host, pid) else f"thread {pid} of {host.name} runs on", 5)

    def repair(self, host: Host) -> None:
        """Let the thread go on."""
        if host.reach.unit:
            host.run("systemctl", "stop", _TRACER, check=False)
            super().repair(host)


def _state(host: Host, pid: str) -> str:
    return host.run("grep", "State", f"/proc/{pid}/task/{pid}/status", check=False)
