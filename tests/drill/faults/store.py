"""Faults of the store's voters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.drill.hosts import Host

from .fault import Fault, Promise, Scene
from .host import Power, state, switch_off


class Killed(Fault):
    name = "etcd-killed"
    text = "active's etcd: kill -9"
    on_hosts = True

    def inject(self, scene: Scene) -> None:
        """Kill the member on the active's host; systemd starts it again."""
        scene.active.run("systemctl", "kill", "--signal=KILL", "etcd.service")

    def repair(self, host: Host) -> None:
        """Start it, unless it runs."""
        host.run("systemctl", "start", "etcd.service")


class WitnessLost(Power):
    name = "witness-lost"
    text = "wit1: power lost"
    promise = Promise.ELECTION

    def inject(self, scene: Scene) -> None:
        """Kill the voter that leads."""
        switch_off(scene.witness)


class WitnessFrozen(Fault):
    name = "witness-frozen"
    text = "wit1: frozen, and thawed afterwards"
    promise = Promise.ELECTION

    def inject(self, scene: Scene) -> None:
        """The voter that leads keeps its connections and says nothing."""
        scene.witness.podman("pause")
        scene.witness.forget()

    def repair(self, host: Host) -> None:
        """Thaw it."""
        if host.reach.container and state(host) == "paused":
            host.podman("unpause")
            # It waits twice as long after each handover that it asked for: twenty freezes in a row are a drill's alone.
            host.run("systemctl", "restart", "etcd-preferred-leader.service")


class QuorumLost(Power):
    name = "quorum-lost"
    text = "wit1: power lost, and then the active's"
    promise = Promise.QUORUM
    serves = False
    hold = 3.0

    def stages(self) -> Sequence[Callable[[Scene], None]]:
        """The second when the council is in service without the first."""
        return (self.inject, self.inject_second)

    def inject(self, scene: Scene) -> None:
        """Kill the voter that leads."""
        switch_off(scene.witness)

    def inject_second(self, scene: Scene) -> None:
        """Kill a gatekeeper: one voter of three is left."""
        switch_off(scene.active)
