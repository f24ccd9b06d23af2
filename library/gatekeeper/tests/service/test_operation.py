"""An operator sees calls and clears them."""

from __future__ import annotations

import json
from pathlib import Path

from h323.ras import AdmissionConfirm, DisengageRequest

from .guardian import Guardian, guardian
from .running import Node, serving, until
from .test_cli import complained, run


def admitted(alice: Guardian) -> None:
    alice.register()
    assert isinstance(alice.ask(alice.admission()), AdmissionConfirm)


def told_to_drop(alice: Guardian) -> bool:
    message = alice.receive()
    return isinstance(message, DisengageRequest) and message.disengage_reason == ("forcedDrop", None)


def test_calls_are_listed_and_cleared_and_the_terminal_is_told(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node), guardian("alice", node.port) as alice:
        socket = ("--socket", node.control_socket)
        assert (run("calls", *socket).returncode, run("calls", *socket).stdout) == (0, "")
        admitted(alice)
        (call,) = json.loads(run("calls", "--json", *socket).stdout)
        assert (call["terminal_id"], call["mcu"], call["answer_call"]) == ("if://guardian/alice", "mcu1", False)
        assert call["call_identifier"] in run("calls", *socket).stdout
        result = run("clear", call["call_identifier"], *socket)
        assert (result.returncode, result.stdout) == (0, "legs cleared: 1\n")
        assert told_to_drop(alice)
        assert node.says(calls=0, registrations=1)
        again = run("clear", call["call_identifier"], *socket)
        assert (again.returncode, again.stdout) == (1, "there is no such call\n")
        until(lambda: any(line["msg_type"] == "CLEARED" for line in node.lines()), "it is in the log")


def test_calls_are_cleared_by_conference_and_by_terminal(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node), guardian("alice", node.port) as alice:
        socket = ("--json", "--socket", node.control_socket)
        admitted(alice)
        conference = json.loads(run("calls", *socket).stdout)[0]["conference_id"]
        dashes = (
            f"{conference[:8]}-{conference[8:12]}-{conference[12:16]}-{conference[16:20]}-{conference[20:].upper()}"
        )
        assert json.loads(run("clear", "--conference", dashes, *socket).stdout) == {"cleared": 1}
        assert told_to_drop(alice)
        assert isinstance(alice.ask(alice.admission(2)), AdmissionConfirm)
        assert json.loads(run("clear", "--terminal", "if://guardian/bob", *socket).stdout) == {"cleared": 0}
        assert json.loads(run("clear", "--terminal", "if://guardian/alice", *socket).stdout) == {"cleared": 1}
        assert node.says(calls=0)


def test_what_cannot_be_cleared_costs_one_sentence(tmp_path: Path) -> None:
    node = Node(tmp_path)
    assert complained(run("calls", "--socket", node.control_socket), 2, "is the gatekeeper running?")
    assert complained(run("clear", "alice", "--socket", node.control_socket), 2, "'alice' is no identifier")


def test_a_standby_says_that_it_is_one(tmp_path: Path) -> None:
    store = {"kind": "sqlite", "path": str(tmp_path / "state.sqlite"), "nodes": 2}
    first, second = Node(tmp_path / "one", store=store), Node(tmp_path / "two", "gk2", store=store)
    with serving(first), serving(second, active=False):
        for command in (("calls",), ("clear", "--terminal", "if://guardian/alice")):
            assert complained(run(*command, "--socket", second.control_socket), 1, "this gatekeeper is not active")
