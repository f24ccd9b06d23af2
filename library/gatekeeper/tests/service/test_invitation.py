"""Whoever was asked to take office is told when that is no longer meant."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.registry import load_registry
from gatekeeper.server import Server
from gatekeeper.settings import load_settings
from gatekeeper.store.sqlite import SqliteStore

from .guardian import IDENTIFIER, private_key
from .running import Node


def test_a_switch_that_is_not_made_asks_nobody_any_longer(tmp_path: Path) -> None:
    node = Node(tmp_path)
    settings = load_settings(node.config)
    store = SqliteStore(tmp_path / "state.sqlite")
    server = Server(settings, load_registry(settings.registry), private_key(IDENTIFIER), store)
    server._peer.leave("new disk", successor="gk2")
    server._duty.go_on()
    assert server._peer.leaving is None
