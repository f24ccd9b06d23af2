"""What every fault has: how to inject it, how to repair it, and what is promised of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from tests.drill.council import Council
from tests.drill.hosts import Host


class Promise(Enum):
    """What is promised of the kinds of fault; tests/drill/targets.py judges it."""

    SINGLE = "one fault of a gatekeeper host"
    ELECTION = "costs an election of the store's leader"
    PLANNED = "a planned switch"
    STEADY = "no switch at all"
    DOUBLE = "two faults"
    QUORUM = "no quorum"


@dataclass(frozen=True)
class Scene:
    """Who is who at the moment of the fault."""

    council: Council
    active: Host
    standby: Host

    @property
    def witness(self) -> Host:
        """The voter that should lead the store."""
        return self.council.witness


class Fault:
    """One kind of fault. What it does is injected by stages, of which most have one; the load settles after each."""

    name: ClassVar[str]
    """As on the command line."""
    text: ClassVar[str]
    """As in the report."""
    promise: ClassVar[Promise] = Promise.SINGLE
    on_hosts: ClassVar[bool] = False
    """Whether it may be injected into real hosts in a maintenance window."""
    serves: ClassVar[bool] = True
    """Whether the council is to be in service again before the repair."""
    deadline: ClassVar[float] = 15.0
    """Seconds within which it is to be in service again."""
    hold: float = 0.0
    """Seconds that it is to last, once the council is in service again or, if it isn't to be, once it is injected."""

    def inject(self, scene: Scene) -> None:
        """Break it."""
        raise NotImplementedError

    def stages(self) -> Sequence[Callable[[Scene], None]]:
        """What to inject, one after the other: each when the council is in service again after the one before."""
        return (self.inject,)

    def prepare(self, council: Council) -> None:
        """What a series of this fault needs beforehand, and `restore` takes back."""

    def approach(self, scene: Scene) -> None:
        """What one run of this fault needs beforehand."""

    def repair(self, host: Host) -> None:
        """Undo on this host whatever this fault may have done to it, also in an earlier drill, and nothing else."""
        raise NotImplementedError

    def restore(self, host: Host) -> None:
        """Undo on this host what `prepare` did, also in an earlier drill."""
