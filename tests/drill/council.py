"""The council under the drill: which hosts there are, who is active, and whether all is well."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .hosts import Host, HostError, Reach, Seen

LOOK = 0.05
"""Seconds between two looks while waiting."""


class NotSoError(Exception):
    """Something that was waited for did not come; the text says what is not so."""


@dataclass(frozen=True)
class Plan:
    """Where the council is. As a JSON file, it is what playbooks/failover_drill.yml hands to the drill."""

    virtual_address: str
    registry: Path
    keys: Path
    gatekeeper_key: Path
    gatekeepers: tuple[Reach, Reach]
    """The primary first."""
    others: tuple[Reach, ...]
    """The store's other voters; the first of them is the witness, which should lead."""
    pki: str = "/etc/guardian-council/pki"
    control_socket: str = "/run/h323-gatekeeper/control.sock"
    track_file: str = "/run/h323-gatekeeper/track"
    log_directory: str = "/var/log/guardian-council"
    program: str = "/opt/guardian-council/current/bin/h323-gatekeeper"

    @property
    def is_lab(self) -> bool:
        """Whether its hosts are containers that may be killed."""
        return all(reach.container for reach in (*self.gatekeepers, *self.others))


def lab(root: Path, name: str, subnet: str, directory: Path) -> Plan:
    """The lab of this name, as lab/up makes it."""
    prefix = subnet.rpartition(".")[0]
    podman = str(root / "lab" / "podman")

    def reach(host: str, number: int, unit: str = "") -> Reach:
        container = f"{name}-{host}"
        command = (podman, "exec", "--interactive", container)
        return Reach(host, f"{prefix}.{number}", command, unit, container=container, podman=podman)

    return Plan(
        virtual_address=f"{prefix}.10",
        registry=directory / "guardian-registry.yaml",
        keys=directory / "keys",
        gatekeeper_key=directory / "gatekeeper-key.pub.pem",
        gatekeepers=(
            reach("gk1", 11, "h323-gatekeeper-primary.service"),
            reach("gk2", 12, "h323-gatekeeper-secondary.service"),
        ),
        others=(reach("wit1", 13),),
    )


def read_plan(path: Path) -> Plan:
    """A plan from a file. Raises ValueError, KeyError, TypeError or OSError where there is none in it."""
    given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name in ("registry", "keys", "gatekeeper_key"):
        given[name] = Path(given[name])
    for name in ("gatekeepers", "others"):
        given[name] = tuple(Reach(**{**one, "command": tuple(one["command"])}) for one in given[name])
    return Plan(**given)


class Council:
    """The hosts of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        common = {
            name: asdict(plan)[name]
            for name in ("virtual_address", "pki", "control_socket", "track_file", "log_directory")
        }
        self.gatekeepers = tuple(self._host(reach, common, gatekeeper=True) for reach in plan.gatekeepers)
        self.others = tuple(self._host(reach, common, gatekeeper=False) for reach in plan.others)
        self.scheduling: int | None = None
        """Policy of keepalived's VRRP process before anything was broken; None: not known yet."""

    def _host(self, reach: Reach, common: dict[str, Any], *, gatekeeper: bool) -> Host:
        return Host(reach, {**common, "address": reach.address, "gatekeeper": gatekeeper})

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All voters, the gatekeepers first."""
        return (*self.gatekeepers, *self.others)

    @property
    def witness(self) -> Host:
        """The voter that should lead."""
        return self.others[0]

    def look(self) -> dict[str, Seen | None]:
        """Every host by name; None where one can't be reached."""
        seen: dict[str, Seen | None] = {}
        for host in self.hosts:
            try:
                seen[host.name] = host.look()
            except HostError:
                seen[host.name] = None
        return seen

    def active(self) -> tuple[Host, Host]:
        """Who is active, and the other. Raises NotSoError where it isn't exactly one."""
        seen = self.look()
        active = [host for host in self.gatekeepers if (one := seen[host.name]) and one.active and one.holds]
        if len(active) != 1:
            raise NotSoError(f"active with the virtual address: {', '.join(h.name for h in active) or 'nobody'}")
        return active[0], next(host for host in self.gatekeepers if host is not active[0])

    def trouble(self, seen: dict[str, Seen | None] | None = None) -> str | None:
        """What is not as it should be between two faults, one sentence; None if all is well."""
        seen = seen or self.look()
        for host in self.hosts:
            one = seen[host.name]
            if one is None:
                return f"{host.name} cannot be reached"
            why = self._member_trouble(one) or (self._gatekeeper_trouble(one) if host in self.gatekeepers else None)
            if why:
                return f"{host.name}: {why}"
        return self._together_trouble({name: one for name, one in seen.items() if one is not None})

    def _member_trouble(self, seen: Seen) -> str | None:
        if seen.etcd is None or not seen.etcd["healthy"]:
            return "its etcd does not commit"
        return None

    def _gatekeeper_trouble(self, seen: Seen) -> str | None:
        if seen.gatekeeper is None:
            return "its gatekeeper does not answer at the control socket"
        if not seen.gatekeeper["healthy"]:
            return f"its gatekeeper is not healthy: {seen.gatekeeper['trouble']}"
        if seen.track != "0":
            return f"its track file says {seen.track}"
        if seen.keepalived is None:
            return "keepalived does not run"
        if self.scheduling is not None and seen.keepalived != self.scheduling:
            return f"keepalived is scheduled by policy {seen.keepalived} in place of {self.scheduling}"
        return None

    def _together_trouble(self, seen: dict[str, Seen]) -> str | None:
        gatekeepers = {host.name: seen[host.name] for host in self.gatekeepers}
        for what, names in (
            ("has the virtual address", [name for name, one in gatekeepers.items() if one.holds]),
            ("is active", [name for name, one in gatekeepers.items() if one.active]),
        ):
            if len(names) != 1:
                return f"{' and '.join(names) or 'nobody'} {what}"
        leaders = {one.etcd["leader"] for one in seen.values() if one.etcd}
        witness = seen[self.witness.name].etcd
        if witness is None or leaders != {witness["member"]}:
            return f"the leader of etcd is not {self.witness.name}"
        return None

    def wait_well(self, deadline: float) -> dict[str, Seen | None]:
        """The look at which all was well. Raises NotSoError with what was not when the deadline (seconds) was over."""
        seen: dict[str, Seen | None] = {}

        def well() -> str | None:
            nonlocal seen
            seen = self.look()
            return self.trouble(seen)

        wait_until(well, deadline)
        return seen

    def close(self) -> None:
        """Let go of all hosts."""
        for host in self.hosts:
            host.forget()


def wait_until(missing: Callable[[], str | None], deadline: float) -> None:
    """Look until nothing is missing. Raises NotSoError with what still was when the deadline (seconds) was over."""
    end = time.monotonic() + deadline
    while why := missing():
        if time.monotonic() > end:
            raise NotSoError(f"not within {deadline:.0f} s: {why}")
        time.sleep(LOOK)
