"""Both gatekeepers on one machine, configured as docs/runbook.md shows it; only the ports are other ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from h323.ras import (
    AdmissionConfirm,
    AlternateGK,
    DisengageConfirm,
    GatekeeperConfirm,
    GatekeeperReject,
    RegistrationConfirm,
    TransportAddress,
)

from .guardian import guardian
from .running import Node, free_port, serving, until

RUNBOOK = Path(__file__).resolve().parents[4] / "docs" / "runbook.md"
ROLES = ("primary", "secondary")


def documented(role: str) -> dict[str, Any]:
    """The configuration file of this role, from the runbook."""
    found = re.search(rf"^```yaml {role}\n(.*?)^```$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found, f"docs/runbook.md has no configuration of the {role}"
    values: dict[str, Any] = yaml.safe_load(found[1])
    return values


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Node, Node]:
    ports = {1719: free_port(), 1720: free_port()}
    nodes = []
    for role in ROLES:
        values = documented(role)
        ras, (alternate,) = values["ras"], values["alternates"]
        moved = {
            "registry": str(tmp_path / role / "guardian-registry.yaml"),
            "signing_key": str(tmp_path / role / "gatekeeper-key.pem"),
            "log_directory": str(tmp_path / values["log_directory"]),
            "control_socket": str(tmp_path / values["control_socket"]),
            "ras": {**ras, "port": ports[ras["port"]]},
            "alternates": [{**alternate, "port": ports[alternate["port"]]}],
            "metrics": {"port": 0},
        }
        store = {**values["store"], "path": str(tmp_path / "state.sqlite")}
        settings = {**values, **moved, "store": store, "track_file": str(tmp_path / role / "track")}
        nodes.append(Node(tmp_path / role, role, store, settings, ports[ras["port"]]))
    return nodes[0], nodes[1]


def ports_of(gatekeepers: tuple[AlternateGK, ...] | None) -> list[int]:
    def port(address: TransportAddress) -> int:
        assert address[0] == "ipAddress"
        return address[1].port

    return [port(one.ras_address) for one in gatekeepers or ()]


def test_the_runbook_has_the_users_ports() -> None:
    said = {role: (documented(role)["ras"], documented(role)["alternates"]) for role in ROLES}
    first, second = ({"address": "127.0.0.1", "port": port} for port in (1719, 1720))
    assert said == {"primary": (first, [second]), "secondary": (second, [first])}


def test_each_names_the_other_and_takes_over_from_it(pair: tuple[Node, Node]) -> None:
    primary, secondary = pair
    with (
        guardian("alice", primary.port, secondary.port) as alice,
        guardian("bob", primary.port) as bob,
        guardian("bob", secondary.port) as lost,
        serving(primary) as process,
        serving(secondary, active=False),
    ):
        found = bob.ask(bob.discovery())
        assert isinstance(found, GatekeeperConfirm)
        assert ports_of(found.alternate_gatekeeper) == [secondary.port]
        sent_on = lost.ask(lost.discovery())
        assert isinstance(sent_on, GatekeeperReject)
        assert sent_on.alt_gk_info is not None
        assert ports_of(sent_on.alt_gk_info.alternate_gatekeeper) == [primary.port]
        alice.register()
        for call in range(10, 20):
            assert isinstance(alice.ask(alice.admission(call)), AdmissionConfirm)
        datagram = alice.signed(alice.admission())
        answer = alice.send(datagram)
        # Nothing is between the answer and the end: what was acknowledged must be there all the same.
        process.kill()
        process.wait()
        until(lambda: secondary.says(active=True), "the secondary is in office")
        assert alice.send(datagram) == answer
        assert secondary.says(role="secondary", registrations=1, calls=11)
        assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
        for call in range(10, 20):
            assert isinstance(alice.ask(alice.disengagement(call)), DisengageConfirm)
        assert secondary.says(calls=1)
        assert isinstance(alice.ask(alice.admission(2)), AdmissionConfirm)
        with serving(primary, active=False):
            assert isinstance(lost.ask(lost.discovery()), GatekeeperConfirm)
            assert isinstance(bob.ask(bob.discovery()), GatekeeperReject)
            assert primary.says(active=False, healthy=True)
