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
METRICS = "/var/lib/prometheus/node-exporter/h323_witness_archive.prom"
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


@pytest.mark.usefixtures("quiet_archive")
def test_an_archive_that_somebody_altered_is_found_out_and_no_replica_hears_of_it() -> None:
    council_meets()
    eventually(lambda: covered("wit1") > archived(), "there is more to ship", 10)
    on_host("arc1", "systemctl", "start", "h323-witness-ship.service")
    size = archived()
    before = [marked(host) for host in REPLICAS]
    assert max(before) < size
    on_host("arc1", "bash", "-euc", f"cp --archive {ARCHIVE}/. {TRY}")
    on_host("arc1", "bash", "-euc", f"sed --in-place '1s/R/S/' $(ls {ARCHIVE}/h323_witness/*.jsonl | head --lines=1)")
    assert on_archive("systemctl start h323-witness-archive-verify.service").returncode != 0
    assert "\nh323_witness_archive_verification_result 1\n" in on_host("arc1", "cat", METRICS)
    assert [marked(host) for host in REPLICAS] == before
    on_host("arc1", "cp", "--archive", f"{TRY}/.", ARCHIVE)
    on_host("arc1", "systemctl", "start", "h323-witness-archive-verify.service")
    assert "\nh323_witness_archive_verification_result 0\n" in on_host("arc1", "cat", METRICS)
    eventually(lambda: [marked(host) for host in REPLICAS] == [size] * 3, "the replicas were told", 30)


AGED = """
cd $1/h323_witness
last=$(ls h323_ras_*.jsonl | tail --lines=1)
for day in 20261001 20261002 20261003; do
    head --lines=20 $last >h323_ras_$day.jsonl
    sed --in-place 1,20d $last
done
for day in 20261004 20261005; do
    head --lines=1 $last >h323_ras_$day.jsonl
    sed --in-place 1d $last
done
"""


@pytest.mark.parametrize(
    ("host", "log", "policy"), [("arc1", ARCHIVE, POLICY), ("gk1", LOG, "/etc/h323-witness/policy")]
)
def test_rotation_packs_and_removes_old_days_and_the_log_verifies_before_and_after(
    host: str, log: str, policy: str
) -> None:
    """On a copy, whose records were moved unchanged into files of older days, as if they were of those."""

    def run(*command: str) -> str:
        return on_host(host, WITNESS, *command, "--policy", policy)

    run("verify", log, "--wait", "10")
    on_host(host, "rm", "--recursive", "--force", TRY)
    on_host(host, "cp", "--archive", log, TRY)
    on_host(host, "bash", "-euc", f"set -- {TRY}\n{AGED}")
    run("verify", TRY)
    assert "packed" in run("rotate", TRY, "--compress-after", "7")
    packed = on_host(host, "bash", "-c", f"ls {TRY}/h323_witness/*.gz").split()
    assert len(packed) == 3
    run("verify", TRY)
    run("rotate", TRY, "--compress-after", "7", "--keep", "8", "--stream", "h323_ras", "--archived-to", "45")
    verified = run("verify", TRY)
    assert "records 0 to 39 are not here" in verified
    on_host(host, "rm", "--recursive", "--force", TRY)
