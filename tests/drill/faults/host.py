"""Faults of a whole host, in the lab only: nobody stands beside a real one to switch it on again."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.drill.council import wait_until
from tests.drill.hosts import Host, HostError

from .fault import Fault, Scene

_REALTIME = Path(__file__).resolve().parents[3] / "lab" / "realtime"
_BOOT = 60.0


def state(host: Host) -> str:
    """What podman says of it: running, paused, exited."""
    return host.podman("inspect", "--format", "{{.State.Status}}")


def switch_on(host: Host) -> None:
    """Have it run, with its share of real-time processor time from the beginning, as lab/up gives it."""
    if state(host) == "running":
        return
    host.forget()
    wait_until(lambda: "it is still stopping" if state(host) == "stopping" else None, _BOOT)
    host.podman("start")
    subprocess.run([_REALTIME, host.reach.container], capture_output=True, timeout=60, check=True)
    wait_until(lambda: _not_up(host), _BOOT)


def switch_off(host: Host) -> None:
    """As by its plug."""
    host.podman("kill")
    host.forget()


def _not_up(host: Host) -> str | None:
    try:
        state_of_systemd = host.run("systemctl", "is-system-running", check=False).strip()
    except HostError as error:
        return str(error)
    return None if state_of_systemd in ("running", "degraded") else f"{host.name} is {state_of_systemd or 'silent'}"


class Power(Fault):
    """A fault that is over when the host runs."""

    def repair(self, host: Host) -> None:
        """Switch it on, unless it runs."""
        if host.reach.container:
            switch_on(host)


class Killed(Power):
    name = "host-killed"
    text = "host: power lost"

    def inject(self, scene: Scene) -> None:
        """Kill all that runs on it."""
        switch_off(scene.active)


class Frozen(Fault):
    name = "host-frozen"
    text = "host: frozen, and thawed afterwards"

    def inject(self, scene: Scene) -> None:
        """Nothing on it runs, and nothing on it notices."""
        scene.active.podman("pause")
        scene.active.forget()

    def repair(self, host: Host) -> None:
        """Thaw it."""
        if host.reach.container and state(host) == "paused":
            host.podman("unpause")


class Rebooted(Power):
    name = "host-rebooted"
    text = "host: orderly reboot"

    def inject(self, scene: Scene) -> None:
        """Have systemd shut it down, and wait until it has. The lab's firmware is the drill: the repair starts it."""
        host = scene.active
        host.run("systemctl", "reboot", check=False)
        host.forget()
        wait_until(lambda: f"{host.name} is still shutting down" if state(host) == "running" else None, _BOOT)


class Reset(Power):
    name = "host-reset"
    text = "host: reset without warning (reboot -ff)"

    def inject(self, scene: Scene) -> None:
        """Have the kernel restart it at once."""
        try:
            scene.active.run("systemctl", "reboot", "--force", "--force", check=False)
        except HostError:
            # It has no time to say that it is gone.
            scene.active.forget()
