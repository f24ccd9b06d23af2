"""The archive in the lab: it gets what is cosigned, once, whatever hits it, and says what the replicas may remove."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from .conftest import GATEKEEPERS, NAME, ROOT, on_host, status
from .test_council import eventually
from .test_witness import LOG, WITNESS, council_meets, covered

pytestmark = pytest.mark.lab

ARCHIVE = "/srv/witness-archive"
POLICY = "/etc/h323-witness-archive/policy"
TRY = "/root/archive-try"
REPLICAS = (*GATEKEEPERS, "wit1")


@pytest.fixture(autouse=True)
def healthy() -> None:
    eventually(lambda: all(status(host).get("healthy") for host in GATEKEEPERS), "both gatekeepers healthy")


@pytest.fixture
def quiet_archive() -> Iterator[None]:
    """Nothing is shipped by the timer meanwhile; what a test spoils is put back."""
    on_host("arc1", "systemctl", "stop", "h323-witness-ship.timer")
    on_host("arc1", "systemctl", "start", "h323-witness-ship.service")
    on_host("arc1", "rm", "--recursive", "--force", TRY)
    on_host("arc1", "cp", "--archive", ARCHIVE, TRY)
    yield
    on_host("arc1", "bash", "-euc", f"find {ARCHIVE} -mindepth 1 -delete; cp --archive {TRY}/. {ARCHIVE}; rm -r {TRY}")
    on_host("arc1", "systemctl", "start", "h323-witness-ship.timer")


def ship_playbook(*more: str) -> dict[str, int]:
    """What it changed, by host."""
    command = [ROOT / ".venv" / "bin" / "ansible-playbook", "--tags", "witness_archive_ship", *more]
    done = subprocess.run(
        [*command, ROOT / "playbooks" / "ship_witness_logs.yml"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    recap = re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", done.stdout, re.MULTILINE)
    return {host: int(count) for host, count in recap}


def on_archive(script: str) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "lab" / "podman", "exec", f"{NAME}-arc1", "bash", "-uc", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def archived() -> int:
    return int(on_host("arc1", "cat", f"{ARCHIVE}/h323_witness/checkpoint").splitlines()[1])


def marked(host: str) -> int:
    found = on_host(host, "cat", f"{LOG}/h323_witness/shipped", check=False)
    return int(json.loads(found)["h323_ras"]) if found else 0


@pytest.mark.usefixtures("quiet_archive")
def test_the_playbook_sends_the_gap_once_and_marks_the_replicas() -> None:
    before = archived()
    council_meets()
    eventually(lambda: all(covered(host) > before for host in REPLICAS), "all have a cosigned checkpoint with it", 10)
    foretold = ship_playbook("--check", "--diff")
    assert (foretold["arc1"], archived()) == (1, before)
    assert ship_playbook()["arc1"] == 1
    size = archived()
    assert size > before
    assert ship_playbook() == {"arc1": 0, "gk1": 0, "gk2": 0, "wit1": 0}
    assert archived() == size
    assert [marked(host) for host in REPLICAS] == [size] * 3
    assert on_archive(f"{WITNESS} verify {ARCHIVE} --policy {POLICY}").returncode == 0


UNIT = "/etc/systemd/system/h323-witness-ship.service"
SHIP = f"{WITNESS} ship $(grep --only-matching 'https:[^ ]*' {UNIT})"
SHIP_KILLED = f"""
folder=$1
{SHIP} $folder --policy {POLICY} >/dev/null 2>&1 & shipper=$!
until compgen -G "$folder/h323_witness/h323_ras_*.jsonl" >/dev/null; do kill -0 $shipper || exit 3; done
kill -9 $shipper
wait $shipper
[ ! -e $folder/h323_witness/checkpoint ]
"""


def test_killed_between_its_records_and_its_checkpoint_it_goes_on() -> None:
    """The killer may come too late: then it tries again with a new folder, and the test fails if it always does."""
    on_archive(f"rm -rf {TRY}; mkdir {TRY}")
    folder = next(
        (
            folder
            for folder in (f"{TRY}/{number}" for number in range(10))
            if on_archive(f"set -- {folder}\n{SHIP_KILLED}").returncode == 0
        ),
        None,
    )
    assert folder is not None
    # What came before the kill stands for nothing yet.
    assert on_archive(f"{WITNESS} verify {folder}/h323_witness --policy {POLICY}").returncode != 0
    done = on_archive(f"{SHIP} {folder} --policy {POLICY} && {WITNESS} verify {folder} --policy {POLICY}")
    assert done.returncode == 0, done.stdout + done.stderr
    on_archive(f"rm -rf {TRY}")
