"""Who should have the virtual address: the verdict, how it is damped, and what it is made of."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from gatekeeper.failover.damping import LONGEST_WAIT, REMEMBERED, Damping
from gatekeeper.failover.disk import disk_trouble
from gatekeeper.failover.fitness import Situation, asks_for_holder, judge
from gatekeeper.failover.neighbour import Holder, Neighbour, holder
from gatekeeper.failover.sign_of_life import PeerSign
from hypothesis import given
from hypothesis import strategies as st

from .running import program

PEER = PeerSign("gk2", "secondary", 7, active=False, fit=True, trouble=None, has_quorum=True)
GOOD = Situation(
    now=1_000.0,
    started=0.0,
    answered=999.9,
    store_trouble="etcd at https://192.0.2.11:2379: no answer in time",
    log_trouble=None,
    disk_trouble=None,
    holds_address=True,
    peer=PEER,
    nobody_holds_address=False,
    was_caretaker=False,
)
FULL = replace(GOOD, disk_trouble="/var/log is full")
SILENT = replace(GOOD, answered=990.0)
NO_QUORUM_THERE = replace(PEER, has_quorum=False, fit=False, trouble="no quorum")


def test_a_node_of_which_nothing_bad_is_known_is_fit() -> None:
    verdict = judge(GOOD)
    assert (verdict.trouble, verdict.well, verdict.caretaker) == (None, True, False)


def test_an_election_is_no_trouble() -> None:
    assert judge(replace(GOOD, answered=997.1)) == judge(GOOD)


def test_before_the_first_answer_of_the_store_a_node_is_not_fit() -> None:
    verdict = judge(replace(GOOD, answered=None, started=999.0))
    assert (verdict.trouble, verdict.well) == ("the store has not answered yet", False)


def test_a_stepped_clock_gives_the_address_only_to_a_node_that_is_known_to_be_better() -> None:
    stepped = replace(GOOD, clock_trouble="clock: stepped")
    assert (judge(stepped).trouble, judge(stepped).well) == ("clock: stepped", False)
    assert judge(replace(stepped, peer=None)).well


def test_a_full_disk_gives_the_address_only_to_a_node_that_is_known_to_be_better() -> None:
    assert not judge(FULL).well
    assert judge(FULL).trouble == "/var/log is full"
    for peer in (None, replace(PEER, fit=False), replace(PEER, has_quorum=False)):
        verdict = judge(replace(FULL, peer=peer))
        assert (verdict.well, verdict.trouble) == (True, "/var/log is full")


def test_a_log_that_is_not_what_it_should_be_is_never_written_on() -> None:
    for peer in (None, PEER, replace(PEER, fit=False)):
        assert not judge(replace(GOOD, log_trouble="it was replaced", peer=peer)).well
        assert not judge(replace(SILENT, log_trouble="it was replaced", peer=peer)).well


def test_whoever_is_cut_off_gives_the_address_up() -> None:
    for peer in (None, PEER):
        verdict = judge(replace(SILENT, peer=peer))
        assert (verdict.well, verdict.caretaker) == (False, False)
        assert verdict.trouble is not None
        assert verdict.trouble.startswith("no quorum: the store has not answered for 10 s")
        assert "docs/runbook.md#quorum-lost" in verdict.trouble
        assert "etcd at https://192.0.2.11:2379" in verdict.trouble


def test_where_nobody_has_a_quorum_the_holder_keeps_the_address_and_says_so() -> None:
    verdict = judge(replace(SILENT, peer=NO_QUORUM_THERE))
    assert (verdict.well, verdict.caretaker) == (True, True)
    other = judge(replace(SILENT, peer=NO_QUORUM_THERE, holds_address=False))
    assert (other.well, other.caretaker) == (True, False)


def test_a_node_that_is_alone_takes_the_address_only_where_nobody_answers_for_it() -> None:
    alone = replace(SILENT, peer=None, holds_address=False)
    assert asks_for_holder(alone)
    assert not judge(alone).well
    verdict = judge(replace(alone, nobody_holds_address=True))
    assert (verdict.well, verdict.caretaker) == (True, True)
    # It has it now, and keeps it; another start, and nobody knows whether anybody else has it.
    assert judge(replace(SILENT, peer=None, was_caretaker=True)).caretaker
    assert not judge(replace(SILENT, peer=None)).well
    for other in (GOOD, SILENT, replace(alone, peer=PEER), replace(alone, answered=996.0)):
        assert not asks_for_holder(other)


def test_a_caretaker_ends_where_somebody_can_decide() -> None:
    caretaker = replace(SILENT, was_caretaker=True)
    assert not judge(replace(caretaker, peer=PEER)).well
    assert not judge(replace(GOOD, was_caretaker=True)).caretaker


SITUATIONS = st.builds(
    Situation,
    now=st.just(1_000.0),
    started=st.floats(0.0, 1_000.0),
    answered=st.none() | st.floats(0.0, 1_000.0),
    store_trouble=st.just("no answer"),
    log_trouble=st.sampled_from([None, "replaced"]),
    disk_trouble=st.sampled_from([None, "full"]),
    holds_address=st.booleans(),
    peer=st.none() | st.builds(replace, st.just(PEER), fit=st.booleans(), has_quorum=st.booleans()),
    nobody_holds_address=st.booleans(),
    was_caretaker=st.booleans(),
)


@given(SITUATIONS)
def test_nobody_is_caretaker_while_anybody_is_known_to_decide(situation: Situation) -> None:
    verdict = judge(situation)
    if verdict.caretaker:
        assert verdict.well
        assert situation.peer is None or not situation.peer.has_quorum
        assert situation.answered is None or situation.now - situation.answered > 3.0
    if not verdict.well:
        assert verdict.trouble


Step = tuple[float, bool, bool]
STEPS = st.lists(st.tuples(st.floats(0.01, 30.0), st.booleans(), st.booleans()), max_size=60)


@given(STEPS)
def test_who_fell_is_believed_only_after_the_wait_and_in_the_end(steps: list[Step]) -> None:
    damping, now, fit, since, falls = Damping(), 0.0, False, None, list[float]()
    for gap, well, needed in steps:
        now += gap
        before, fit = fit, damping.judge(now, well=well, needed=needed)
        falls = [fall for fall in falls if now - fall <= REMEMBERED][-16:]
        if not well:
            assert not fit
            falls += [now] if before else []
            since = None
            continue
        since = now if since is None else since
        wait = min(LONGEST_WAIT, 2.0 ** (len(falls) - 1)) if falls else 0.0
        assert fit is (before or needed or now - since >= wait)
        left = damping.remaining(now)
        assert (left is None) is fit
        assert left is None or left == pytest.approx(since + wait - now)


@given(STEPS)
def test_a_node_that_stays_well_is_fit_after_a_minute_whatever_it_was_before(steps: list[Step]) -> None:
    damping, now = Damping(), 0.0
    for gap, well, needed in steps:
        now += gap
        damping.judge(now, well=well, needed=needed)
    damping.judge(now, well=True, needed=False)
    assert damping.judge(now + LONGEST_WAIT, well=True, needed=False)


def test_the_wait_doubles_up_to_a_minute_and_is_forgotten_after_five() -> None:
    damping, now, waits = Damping(), 0.0, []
    for _ in range(9):
        damping.judge(now, well=True, needed=True)
        damping.judge(now, well=False, needed=False)
        damping.judge(now, well=True, needed=False)
        waits.append(damping.remaining(now))
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    now += 301.0
    assert damping.judge(now, well=True, needed=False)
    assert damping.wait == 0.0


# RTM_NEWNEIGH as Linux 6.1 sends it for `ip -4 neighbour`: 192.0.2.10 on interface 2 in the state given.
def neighbour(state: int, address: str = "192.0.2.10", kind: int = 28) -> bytes:
    attributes = struct.pack("=HH4s", 8, 1, socket.inet_aton(address)) + struct.pack("=HHI", 8, 4, 1)
    body = struct.pack("=BBHiHBB", 2, 0, 0, 2, state, 0, 1) + attributes
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def test_the_neighbour_table_is_read() -> None:
    states = {0x01: Holder.NOBODY, 0x20: Holder.NOBODY, 0x02: Holder.SOMEBODY}
    for state in (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0):
        assert holder(neighbour(state), "192.0.2.10") is states.get(state, Holder.UNKNOWN)
    table = neighbour(0x02, "192.0.2.12") + neighbour(0x20) + neighbour(0x02, kind=29)
    assert holder(table, "192.0.2.10") is Holder.NOBODY
    assert holder(table, "192.0.2.11") is None
    assert holder(neighbour(0x20) + neighbour(0x02), "192.0.2.10") is Holder.SOMEBODY


@given(st.binary(max_size=120))
def test_any_octets_are_survived(octets: bytes) -> None:
    holder(octets, "192.0.2.10")
    holder(neighbour(0x20) + octets, "192.0.2.10")


@given(st.integers(0, 43), st.integers(0, 255))
def test_a_damaged_message_is_survived(place: int, value: int) -> None:
    damaged = bytearray(neighbour(0x20))
    damaged[place] = value
    holder(bytes(damaged), "192.0.2.10")
    holder(neighbour(0x20)[:place], "192.0.2.10")


def test_the_kernel_is_asked() -> None:
    """Loopback has no neighbours: of an address there nothing is known, and nothing is taken for granted."""
    one = Neighbour("127.0.0.1")
    one.ask()
    assert one.look() is Holder.UNKNOWN


LOOK = """
import select
from gatekeeper.failover.neighbour import Holder, Neighbour
one = Neighbour("192.0.2.10")
one.ask()
while one.look() is Holder.UNKNOWN:
    select.select([], [], [], 0.01)
print(one.look().value)
"""
NETWORK = (
    "ip link add here type veth peer name there && ip link set here up && ip link set there up"
    ' && ip address add 192.0.2.1/24 dev here && exec "$0" "$@"'
)


def test_a_network_on_which_nobody_answers_is_found_out() -> None:
    isolated = (program("unshare"), "--user", "--map-root-user", "--net", "sh", "-c", NETWORK)
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this kernel lets nobody make a network here")
    assert subprocess.check_output([*isolated, sys.executable, "-c", LOOK], text=True, timeout=20) == "nobody\n"


def test_a_disk_with_room_is_none_of_anybodys_business(tmp_path: Path) -> None:
    assert disk_trouble([tmp_path], 1) is None
    told = disk_trouble([tmp_path, tmp_path / "nowhere"], 1)
    assert told == f"{tmp_path / 'nowhere'}: No such file or directory; see whether its disk is there"


class Told:
    """What os.statvfs tells of a file system of 1 GB with 500 MB left."""

    f_flag, f_bavail, f_blocks, f_frsize, f_files, f_favail = 0, 500, 1_000, 1_000_000, 10, 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"f_bavail": 63}, "has 63 MB left, less than the reserve of 64 MB; make room"),
        ({"f_bavail": 63, "f_blocks": 100}, None),
        ({"f_bavail": 9, "f_blocks": 100}, "has 9 MB left, less than the reserve of 10 MB; make room"),
        ({"f_flag": os.ST_RDONLY}, "is on a file system that is read-only; see what the kernel says of its disk"),
        ({"f_favail": 0}, "is on a file system that takes no more files; make room"),
        ({"f_favail": 0, "f_files": 0}, None),
    ],
)
def test_a_disk_is_judged(
    changes: dict[str, int], words: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = type("Changed", (Told,), changes)
    monkeypatch.setattr("os.statvfs", lambda _folder: told)
    assert disk_trouble([tmp_path], 64_000_000) == (words and f"{tmp_path} {words}")
