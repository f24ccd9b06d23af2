"""When a node is called upon: by the address that moves, and for a moment by whoever is about to let go of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from gatekeeper.failover import mandate
from gatekeeper.failover.mandate import Mandate


class Address:
    """The kernel's word on the virtual address."""

    def __init__(self, _address: str) -> None:
        self.present = self.told = False

    def read(self) -> bool:
        self.present = self.told
        return self.present

    def close(self) -> None:
        return


class Node:
    """A mandate over a made-up kernel, and what it has told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.held = False
        self.let_go = False
        self.mandate = Mandate(
            "192.0.2.10",
            lambda: self.held,
            lambda here: self.told.append("came" if here else "left"),
            lambda: self.told.append("stayed away"),
            self.has_let_go,
        )
        self.readers: dict[object, Callable[[], None]] = {}

    def has_let_go(self) -> bool:
        """Whether whoever had the address has left office; asked for once more, it has come back to it."""
        let_go, self.let_go = self.let_go, False
        return let_go

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "add_reader", self.readers.__setitem__)
        monkeypatch.setattr(loop, "remove_reader", self.readers.pop)
        self.mandate.open()

    def move(self, *, here: bool) -> None:
        for address, changed in self.readers.items():
            assert isinstance(address, Address)
            address.told = here
            changed()


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setattr(mandate, "VirtualAddress", Address)
    monkeypatch.setattr(mandate, "INVITED", 0.01)
    return Node()


def play(node: Node, monkeypatch: pytest.MonkeyPatch, scenario: Callable[[], object]) -> None:
    """Open, play, and let every invitation's time pass."""

    async def run() -> None:
        node.open(monkeypatch)
        scenario()
        await asyncio.sleep(0.05)
        node.mandate.changed.clear()
        assert node.mandate.called_upon is node.mandate.has_virtual_address
        node.mandate.close()

    asyncio.run(run())


def test_an_invited_node_is_called_upon_at_once_and_not_for_long(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def scenario() -> None:
        node.mandate.changed.clear()
        assert not node.mandate.called_upon
        node.mandate.invite()
        node.mandate.invite()
        assert node.mandate.called_upon
        assert node.mandate.changed.is_set()
        node.held = True
        assert not node.mandate.called_upon, "it hands over itself"
        node.held = False

    play(node, monkeypatch, scenario)
    assert node.told == ["stayed away"]


def test_an_address_that_is_on_its_way_is_waited_for(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def scenario() -> None:
        node.let_go = True
        node.mandate.invite()
        node.mandate._end_invitation()
        node.mandate._expire()
        assert node.mandate.called_upon
        assert node.told == []

    play(node, monkeypatch, scenario)
    assert node.told == ["stayed away"], "it no longer was"


def test_the_address_that_follows_ends_the_invitation(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def scenario() -> None:
        node.mandate.invite()
        node.move(here=True)
        assert node.mandate.called_upon
        node.move(here=False)
        assert not node.mandate.called_upon, "it was for the address that came, and that is gone"

    play(node, monkeypatch, scenario)
    assert node.told == ["came", "left"]


def test_who_has_the_address_needs_no_invitation(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def scenario() -> None:
        node.move(here=True)
        node.mandate.invite()
        node.move(here=False)
        assert not node.mandate.called_upon

    play(node, monkeypatch, scenario)


def test_a_closed_mandate_tells_nobody_anything(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def scenario() -> None:
        node.mandate.invite()
        node.mandate.close()
        node.mandate.open()

    play(node, monkeypatch, scenario)
    assert node.told == []
