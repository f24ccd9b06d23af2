"""The two gatekeepers of one machine hear of each other."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from h323.ras import RegistrationConfirm

from .guardian import guardian
from .running import COMMAND, DEADLINE, Node, free_port, serving, stop, until


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Node, Node]:
    ports = (free_port(), free_port())
    store = {"kind": "sqlite", "path": str(tmp_path / "state.sqlite"), "nodes": 2}
    nodes = [
        Node(tmp_path / name, name, store, {"alternates": [{"address": "127.0.0.1", "port": other}]}, port)
        for name, port, other in (("gk1", ports[0], ports[1]), ("gk2", ports[1], ports[0]))
    ]
    return nodes[0], nodes[1]


def said(node: Node, of: str) -> object:
    """What the node has heard the other one say."""
    peer = node.status()["peer"]
    return peer[of] if isinstance(peer, dict) else None


def test_each_knows_how_the_other_is(pair: tuple[Node, Node]) -> None:
    first, second = pair
    with serving(first) as process, serving(second, active=False):
        until(lambda: said(second, "active") is True, "the second hears that the first is in office")
        until(lambda: said(first, "fit") is True, "the first hears that the second is fit")
        peer = first.status()["peer"]
        assert isinstance(peer, dict)
        assert (peer["node"], peer["role"], peer["active"], peer["has_quorum"]) == ("gk2", "secondary", False, True)
        assert set(peer["witness_records"]) == {"h323_ras", "gateway", "failover"}
        assert 'h323_gatekeeper_peer_fit{instance="gk1"} 1.0' in first.metrics()
        process.send_signal(signal.SIGSTOP)
        until(lambda: second.status()["peer"] is None, "the second notices that the first is frozen")
        assert 'h323_gatekeeper_peer_fit{instance="gk2"} 0.0' in second.metrics()
        process.send_signal(signal.SIGCONT)
        until(lambda: said(second, "node") == "gk1", "the second hears the first again")
        until(lambda: said(first, "node") == "gk2", "the first hears the second again")


def test_whoever_stops_says_so_and_is_heard_after_a_restart(pair: tuple[Node, Node]) -> None:
    first, second = pair
    with serving(second):
        for _ in range(2):
            with serving(first, active=False) as process:
                until(lambda: said(second, "node") == "gk1", "the second hears the first")
                # The last sign of before the restart counts for a second.
                until(lambda: said(second, "leaving") is None, "the second hears that the first is back")
                assert said(second, "node") == "gk1"
                process.send_signal(signal.SIGTERM)
                until(lambda: said(second, "leaving") == "service stopped", "the second hears why")
                assert process.wait(DEADLINE) == 0


def failovers(node: Node) -> list[dict[str, object]]:
    """The records of failovers on this node's disk."""
    return [line for line in node.lines("ha/failover") if line["event"] == "GATEKEEPER_FAILOVER"]


def failover(node: Node) -> dict[str, object]:
    """The last one."""
    return failovers(node)[-1]


def until_recorded(node: Node, cause: str) -> None:
    until(lambda: [line.get("cause") for line in node.lines("ha/failover")][-1] == cause, f"the record says {cause}")


def until_serving(node: Node) -> None:
    until(lambda: node.says(active=True, registrations=1), f"{node.name} is in office with what there is")


def until_standing_by(node: Node) -> None:
    until(lambda: node.says(active=False, healthy=True), f"{node.name} stands by")
    until(lambda: node.track_file.read_text(encoding="ascii") == "0\n", f"{node.name} is fit")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)


def test_an_operator_switches_and_switches_back(pair: tuple[Node, Node]) -> None:
    first, second = pair
    with (
        guardian("alice", first.port, second.port) as alice,
        serving(first),
        serving(second, active=False),
    ):
        alice.register()
        until(lambda: said(first, "fit") is True and said(second, "active") is True, "they hear each other")
        for node, other, reason in ((first, second, "new disk"), (second, first, "and back")):
            socket = str(node.control_socket)
            done = command("step-down", "--socket", socket, "--json", "--reason", reason)
            assert done.returncode == 0, done.stdout
            assert json.loads(done.stdout)["to"] == other.name
            until_serving(other)
            until_recorded(other, f"step-down by the operator: {reason}")
            until_standing_by(node)
        record = failover(first)
        assert (record["from"], record["to"], record["epoch"]) == ("gk2", "gk1", 3)
        assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)


def test_it_is_refused_by_whoever_has_no_office_and_without_a_successor(pair: tuple[Node, Node]) -> None:
    first, second = pair
    with serving(first):
        alone = command("step-down", "--socket", str(first.control_socket))
        assert (alone.returncode, alone.stdout) == (1, "")
        assert "gave no sign of life" in alone.stderr
        with serving(second, active=False):
            standby = command("step-down", "--socket", str(second.control_socket), "--force", "--json")
            assert standby.returncode == 1
            assert "not active" in json.loads(standby.stdout)["problems"][0]
        forced = command("step-down", "--socket", str(first.control_socket), "--force")
        assert forced.returncode == 1
        assert "did not take over within 2 s" in forced.stderr
        until(lambda: first.says(active=True), "it takes office back")


def test_the_record_says_why_the_old_one_went_and_how_it_came_back(pair: tuple[Node, Node]) -> None:
    first, second = pair
    with serving(first) as process, serving(second, active=False):
        until(lambda: said(second, "active") is True, "the second hears the first")
        process.kill()
        process.wait()
        until(lambda: second.says(active=True), "the second is in office")
        until(lambda: bool(failovers(second)), "the record is on disk")
        record = failover(second)
        assert record["cause"] == "gk1 fell silent; its host answers, its service is down"
        seconds = record["failover_duration_sec"]
        assert isinstance(seconds, float)
        assert f'failover_duration_seconds{{instance="gk2"}} {seconds}' in second.metrics()
        first.track_file.with_name("previous-end").write_text("signal killed KILL\n", encoding="ascii")
        with serving(first, active=False):
            until(lambda: second.lines("ha/failover")[-1]["event"] == "GATEKEEPER_RETURNED", "its return is recorded")
            returned = second.lines("ha/failover")[-1]
            assert (returned["returned"], returned["previous_end"]) == ("gk1", "it was ended by SIGKILL")


def test_a_stopped_gatekeeper_hands_over_at_once(pair: tuple[Node, Node]) -> None:
    first, second = pair
    with serving(first) as process, serving(second, active=False):
        until(lambda: said(second, "active") is True, "the second hears the first")
        assert stop(process) == 0
        until(lambda: second.says(active=True), "the second is in office")
        until(lambda: bool(second.lines("ha/failover")[1:]), "the record is on disk")
        assert failover(second)["cause"] == "service stopped"


def test_a_single_gatekeeper_hears_nobody(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node):
        assert node.says(peer=None, peer_age=None)
