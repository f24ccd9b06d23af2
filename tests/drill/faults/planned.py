"""What operators do on purpose, and two faults one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from tests.drill.council import Council, wait_until
from tests.drill.hosts import Host, HostError

from .fault import Promise, Scene
from .gatekeeper import Unit
from .host import state

_WELL = 30.0


def step_down(host: Host, program: str) -> None:
    """Have the active hand over to the other."""
    host.run(program, "step-down", "--reason", "failover drill")


class Switch(Unit):
    name = "switch"
    text = "planned switch"
    promise = Promise.PLANNED

    def inject(self, scene: Scene) -> None:
        """From whoever is active to the other."""
        step_down(scene.active, scene.council.plan.program)


class FailBack(Unit):
    name = "fail-back"
    text = "fail-back: the repaired primary takes its role back"
    promise = Promise.PLANNED

    def approach(self, scene: Scene) -> None:
        """The primary fails, is repaired, and stands by."""
        primary = scene.council.gatekeepers[0]
        if scene.active is primary:
            primary.run("systemctl", "kill", "--signal=KILL", primary.reach.unit)
            scene.council.wait_well(_WELL)

    def inject(self, scene: Scene) -> None:
        """The secondary hands over."""
        step_down(scene.active, scene.council.plan.program)


class Two(Unit):
    name = "two-faults"
    text = "active's gatekeeper killed; when it is healed, the new active's host frozen"
    promise = Promise.DOUBLE
    on_hosts = False

    def stages(self) -> Sequence[Callable[[Scene], None]]:
        """The second as soon as the first is healed, which takes less than 10 s."""
        return (self.inject, self.inject_second)

    def inject(self, scene: Scene) -> None:
        """Kill its gatekeeper; systemd starts it again."""
        scene.active.run("systemctl", "kill", "--signal=KILL", scene.active.reach.unit)

    def inject_second(self, scene: Scene) -> None:
        """Freeze the host that has just taken over."""
        wait_until(scene.council.trouble, _WELL)
        scene.active.podman("pause")
        scene.active.forget()

    def repair(self, host: Host) -> None:
        """Thaw the host, and start the gatekeeper unless it runs."""
        if host.reach.container and state(host) == "paused":
            host.podman("unpause")
        super().repair(host)


def roll(council: Council, change: Callable[[Host], object]) -> None:
    """Change both gatekeepers one after the other, each while it stands by."""
    for host in council.gatekeepers:
        council.wait_well(_WELL)
        if council.active()[0] is host:
            wait_until(partial(_not_handed_over, council, host), _WELL)
            council.wait_well(_WELL)
        change(host)
    council.wait_well(_WELL)


def _not_handed_over(council: Council, host: Host) -> str | None:
    """Why this gatekeeper could not hand over just now; on a busy machine it may have to be asked again."""
    try:
        step_down(host, council.plan.program)
    except HostError as error:
        return str(error)
    return None
