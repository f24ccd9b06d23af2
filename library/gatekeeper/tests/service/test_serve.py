"""The service from end to end, on one machine: datagrams in, answers out, and nothing lost that was answered."""

from __future__ import annotations

import signal
import socket
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from h323.council import RefusalName
from h323.ras import AdmissionConfirm, DisengageConfirm, RegistrationConfirm

from .guardian import HOST, Guardian, guardian, refusal_of
from .running import COMMAND, DEADLINE, Node, program, serving, stop, until, write_registry


def logged(node: Node, *kinds: str) -> bool:
    """Whether the log on disk has these messages, in this order, and no others."""
    return [line["msg_type"] for line in node.decisions()] == list(kinds)


def test_a_guardian_is_registered_admitted_and_disengaged(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node) as process, guardian("alice", node.port) as alice:
        alice.register()
        assert isinstance(alice.ask(alice.admission()), AdmissionConfirm)
        assert node.says(registrations=1, calls=1, epoch=1, store="sqlite", trouble=None)
        assert isinstance(alice.ask(alice.disengagement()), DisengageConfirm)
        assert node.says(registrations=1, calls=0)
        until(lambda: logged(node, "RRQ", "RCF", "ARQ", "ACF", "DRQ", "DCF"), "all of it is on disk")
        assert node.track_file.read_text() == "0\n"
        assert stop(process) == 0
    assert node.track_file.read_text() == "1\n"


def test_the_runbooks_commands_find_admissions_and_refusals(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node), guardian("alice", node.port) as alice, guardian("carol", node.port) as carol:
        alice.register()
        alice.ask(alice.admission())
        assert refusal_of(carol.ask(carol.admission())) is RefusalName.SUSPENDED
        until(lambda: logged(node, "RRQ", "RCF", "ARQ", "ACF", "ARQ", "ARJ"), "all of it is on disk")
    today = f"logs/h323_witness/h323_ras_{datetime.now(timezone.utc):%Y%m%d}.jsonl"

    def lines_with(text: str) -> int:
        return int(
            subprocess.run([program("grep"), "-c", text, today], cwd=tmp_path, capture_output=True, check=False).stdout
        )

    assert lines_with('"msg_type": "ARQ"') == 2
    assert lines_with('"msg_type": "ARJ"') == 1
    assert lines_with("SUSPENDED") == 1


def test_a_killed_service_has_lost_nothing_that_it_answered(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with guardian("alice", node.port) as alice:
        with serving(node) as process:
            alice.register()
            datagram = alice.signed(alice.admission())
            answer = alice.send(datagram)
            assert stop(process, signal.SIGKILL) == -signal.SIGKILL
        with serving(node):
            assert node.says(registrations=1, calls=1, epoch=2)
            assert alice.send(datagram) == answer
            until(lambda: logged(node, "RRQ", "RCF", "ARQ", "ACF"), "the log is complete")
            until(lambda: len(node.lines("ha/failover")) == 2, "both starts are on disk")
            assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
            assert node.says(registrations=1, calls=1)
    assert [line["index"] for line in node.lines()] == list(range(len(node.lines())))
    assert [line["event"] for line in node.lines("ha/failover")] == ["GATEKEEPER_START", "GATEKEEPER_START"]


def test_killed_in_the_midst_of_many_calls_it_knows_each_one_that_it_admitted(tmp_path: Path) -> None:
    node = Node(tmp_path, settings={"conference_capacity": 1_000})
    with guardian("alice", node.port) as alice:
        with serving(node) as process:
            alice.register()
            admitted = [call for call in range(20) if admit(alice, call)]
            process.kill()
        with serving(node):
            assert node.says(calls=20, registrations=1)
            answers = [alice.ask(alice.disengagement(call)) for call in admitted]
    assert len(admitted) == 20
    assert all(isinstance(answer, DisengageConfirm) for answer in answers)


def admit(alice: Guardian, call: int) -> bool:
    return isinstance(alice.ask(alice.admission(call)), AdmissionConfirm)


def test_the_other_gatekeeper_of_the_machine_takes_over(tmp_path: Path) -> None:
    store = {"kind": "sqlite", "path": str(tmp_path / "state.sqlite"), "nodes": 2}
    first, second = (Node(tmp_path / name, name, store) for name in ("gk1", "gk2"))
    with (
        guardian("alice", first.port, second.port) as alice,
        serving(first) as process,
        serving(second, active=False),
    ):
        alice.register()
        datagram = alice.signed(alice.admission())
        answer = alice.send(datagram)
        assert second.says(active=False, epoch=1)
        process.kill()
        process.wait()
        until(lambda: second.says(active=True), "the other is in office")
        assert alice.send(datagram) == answer
        assert second.says(epoch=2, registrations=1, calls=1, role="secondary")
        until(lambda: len(second.lines("ha/failover")) == 2, "the failover is on disk")
        assert 'h323_gatekeeper_failover_total{instance="gk2"} 1.0' in second.metrics()
    event = second.lines("ha/failover")[-1]
    assert event["event"] == "GATEKEEPER_FAILOVER"
    assert (event["from"], event["to"], event["calls"]) == ("gk1", "gk2", 1)
    duration = event["failover_duration_sec"]
    assert isinstance(duration, float)
    assert 0 < duration < DEADLINE


def test_a_registry_is_enforced_when_it_is_loaded_anew(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node) as process, guardian("alice", node.port) as alice:
        alice.register()
        node.registry.write_text("guardians: nobody\n")
        process.send_signal(signal.SIGHUP)
        output = tmp_path / "output"
        until(lambda: "the registry stays as it was" in output.read_text(), "the bad registry is refused")
        assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
        write_registry(node.registry, alice="revoked", bob="active")
        process.send_signal(signal.SIGHUP)
        until(lambda: node.says(registrations=0), "the revoked guardian is unregistered")
        until(lambda: node.lines()[-1]["msg_type"] == "EXPIRED", "it is on disk")
        assert refusal_of(alice.ask(alice.registration())) is RefusalName.REVOKED


def test_a_registry_that_changed_while_nobody_was_in_office_is_enforced_at_once(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node), guardian("alice", node.port) as alice, guardian("bob", node.port) as bob:
        alice.register()
        bob.register()
    write_registry(node.registry, alice="revoked", bob="active")
    with serving(node):
        until(lambda: node.says(registrations=1), "the revoked guardian is unregistered")
        until(lambda: node.lines()[-1]["msg_type"] == "EXPIRED", "it is on disk")
    assert node.lines()[-1]["terminal_id"] == "if://guardian/alice"


def test_tcp_is_accepted_for_the_runbooks_health_check(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node), socket.create_connection((HOST, node.port), DEADLINE) as tcp:
        assert tcp.recv(1) == b""


def test_a_node_whose_log_cannot_be_written_says_so_and_goes_on_where_no_other_can(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node), guardian("alice", node.port) as alice:
        until(lambda: node.lines() != [], "the term's records are on disk")
        # A folder where the day's file should be.
        today = datetime.now(timezone.utc)
        folder = tmp_path / f"logs/h323_witness/h323_ras_{today:%Y%m%d}.jsonl"
        begun = folder.rename(tmp_path / "begun.jsonl")
        folder.mkdir()
        alice.register()
        until(lambda: node.says(healthy=False), "the node notices")
        assert "h323_witness: Is a directory" in str(node.status()["trouble"])
        # docs/decisions/0011-fitness.md: a bad node is better than none.
        assert node.track_file.read_text() == "0\n"
        folder.rmdir()
        begun.rename(folder)
        until(lambda: node.says(healthy=True, trouble=None), "the node has recovered")
        until(lambda: logged(node, "RRQ", "RCF"), "what was missed is on disk")


def test_a_lost_state_file_is_not_taken_for_a_new_council(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with serving(node), guardian("alice", node.port) as alice:
        alice.register()
        until(lambda: logged(node, "RRQ", "RCF"), "it is on disk")
    for path in tmp_path.glob("state.sqlite*"):
        path.unlink()
    result = subprocess.run(
        [COMMAND, "serve", "--config", str(node.config)],
        capture_output=True,
        check=False,
        text=True,
        timeout=DEADLINE,
    )
    assert result.returncode == 2
    assert "4 records and the store knows of 0: it was replaced" in result.stderr
    assert "Traceback" not in result.stderr


def test_systemd_is_told_how_it_goes(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(DEADLINE)
        told: set[str] = set()

        def hear(*wanted: str) -> None:
            while not set(wanted) <= told:
                told.update(manager.recv(4_096).decode().splitlines())

        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "150000"}
        with serving(node, environment) as process:
            hear("READY=1", "WATCHDOG=1", "STATUS=active, epoch 1")
            told.clear()
            process.send_signal(signal.SIGHUP)
            hear("RELOADING=1", "READY=1")
            assert stop(process) == 0
            hear("STOPPING=1")
