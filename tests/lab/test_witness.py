"""IF.witness in the lab: what a guardian did is proved in seconds, what was altered shows, a replica catches up."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import GATEKEEPERS, NAME, ROOT, VIP, on_host, status, terminal_command
from .test_council import eventually

pytestmark = pytest.mark.lab

HOSTS = (*GATEKEEPERS, "wit1")
LOG = "/var/log/guardian-council"
POLICY = "/etc/h323-witness/policy"
RAS = f"{LOG}/h323_witness"
WITNESS = "/opt/guardian-council/current/bin/h323-witness"
TRY = "/root/tampered"


@pytest.fixture(autouse=True)
def healthy() -> None:
    eventually(lambda: all(status(host).get("healthy") for host in GATEKEEPERS), "both gatekeepers healthy")


@pytest.fixture
def a_copy() -> Iterator[str]:
    """A copy of the log on gk1, which a test may spoil, with nothing in it that no checkpoint covers."""
    eventually(lambda: verify("gk1", LOG, "--wait", "10").returncode == 0, "the log is good")
    on_host("gk1", "rm", "-rf", TRY)
    on_host("gk1", "cp", "--archive", LOG, TRY)
    yield TRY
    on_host("gk1", "rm", "-rf", TRY)


@pytest.fixture
def mirror() -> Iterator[None]:
    """Whatever a test stops is started again."""
    yield
    on_host("wit1", "systemctl", "start", "h323-witness-mirror", "h323-witness-log")


def verify(host: str, folder: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [WITNESS, "verify", folder, "--policy", POLICY, *more]
    podman = [str(ROOT / "lab" / "podman"), "exec", f"{NAME}-{host}", *command]
    return subprocess.run(podman, capture_output=True, text=True, timeout=120, check=False)


def council_meets() -> None:
    """Eight guardians register, are admitted and refused, and leave."""
    command = terminal_command("smoke", "--guardians", "8")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def newest(host: str, message: str) -> int:
    """The index of the newest record of that kind."""
    found = on_host(
        host, "sh", "-c", f"""cat {RAS}/h323_ras_*.jsonl | grep '"msg_type": "{message}"' | tail --lines=1"""
    )
    index: int = json.loads(found)["index"]
    return index


def covered(host: str) -> int:
    lines = on_host(host, "cat", f"{RAS}/checkpoint", check=False).splitlines()
    return int(lines[1]) if lines else 0


def beginning(host: str, records: int) -> str:
    return on_host(host, "sh", "-c", f"cat {RAS}/h323_ras_*.jsonl | head --lines={records} | sha256sum")


def test_a_call_is_proved_to_somebody_who_has_no_more_than_the_policy(tmp_path: Path) -> None:
    council_meets()
    index = newest("gk1", "ACF")
    eventually(
        lambda: all(covered(host) > index for host in HOSTS), "every replica has a cosigned checkpoint with it", 10
    )
    policy, proof = tmp_path / "policy", tmp_path / "proof"
    policy.write_text(on_host("gk1", "cat", POLICY))
    for host in HOSTS:
        proof.write_text(on_host(host, WITNESS, "prove", LOG, str(index)))
        check = [ROOT / ".venv" / "bin" / "h323-witness", "prove", "--check", proof, "--policy", policy]
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"msg_type": "ACF"' in done.stdout
    # One octet of the proof (in the middle of its hashes) is another proof, and proves nothing.
    spoilt = bytearray(proof.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    proof.write_bytes(spoilt)
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1


def test_all_replicas_verify() -> None:
    for host in HOSTS:
        done = verify(host, LOG, "--wait", "10")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("host", GATEKEEPERS)
def test_each_decision_is_justified(host: str) -> None:
    """Of all that this lab's gatekeepers have ever decided, whatever other tests did to them."""
    said = json.loads(on_host(host, WITNESS, "replay", LOG, "--json", check=False))
    assert (said["not_justified"], said["not_judged"], said["flaws"], said["exit_code"]) == ([], [], [], 0)
    assert (said["begun"], said["before"]) == (True, 0)
    assert said["judged"] > 0


SPOILING = {
    "one letter": "sed --in-place '1s/R/S/' {file}",
    "a record gone": "sed --in-place '2d' {file}",
    "two records the other way round": "sed --in-place '1{{h;d}};2G' {file}",
    "the end cut off": "truncate --size=-1000 {file}",
    "another checkpoint": "sed --in-place '2s/.*/1/' {folder}/checkpoint",
    "another hash": "printf X | dd of=$(find {folder}/tile/0 -type f | head --lines=1) conv=notrunc status=none",
}


@pytest.mark.parametrize("how", SPOILING.values(), ids=SPOILING.keys())
def test_a_copy_that_somebody_altered_is_found_out(a_copy: str, how: str) -> None:
    assert verify("gk1", a_copy).returncode == 0
    folder = f"{a_copy}/h323_witness"
    file = on_host("gk1", "sh", "-c", f"ls {folder}/h323_ras_*.jsonl | head --lines=1").strip()
    on_host("gk1", "bash", "-euc", how.format(file=file, folder=folder))
    done = verify("gk1", a_copy)
    assert done.returncode == 1, done.stdout + done.stderr


@pytest.mark.usefixtures("mirror")
def test_a_mirror_that_was_away_catches_up() -> None:
    on_host("wit1", "systemctl", "stop", "h323-witness-mirror")
    before = covered("wit1")
    council_meets()
    index = newest("gk1", "ACF")
    eventually(lambda: covered("gk1") > index, "the log is cosigned without the mirror", 10)
    assert covered("wit1") == before
    on_host("wit1", "systemctl", "start", "h323-witness-mirror")
    eventually(lambda: covered("wit1") > index, "the mirror's host has the records and the checkpoint")
    assert beginning("wit1", index + 1) == beginning("gk1", index + 1)
    assert verify("wit1", LOG, "--wait", "10").returncode == 0


@pytest.mark.usefixtures("mirror")
def test_a_replica_whose_records_were_taken_away_fetches_all_of_them() -> None:
    """As the runbook has it; what site.yml does there, the folder with its owners and the policy, is copied."""
    council_meets()
    taken, records = f"{TRY}.evidence", newest("gk1", "UCF") + 1
    on_host("wit1", "systemctl", "stop", "h323-witness-log", "h323-witness-mirror")
    on_host("wit1", "mv", RAS, taken)
    on_host("wit1", "cp", "--archive", taken, RAS)
    on_host("wit1", "sh", "-c", f"rm -r {RAS}/tile {RAS}/checkpoint {RAS}/*.jsonl*")
    on_host("wit1", "systemctl", "start", "h323-witness-mirror", "h323-witness-log")
    eventually(lambda: covered("wit1") >= records, "all records and the checkpoint are there again", 30)
    assert beginning("wit1", records) == beginning("gk1", records)
    assert verify("wit1", LOG, "--wait", "10").returncode == 0
    on_host("wit1", "rm", "-r", taken)


@pytest.mark.parametrize("number", [11, 12, 13])
def test_who_is_no_replica_is_told_nothing_of_the_log(number: int) -> None:
    """The controller has an address in the lab's network; the firewall lets only replicas ask."""
    with pytest.raises(OSError, match="timed out"):
        socket.create_connection((f"{VIP.rpartition('.')[0]}.{number}", 9721), timeout=2)
