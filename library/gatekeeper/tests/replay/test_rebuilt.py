"""Whoever has all keys can change a decision and sign the log anew: then nothing but a replay finds it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from gatekeeper.core import Selection
from gatekeeper.registry import Registry
from h323.ras import PROTOCOL_IDENTIFIER, LocationRequest, ResourcesAvailableIndicate
from witness.cli import main

from library.gatekeeper.tests.core.zone import Terminal, guardian
from library.witness.tests.made_log import MadeLog, policy_text

from .replayed import OpenZone, judge, lines_of
from .test_cli import write_registry

Records = list[dict[str, object]]
ALICE = replace(guardian("alice"), pre_granted_arq=("make_call",))
REGISTRY = Registry((ALICE, guardian("bob"), guardian("carol")))
POORER = Registry((ALICE, replace(guardian("bob"), bandwidth_quota_bps=64_000), guardian("carol")))
WITHOUT_CAROL = Registry(POORER.guardians[:2])
_REFUSALS = {"RCF": "RRJ", "UCF": "URJ", "ACF": "ARJ", "BCF": "BRJ", "DCF": "DRJ", "LCF": "LRJ", "RAC": "INAK"}


@cache
def history() -> bytes:
    """A council in which each kind of decision is made."""
    zone = OpenZone(*REGISTRY.guardians)
    alice, bob, carol = (Terminal(zone, name, 101 + at) for at, name in enumerate(("alice", "bob", "carol")))
    for terminal in (alice, bob, carol):
        terminal.register()
    alice.ask(alice.report(7))  # ADOPTED
    for number in (1, 2):
        bob.ask(bob.admission(number, bandwidth_bps=128_000))
    bob.ask(bob.bandwidth(192_000, 1))
    bob.ask(where_is(bob, "carol"))
    bob.ask(where_is(bob, "nobody"))  # LRJ
    bob.ask(almost_out(bob))
    carol.ask(carol.bandwidth(64_000, 9))  # BRJ
    carol.ask(carol.disengagement(9))  # DRJ
    zone.use(POORER)  # BRQ
    zone.use(WITHOUT_CAROL)  # EXPIRED
    zone.settle(zone.gatekeeper.clear_calls(Selection(terminal_id=alice.terminal_id), zone.now)[1])
    bob.ask(bob.disengagement(2))
    bob.ask(bob.unregistration())
    return json.dumps(lines_of(zone)).encode()


def where_is(asking: Terminal, name: str) -> LocationRequest:
    return LocationRequest(
        request_seq_num=asking.next_seq(),
        endpoint_identifier=asking.endpoint_identifier,
        destination_info=(("h323-ID", name),),
        reply_address=asking.address(1719),
    )


def almost_out(terminal: Terminal) -> ResourcesAvailableIndicate:
    return ResourcesAvailableIndicate(
        request_seq_num=terminal.next_seq(),
        protocol_identifier=PROTOCOL_IDENTIFIER,
        endpoint_identifier=terminal.endpoint_identifier,
        protocols=(),
        almost_out_of_resources=True,
    )


def records() -> Records:
    found: Records = json.loads(history())
    return found


def of_kind(found: Records, kind: str) -> dict[str, object]:
    return next(one for one in found if one["msg_type"] == kind)


def findings(found: Iterable[dict[str, object]]) -> list[int]:
    walk = judge(found, REGISTRY, POORER, WITHOUT_CAROL)
    assert walk.begun
    return [one.index for one in walk.summary.findings]


def test_what_was_decided_is_justified() -> None:
    assert findings(records()) == []
    kinds = {one["msg_type"] for one in records()}
    assert kinds >= {*_REFUSALS, "BRJ", "DRJ", "LRJ", "ADOPTED", "CLEARED", "EXPIRED", "BRQ"}


@pytest.mark.parametrize("kind", _REFUSALS)
def test_a_confirmation_that_was_made_a_refusal(kind: str) -> None:
    found = records()
    told = of_kind(found, kind)
    kept = {name: told[name] for name in told if name not in ("bandwidth_bps", "destination", "aliases")}
    told.clear()
    told |= kept | {"msg_type": _REFUSALS[kind], "reason": "CAPACITY_EXCEEDED", "detail": "full"}
    assert findings(found)[0] == told["index"]


@pytest.mark.parametrize("kind", ["BRJ", "DRJ", "LRJ"])
def test_a_refusal_for_another_reason(kind: str) -> None:
    found = records()
    told = of_kind(found, kind)
    told["reason"] = "SUSPENDED"
    assert findings(found) == [told["index"]]


def another_callee(told: dict[str, object]) -> None:
    told["destination"] = "203.0.113.66:1720"


def more(told: dict[str, object]) -> None:
    told["bandwidth_bps"] = 1_000_000


def more_calls(told: dict[str, object]) -> None:
    told["calls_ended"] = 7


def of_bob(told: dict[str, object]) -> None:
    told["terminal_id"] = "if://guardian/bob"


def of_nobody(told: dict[str, object]) -> None:
    told["endpoint_identifier"] = "0" * 16


def of_another_call(told: dict[str, object]) -> None:
    told["call_identifier"] = "0" * 32


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("LCF", another_callee),
        ("ACF", more),
        ("BCF", more),
        ("BRQ", more),
        ("BRQ", of_another_call),
        ("CLEARED", more),
        ("CLEARED", of_another_call),
        ("EXPIRED", more_calls),
        ("EXPIRED", of_bob),
        ("EXPIRED", of_nobody),
        ("ADOPTED", of_nobody),
        ("ADOPTED", of_bob),
    ],
)
def test_a_decision_that_was_made_another(kind: str, change: Callable[[dict[str, object]], None]) -> None:
    found = copy.deepcopy(records())
    if kind == "BRQ":
        told = next(one for one in found if one["msg_type"] == kind and "request_digest" not in one)
    else:
        told = of_kind(found, kind)
    change(told)
    assert findings(found)[0] == told["index"]


def test_a_tree_that_was_built_anew_proves_nothing_of_a_decision(tmp_path: Path) -> None:
    registry = write_registry(tmp_path / "registry.yaml", alice="active", bob="suspended")
    zone = OpenZone(*registry.guardians)
    alice, bob = Terminal(zone, "alice"), Terminal(zone, "bob", 102)
    alice.register()
    alice.ask(alice.admission())
    bob.ask(bob.registration())
    (tmp_path / "policy").write_text(policy_text())
    true = zone.store.lines["h323_ras"]
    admitted = [line.replace(b'"bandwidth_bps": 64000, "dest', b'"bandwidth_bps": 99000, "dest') for line in true]
    assert admitted != true
    for lines, code in ((true, 0), (admitted, 1)):
        log = MadeLog(tmp_path / str(code)).write(lines)
        age = log.time(len(lines) - 1).timestamp() - zone.now.unix
        log.publish(age=age * log.step)
        arguments = (str(log.directory), "--policy", str(tmp_path / "policy"))
        assert main(["verify", str(log.folder), *arguments[1:]]) == 0
        assert main(["replay", *arguments, "--registry", str(tmp_path / "registry.yaml")]) == code
