"""Faults of keepalived: the parent, which starts and watches, and its child, which speaks VRRP."""

from __future__ import annotations

from tests.drill.hosts import Host

from .fault import Fault, Scene


class Keepalived(Fault):
    """A fault that is over when keepalived runs."""

    on_hosts = True

    def repair(self, host: Host) -> None:
        """Start it, unless it runs."""
        if host.reach.unit:
            host.run("systemctl", "start", "keepalived.service")


class Stopped(Keepalived):
    name = "keepalived-stopped"
    text = "keepalived: clean stop"

    def inject(self, scene: Scene) -> None:
        """Stop it, as an operator does."""
        scene.active.run("systemctl", "stop", "keepalived.service")


class ParentKilled(Keepalived):
    name = "keepalived-parent-killed"
    text = "keepalived: parent killed"

    def inject(self, scene: Scene) -> None:
        """Kill the parent; the child is systemd's to end."""
        scene.active.shell("kill -KILL $(cat /run/keepalived.pid)")


class ChildKilled(Keepalived):
    name = "keepalived-child-killed"
    text = "keepalived: VRRP child killed"

    def inject(self, scene: Scene) -> None:
        """Kill the child; the parent starts another."""
        scene.active.shell("kill -KILL $(cat /run/vrrp.pid)")


class AllKilled(Keepalived):
    name = "keepalived-killed"
    text = "keepalived: all killed"

    def inject(self, scene: Scene) -> None:
        """Kill both at once: the virtual address stays behind, and nobody speaks for it."""
        scene.active.run("systemctl", "kill", "--signal=KILL", "keepalived.service")
