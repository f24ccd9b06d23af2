"""What the failover record says of the old one."""

from __future__ import annotations

import asyncio
import math
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from gatekeeper.failover.host import ask_host
from gatekeeper.failover.peer import Return
from gatekeeper.failover.previous_end import read_previous_end
from gatekeeper.failover.record import Predecessor, cause, duration, what_happened
from gatekeeper.failover.sign_of_life import PeerSign

SIGN = PeerSign("gk1", "primary", 7, True, True, None, True)
NOW = 1_000.0


def old(active_at: float = -math.inf, commit_seen: float = -math.inf, answered_at: float = -math.inf) -> Predecessor:
    return Predecessor("gk1", active_at, commit_seen, SIGN, active_at, answered_at)


@pytest.mark.parametrize(
    ("predecessor", "seconds"),
    [
        (old(active_at=NOW - 0.15), 0.15),
        (old(commit_seen=NOW - 0.2), 0.2),
        (old(NOW - 0.15, NOW - 0.2), 0.15),
        (old(NOW - 0.9, NOW - 0.2), 0.2),
        (old(NOW - 0.15, answered_at=NOW - 0.03), 0.03),
        (old(NOW - 0.15, answered_at=NOW - 0.3), 0.15),
        (old(answered_at=NOW + 0.05), 0.0),
        (old(), 3_600.0),
    ],
)
def test_the_latest_proof_counts_and_the_stores_clock_only_without_any(
    predecessor: Predecessor, seconds: float
) -> None:
    assert duration(predecessor, NOW, told=3_600.0) == pytest.approx(seconds)


def test_a_skewed_clock_never_makes_a_duration_negative() -> None:
    assert duration(old(), NOW, told=-3_600.0) == 0.0


def test_the_cause_is_what_the_old_one_said() -> None:
    said = replace(old(NOW - 0.02, NOW - 0.01), left="step-down by the operator: new disk")
    assert cause(said, NOW) == "step-down by the operator: new disk"


def test_or_what_is_known_of_its_silence() -> None:
    troubled = PeerSign("gk1", "primary", 7, True, False, "the disk is full", True)
    host = "its host answers, its service is down"
    silent = Predecessor("gk1", NOW - 1.0, NOW - 0.15, troubled, NOW - 0.15, host=host)
    assert (
        cause(silent, NOW)
        == "gk1 fell silent; its last trouble: the disk is full; its host answers, its service is down"
    )
    assert cause(old(NOW - 0.15), NOW) == "gk1 fell silent; its host did not answer at once"
    unheard = Predecessor("gk1", -math.inf, NOW - 0.15)
    assert cause(unheard, NOW).startswith("gk1 fell silent; it gave no sign of life since this node was started")


def test_or_that_it_is_not_silent_at_all() -> None:
    assert cause(old(NOW - 0.03), NOW) == "office was taken while gk1 still gives signs of life"


def test_whoever_returns_says_how_its_service_ended() -> None:
    told = replace(SIGN, previous_end="it was ended by SIGKILL")
    assert what_happened(Return(told, 7.0, restarted=True)) == "it was ended by SIGKILL"
    assert what_happened(Return(SIGN, 7.0, restarted=True)).startswith("it does not know")
    assert what_happened(Return(told, 7.0, restarted=False)).startswith("its service ran on")


def test_a_host_without_its_service_refuses_and_one_with_it_does_not() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = listener.getsockname()
        assert asyncio.run(ask_host(address)) == "its host answers, its service is down"
        listener.listen()
        assert asyncio.run(ask_host(address)) == "its host answers, and has the service's port open"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("success exited 0", "it was stopped"),
        ("signal killed KILL", "it was ended by SIGKILL"),
        ("core-dump dumped SEGV", "it was ended by SIGSEGV"),
        ("exit-code exited 1", "it ended with exit code 1"),
        ("watchdog dumped ABRT", "the service manager killed it for being stuck (SIGABRT)"),
        ("oom-kill killed KILL", "the kernel killed it for want of memory"),
        ("resources  ", "it ended: resources"),
        ("", None),
    ],
)
def test_how_the_service_ended(tmp_path: Path, said: str, sentence: str | None) -> None:
    path = tmp_path / "previous-end"
    assert read_previous_end(path) is None
    path.write_text(said + "\n", encoding="ascii")
    assert read_previous_end(path) == sentence
