"""Two gatekeepers and an etcd of three, of which two die: nobody decides, and the holder of the address says so."""

from __future__ import annotations

import contextlib
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from h323.council import RefusalName
from h323.ras import (
    AdmissionConfirm,
    AdmissionReject,
    RasMessage,
    RegistrationConfirm,
    RegistrationReject,
    RequestInProgress,
    decode,
)

from .guardian import Guardian, guardian, refusal_of
from .running import Node, free_port, serving, until

OWN = {"gk1": "127.0.0.2", "gk2": "127.0.0.3"}
SHARED, NOBODYS = "127.0.0.1", "192.0.2.10"
"""Loopback is always there, and so gk1 always holds it; an address of documentation never comes to gk2."""
PATIENCE = 20.0
Etcd = tuple[dict[str, object], list[subprocess.Popen[bytes]]]


def make_node(folder: Path, name: str, store: dict[str, object], port: int) -> Node:
    (other,) = OWN.keys() - {name}
    ras = {"address": OWN[name], "port": port, "virtual_address": SHARED if name == "gk1" else NOBODYS}
    settings = {"ras": ras, "alternates": [{"address": OWN[other], "port": port}]}
    return Node(folder / name, name, store, settings, port)


def answers_to(alice: Guardian, datagram: bytes) -> Iterator[RasMessage]:
    """Everything that is answered to a request, also RIP, as it comes; it is sent again while more is asked for."""
    number = getattr(decode(datagram), "request_seq_num", None)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        alice._socket.sendto(datagram, (SHARED, alice._ports[0]))
        while select.select([alice._socket], [], [], 0.2)[0]:
            with contextlib.suppress(ConnectionError):
                answer = decode(alice._socket.recv(65_535))
                if getattr(answer, "request_seq_num", None) == number:
                    yield answer
    raise AssertionError("no answer")


def answer_to(alice: Guardian, message: RasMessage) -> RasMessage:
    """The first answer, also where it is a RIP."""
    return next(answers_to(alice, alice.signed(message)))


def refusal_for(alice: Guardian, make: Callable[[], RasMessage]) -> RasMessage:
    """What refuses a request, made and signed anew each time: those made in the first seconds are held."""
    while True:
        answer = answer_to(alice, make())
        if not isinstance(answer, RequestInProgress):
            return answer


def test_while_nobody_can_decide_the_holder_of_the_address_says_so_and_nothing_ends(
    tmp_path: Path, etcd_of_three: Etcd
) -> None:
    port, (store, members) = free_port(), etcd_of_three
    first, second = (make_node(tmp_path, name, store, port) for name in OWN)
    with serving(first), serving(second, active=False), guardian("alice", port) as alice:
        alice.register()
        alice.ask(alice.admission())
        until(lambda: first.status()["peer"] is not None, "they hear each other")
        for process in members[1:]:
            process.send_signal(signal.SIGSTOP)
        until(lambda: first.says(caretaker=True), "it refuses for want of a quorum")
        assert first.says(active=False, healthy=False, fit=True, quorum=False)
        assert first.track_file.read_text() == "0\n"
        assert 'h323_gatekeeper_caretaker{instance="gk1"} 1.0' in first.metrics()
        assert second.says(caretaker=False)
        refused = refusal_for(alice, lambda: alice.admission(2))
        assert isinstance(refused, AdmissionReject)
        assert refused.reject_reason == ("undefinedReason", None)
        assert refusal_of(refused) is RefusalName.GATEKEEPER_ERROR
        assert isinstance(refusal_for(alice, alice.registration), RegistrationReject)
        assert isinstance(answer_to(alice, alice.registration(keep_alive=True)), RequestInProgress)
        assert isinstance(answer_to(alice, alice.disengagement()), RequestInProgress)
        records = len(first.lines())
        for process in members[1:]:
            process.send_signal(signal.SIGCONT)
        until(lambda: first.says(active=True, caretaker=False, registrations=1), "it is in office again")
        assert len(first.lines()) >= records
        assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
        until(lambda: first.says(healthy=True, quorum=True, trouble=None), "nothing is wrong any more")


def test_what_was_under_way_when_the_quorum_was_lost_is_held_and_never_refused(
    tmp_path: Path, etcd_of_three: Etcd
) -> None:
    port, (store, members) = free_port(), etcd_of_three
    first, second = (make_node(tmp_path, name, store, port) for name in OWN)
    with serving(first), serving(second, active=False), guardian("alice", port) as alice:
        alice.register()
        until(lambda: first.status()["peer"] is not None, "they hear each other")
        for process in members[1:]:
            process.send_signal(signal.SIGSTOP)
        asked = alice.signed(alice.admission())
        answers = answers_to(alice, asked)
        # While its term lasts, the gatekeeper itself says that it takes longer.
        assert isinstance(next(answers), RequestInProgress)
        until(lambda: first.says(caretaker=True), "it refuses for want of a quorum")
        for _ in range(3):
            assert isinstance(next(answers), RequestInProgress)
        assert 'message="ARQ",result="held"' in first.metrics().replace(", ", ",")
        assert isinstance(refusal_for(alice, lambda: alice.admission(2)), AdmissionReject)
        for process in members[1:]:
            process.send_signal(signal.SIGCONT)
        last = next(answer for answer in answers if not isinstance(answer, RequestInProgress))
        assert isinstance(last, AdmissionConfirm)
        until(lambda: first.says(active=True, calls=1), "it is in office again, and the call is admitted")
        until(lambda: decisions(first) == ["ACF"] == decisions(second), "the one decision is on the disks")


def decisions(node: Node) -> list[object]:
    """What the log says was decided on admissions."""
    return [record["msg_type"] for record in node.lines() if record["msg_type"] in ("ACF", "ARJ")]


def test_whoever_is_alone_and_holds_the_address_without_a_quorum_gives_it_up(
    tmp_path: Path, etcd_of_three: Etcd
) -> None:
    port, (store, members) = free_port(), etcd_of_three
    node = make_node(tmp_path, "gk1", store, port)
    with serving(node), guardian("alice", port) as alice:
        alice.register()
        for process in members[1:]:
            process.kill()
        until(lambda: node.track_file.read_text() == "1\n", "it gives the address up")
        assert node.says(caretaker=False, fit=False, active=False)
        assert str(node.status()["trouble"]).startswith("no quorum: ")
