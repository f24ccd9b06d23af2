"""What keeps the leader of etcd on the preferred member: its decisions, and the whole of it beside a real etcd."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.gatekeeper.tests.store.etcd_cluster import EtcdCluster, etcd_cluster

PROGRAM = Path(__file__).resolve().parents[2] / "roles" / "etcd" / "files" / "etcd_preferred_leader.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("etcd_preferred_leader", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look for the module of their annotations.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


helper = load()
LEADS = helper.Sample(leads=True, leader=1, term=7)
FOLLOWS = helper.Sample(leads=False, leader=2, term=7)
ELSEWHERE = helper.Sample(leads=False, leader=3, term=8)
TROUBLE = helper.Sample(leads=False, leader=2, term=7, trouble="this member is behind the leader")
PATIENCE = helper.Patience(settle=5, proven=60, shortest=5, longest=40)


def seen(keeper: Any, sample: Any, seconds: range) -> list[int]:
    """The seconds at which the keeper asks, when it sees the same at each."""
    asked = []
    for now in seconds:
        if keeper.see(sample, now):
            asked.append(now)
            keeper.asked(now)
    return asked


def test_it_asks_once_it_has_followed_for_a_while() -> None:
    assert seen(helper.Keeper(PATIENCE), FOLLOWS, range(6)) == [5]


@pytest.mark.parametrize("other", [TROUBLE, ELSEWHERE, LEADS])
def test_what_comes_between_begins_the_while_anew(other: Any) -> None:
    keeper = helper.Keeper(PATIENCE)
    assert seen(keeper, FOLLOWS, range(5)) == []
    assert keeper.see(other, 5) is False
    assert seen(keeper, FOLLOWS, range(6, 12)) == [11]


@pytest.mark.parametrize("sample", [LEADS, TROUBLE])
def test_it_never_asks_while_it_leads_or_is_not_fit(sample: Any) -> None:
    assert seen(helper.Keeper(PATIENCE), sample, range(1_000)) == []


def test_each_attempt_waits_twice_as_long_up_to_a_limit() -> None:
    asked = seen(helper.Keeper(PATIENCE), FOLLOWS, range(200))
    assert [later - earlier for earlier, later in itertools.pairwise(asked)] == [6, 10, 20, 40, 40, 40]


def test_a_lead_that_does_not_last_counts_as_a_failure() -> None:
    keeper = helper.Keeper(PATIENCE)
    gaps, last, now = [], 0, 0
    for _ in range(4):
        while not keeper.see(FOLLOWS, now):
            now += 1
        keeper.asked(now)
        gaps.append(now - last)
        last = now
        # The lead is had for ten seconds, and lost.
        seen(keeper, LEADS, range(now + 1, now + 11))
        now += 11
    # After ten seconds of leading and five of following, the first two waits are over anyway.
    assert gaps[1:] == [16, 16, 20]
    seen(keeper, LEADS, range(now, now + 61))
    assert seen(keeper, FOLLOWS, range(now + 61, now + 80))[:2] == [now + 66, now + 72]


@given(st.lists(st.sampled_from([LEADS, FOLLOWS, ELSEWHERE, TROUBLE]), min_size=1, max_size=300))
def test_whatever_happens_it_asks_after_a_calm_while_only_and_never_often(samples: list[Any]) -> None:
    keeper = helper.Keeper(PATIENCE)
    asked = []
    for now, sample in enumerate(samples):
        if keeper.see(sample, now):
            assert set(samples[now - 5 : now + 1]) in ({FOLLOWS}, {ELSEWHERE})
            asked.append(now)
            keeper.asked(now)
    assert all(later - earlier >= 5 for earlier, later in itertools.pairwise(asked))
    led = len([sample for sample in samples if sample is LEADS])
    if led < 60:
        # 5, 10, 20, and then 40 seconds between two.
        assert len(asked) <= 4 + len(samples) // 40


def answer(**changes: Any) -> dict[str, Any]:
    whole = {
        "header": {"member_id": "9223372036854775809", "cluster_id": "1"},
        "leader": "9223372036854775809",
        "raftTerm": "7",
        "raftIndex": "1000",
        "raftAppliedIndex": "1000",
    }
    return whole | changes


def test_a_status_is_read_with_all_its_64_bits() -> None:
    assert helper.decode_status(answer()) == helper.Status(2**63 + 1, 2**63 + 1, 7, 1000, 1000, ())
    assert helper.decode_status({"header": {"member_id": "5"}}) == helper.Status(5, 0, 0, 0, 0, ())


@pytest.mark.parametrize(
    "bad", [{}, {"header": None}, {"header": []}, answer(leader="x"), answer(raftTerm=[]), answer(errors=1), []]
)
def test_any_other_answer_is_trouble(bad: Any) -> None:
    with pytest.raises(helper.Trouble, match="a status that cannot be read"):
        helper.decode_status(bad)


OWN = helper.Status(member=1, leader=2, term=7, committed=900, applied=900, errors=())
THERE = helper.Status(member=2, leader=2, term=7, committed=1000, applied=990, errors=())


def test_a_member_that_keeps_up_may_lead() -> None:
    helper.weigh(OWN, THERE, most_lag=100)


@pytest.mark.parametrize(
    ("own", "there", "sentence"),
    [
        ({"applied": 899}, {}, "this member is behind the leader"),
        ({"leader": 3}, {}, "the members do not agree who leads"),
        ({"term": 6}, {}, "the members do not agree who leads"),
        ({}, {"leader": 1}, "the members do not agree who leads"),
        ({"errors": ("NOSPACE",)}, {}, "member 1 has trouble: NOSPACE"),
        ({}, {"errors": ("NOSPACE",)}, "member 2 has trouble: NOSPACE"),
    ],
)
def test_a_member_that_must_not_lead(own: dict[str, Any], there: dict[str, Any], sentence: str) -> None:
    with pytest.raises(helper.Trouble, match=sentence):
        helper.weigh(replace(OWN, **own), replace(THERE, **there), most_lag=100)


def test_a_link_is_up_when_the_metrics_say_so() -> None:
    metrics = (
        "# TYPE etcd_network_active_peers gauge\n"
        'etcd_network_active_peers{Local="762ec68bb15a8576",Remote="2bbf2d37ca52d4d7"} 1\n'
        'etcd_network_active_peers{Local="762ec68bb15a8576",Remote="c78d315b5899ef1d"} 0\n'
    )
    local, up, down = 0x762EC68BB15A8576, 0x2BBF2D37CA52D4D7, 0xC78D315B5899EF1D
    assert helper.linked(metrics, local, up)
    assert not helper.linked(metrics, local, down)
    assert not helper.linked(metrics, up, local)
    assert not helper.linked("", local, up)


def keep_leading(cluster: EtcdCluster, number: int) -> subprocess.Popen[str]:
    tls = cluster.tls
    command = [sys.executable, "-I", str(PROGRAM), "--endpoint", cluster.endpoints[number], "--ca", str(tls.ca)]
    command += ["--certificate", str(tls.certificate), "--private-key", str(tls.private_key)]
    command += ["--settle", "0.2", "--interval", "0.1"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def told_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """What it says until it says that; the test's own time limit is the only one."""
    assert process.stderr is not None
    said: list[str] = []
    while not said or words not in said[-1]:
        line = process.stderr.readline()
        assert line, f"it ended before it said {words!r}: {said}"
        said.append(line)
    return said


def test_a_real_leader_hands_over_to_whichever_member_is_preferred(tmp_path: Path) -> None:
    with etcd_cluster(tmp_path, members=3) as cluster:
        first = cluster.leader()
        for number in ((first + 1) % 3, (first + 2) % 3):
            process = keep_leading(cluster, number)
            try:
                said = told_until(process, "this member has the lead")
                assert cluster.leader() == number
                said += told_until(process, "this member leads")
            finally:
                process.terminate()
                process.communicate(timeout=30)
            # One handover was enough.
            assert len([line for line in said if "the next request waits" in line]) == 1


def test_without_etcd_it_says_so_once_and_waits(tmp_path: Path) -> None:
    with etcd_cluster(tmp_path, members=1) as cluster:
        pass
    process = keep_leading(cluster, 0)
    assert process.stderr is not None
    said = process.stderr.readline()
    assert "term 0: nobody is seen to lead; etcd at https://127.0.0.1:" in said
    assert process.poll() is None
    process.terminate()
    assert process.communicate(timeout=30)[1] == ""
