"""Two of three members of the store are gone: playbooks/recover_quorum.yml, for real."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import GATEKEEPERS, NAME, ROOT, on_host, status
from .test_council import eventually

pytestmark = pytest.mark.lab

HOSTS = (*GATEKEEPERS, "wit1")
PKI = "/etc/guardian-council/pki"
RECOVERY = "/var/lib/etcd/council-recovery"


def podman(*arguments: str) -> None:
    subprocess.run([str(ROOT / "lab" / "podman"), *arguments], capture_output=True, timeout=120, check=True)


def play(*extra: str) -> subprocess.CompletedProcess[str]:
    command = [
        str(ROOT / ".venv" / "bin" / "ansible-playbook"),
        "-i",
        "inventories/lab",
        "playbooks/recover_quorum.yml",
    ]
    for each in extra:
        command += ["--extra-vars", each]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600
    )


def etcdctl(host: str, *command: str) -> Any:
    """What the host's own member answers, None if it does not."""
    certificate = (f"--cacert={PKI}/ca.pem", f"--cert={PKI}/host.pem", f"--key={PKI}/host-key.pem")
    # Every member listens on loopback, too, whatever the lab's addresses are.
    shell = ("env", "ETCDCTL_API=3", "etcdctl", *certificate, "--endpoints=https://127.0.0.1:2379")
    return json.loads(
        on_host(host, *shell, "--command-timeout=3s", "--write-out=json", *command, check=False) or "null"
    )


def members() -> dict[str, bool]:
    """By name, whether it votes."""
    listed = etcdctl("gk2", "member", "list") or {"members": []}
    return {member.get("name", ""): not member.get("isLearner", False) for member in listed["members"]}


def commits(host: str) -> bool:
    told = etcdctl(host, "endpoint", "health")
    return bool(told) and told[0]["health"] is True


def leads(host: str) -> bool:
    told = etcdctl(host, "endpoint", "status")
    return bool(told) and told[0]["Status"].get("leader") == told[0]["Status"]["header"]["member_id"]


def healthy() -> bool:
    return all(status(host).get("healthy") for host in GATEKEEPERS)


def start(*hosts: str) -> None:
    """Also with the share of real-time processor time that keepalived needs, which a container loses by its end."""
    names = [f"{NAME}-{host}" for host in hosts]
    podman("start", *names)
    subprocess.run([str(ROOT / "lab" / "realtime"), *names], capture_output=True, timeout=60, check=True)


@pytest.fixture
def whole() -> Iterator[None]:
    """The lab as it was, before and after, whatever came between."""
    eventually(lambda: healthy() and leads("wit1"), "a lab that is whole", seconds=90)
    yield
    start(*HOSTS)
    if members() != dict.fromkeys(HOSTS, True):
        # Ended half way: without what is here the lab's next tests would tell nothing.
        play("survivor=gk2", "confirm='recover gk2'")
    play("rejoin=wit1,gk1")
    eventually(lambda: healthy() and leads("wit1"), "a lab that is whole again", seconds=120)
    assert members() == dict.fromkeys(HOSTS, True)


def test_it_refuses_while_there_is_a_quorum() -> None:
    eventually(healthy, "both gatekeepers healthy")
    done = play("survivor=gk2", "confirm='recover gk2'")
    assert done.returncode != 0
    assert "The store has its quorum" in done.stdout + done.stderr
    assert len(members()) == 3


@pytest.mark.parametrize("extra", [(), ("survivor=gk2", "rejoin=gk1"), ("survivor=mars",), ("rejoin=gk1,mars",)])
def test_it_asks_for_what_it_can_do(extra: tuple[str, ...]) -> None:
    done = play(*extra)
    assert done.returncode != 0
    assert "Say who goes on alone" in done.stdout + done.stderr


@pytest.mark.usefixtures("whole")
def test_one_survivor_goes_on_alone_and_takes_the_others_back() -> None:
    podman("kill", f"{NAME}-gk1", f"{NAME}-wit1")

    asked = play("survivor=gk2")
    said = " ".join((asked.stdout + asked.stderr).split())
    assert asked.returncode != 0
    assert "CANNOT BE REACHED, so it must not come back by itself: gk1, wit1" in said
    assert "Not confirmed" in said
    assert not commits("gk2")

    done = play("survivor=gk2", "confirm='recover gk2'")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✅ PASS - Production Ready" in done.stdout
    assert members() == {"gk2": True}
    assert status("gk2")["active"] is True
    # What it had is kept, and nothing that starts it later makes it alone again.
    assert "snapshot.db" in on_host("gk2", "sh", "-c", f"ls {RECOVERY}/*-before-recovery")
    assert "force" not in on_host("gk2", "systemctl", "cat", "etcd") + on_host("gk2", "cat", "/etc/default/etcd")
    # A second run has nothing to do.
    again = play("survivor=gk2", "confirm='recover gk2'")
    assert again.returncode == 0, again.stdout + again.stderr
    assert on_host("gk2", "sh", "-c", f"ls -d {RECOVERY}/*-before-recovery | wc -l").strip() != "0"

    start("gk1", "wit1")
    done = play("rejoin=wit1,gk1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert members() == dict.fromkeys(HOSTS, True)
    assert "member" in on_host("gk1", "sh", "-c", f"ls {RECOVERY}/*-before-rejoin")
    eventually(lambda: healthy() and leads("wit1"), "three members, the lead on the witness", seconds=120)

    # The new store bears what the old one did: the loss of one more.
    podman("kill", f"{NAME}-gk2")
    eventually(lambda: status("gk1").get("active") is True, "gk1 active", seconds=60)
    start("gk2")
    eventually(healthy, "both gatekeepers healthy", seconds=90)
