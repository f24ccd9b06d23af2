"""Two gatekeepers on a real etcd: whoever answers, answers from the same state, and both have the same log."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from h323.ras import DisengageConfirm, RegistrationConfirm
from witness.cli import main

from .guardian import guardian
from .running import Node, serving, until

Etcd = tuple[dict[str, object], subprocess.Popen[bytes]]


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_a_dead_gatekeepers_registrations_calls_and_answers_are_the_others(tmp_path: Path, etcd: Etcd) -> None:
    first, second = (Node(tmp_path / name, name, etcd[0]) for name in ("gk1", "gk2"))
    with (
        guardian("alice", first.port, second.port) as alice,
        serving(first) as process,
        serving(second, active=False),
    ):
        alice.register()
        datagram = alice.signed(alice.admission())
        answer = alice.send(datagram)
        until(lambda: first.octets() == second.octets() and len(second.decisions()) == 4, "both have the same log")
        end(process)
        assert alice.send(datagram) == answer
        assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
        assert isinstance(alice.ask(alice.disengagement()), DisengageConfirm)
        assert second.says(active=True, epoch=2, registrations=1, calls=0, store="etcd")
        with serving(first, active=False):
            until(lambda: first.octets() == second.octets() and len(first.decisions()) == 6, "the log is whole again")
    assert [line["epoch"] for line in first.decisions()] == [1, 1, 1, 1, 2, 2]
    for node in (first, second):
        assert main(["replay", str(node.folder / "logs")]) == 0, "the log justifies each decision, across the failover"
    assert [line["event"] for line in first.lines("ha/failover")] == ["GATEKEEPER_START", "GATEKEEPER_FAILOVER"]


def test_without_its_store_a_gatekeeper_is_silent_and_unfit_and_then_goes_on(tmp_path: Path, etcd: Etcd) -> None:
    node = Node(tmp_path / "gk1", "gk1", etcd[0])
    with serving(node), guardian("alice", node.port) as alice:
        alice.register()
        etcd[1].send_signal(signal.SIGSTOP)
        until(lambda: node.says(active=False), "it no longer answers")
        until(lambda: node.track_file.read_text() == "1\n", "keepalived is told")
        assert str(node.status()["trouble"]).startswith("no quorum: ")
        until(lambda: "etcd at https://" in str(node.status()["trouble"]), "it says who does not answer")
        assert 'h323_gatekeeper_quorum{instance="gk1"} 0.0' in node.metrics()
        etcd[1].send_signal(signal.SIGCONT)
        until(lambda: node.says(active=True, healthy=True), "it goes on")
        assert node.says(epoch=1, registrations=1)
        assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
