"""The two gatekeepers of one machine hear of each other."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from .running import DEADLINE, Node, free_port, serving, until


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
        assert set(peer["witness_records"]) == {"h323_ras", "failover"}
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
                assert said(second, "leaving") is None
                process.send_signal(signal.SIGTERM)
                until(lambda: said(second, "leaving") == "service stopped", "the second hears why")
                assert process.wait(DEADLINE) == 0


def test_a_single_gatekeeper_hears_nobody(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node):
        assert node.says(peer=None, peer_age=None)
