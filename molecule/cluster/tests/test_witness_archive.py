"""Role witness_archive: a host that has an archive of the log and nothing else, and into which nothing leads."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import COUNCIL, HOSTS, address, exposure, reach

ARCHIVE = "/srv/witness-archive"
LOG = "/var/log/guardian-council"
POLICY = "/etc/h323-witness-archive/policy"
METRICS = "/var/lib/prometheus/node-exporter"
TIMERS = ("h323-witness-ship", "h323-witness-archive-rotate", "h323-witness-archive-verify")


def covered(name: str, directory: str) -> int:
    """How many records of RAS the checkpoint on that host covers."""
    return int(reach(name).file(f"{directory}/h323_witness/checkpoint").content_string.splitlines()[1])


@pytest.mark.parametrize("timer", TIMERS)
def test_the_timers_wait_for_their_hour(timer: str) -> None:
    host = reach("arc1")
    assert host.service(f"{timer}.timer").is_enabled
    assert host.service(f"{timer}.timer").is_running


@pytest.mark.parametrize("unit", [*TIMERS, "h323-witness-archive-tell"])
def test_the_units_are_hardly_exposed(unit: str) -> None:
    assert exposure("arc1", f"{unit}.service") <= 2.0


def test_it_believes_what_the_replicas_believe() -> None:
    assert reach("arc1").file(POLICY).sha256sum == reach("wit1").file("/etc/h323-witness/policy").sha256sum


def test_a_run_by_the_timers_unit_brings_what_is_covered_octet_by_octet() -> None:
    host = reach("arc1")
    size = covered("wit1", LOG)
    assert size > 0
    host.check_output("systemctl start h323-witness-ship.service")
    assert covered("arc1", ARCHIVE) >= size
    files = "h323_witness/h323_ras_*.jsonl"
    of_source, of_archive = (
        reach(name).check_output(f"cat {folder}/{files} | head --lines={size} | sha256sum")
        for name, folder in (("wit1", LOG), ("arc1", ARCHIVE))
    )
    assert of_archive == of_source
    told = host.file(f"{METRICS}/h323_witness_ship.prom").content_string
    assert 'h323_witness_ship_lag_records{stream="h323_ras"} 0.0' in told
    assert 'h323_witness_ship_refused{stream="h323_ras"} 0.0' in told


def test_the_whole_archive_verifies_and_the_replicas_hear_of_it() -> None:
    host = reach("arc1")
    host.check_output("systemctl start h323-witness-ship.service")
    size = covered("arc1", ARCHIVE)
    host.check_output("systemctl start h323-witness-archive-verify.service")
    told = host.file(f"{METRICS}/h323_witness_archive.prom").content_string
    assert "\nh323_witness_archive_verification_result 0\n" in told
    assert re.search(r"^h323_witness_archive_verification_timestamp_seconds \d{10}$", told, re.MULTILINE)
    # OnSuccess has put it into the queue; a start waits for it, or runs it once more.
    host.check_output("systemctl start h323-witness-archive-tell.service")
    for name in HOSTS:
        marker = reach(name).file(f"{LOG}/h323_witness/shipped")
        assert json.loads(marker.content_string)["h323_ras"] >= size
        assert marker.user == "h323-witness"


def test_nobody_else_is_believed_what_is_archived() -> None:
    command = "curl --silent --max-time 10 --cacert ca.pem --cert host.pem --key host-key.pem --output /dev/null"
    command += f" --write-out %{{http_code}} --data-binary @{LOG}/h323_witness/checkpoint"
    url = f"https://{address('wit1')}:9721/h323_ras/archived"
    done = reach("gk1").run(f"cd /etc/guardian-council/pki && {command} {url}")
    assert done.stdout == "403"


def test_a_rotation_by_the_timers_unit_changes_nothing_yet() -> None:
    host = reach("arc1")
    before = host.check_output(f"ls {ARCHIVE}/h323_witness")
    host.check_output("systemctl start h323-witness-archive-rotate.service")
    assert host.check_output(f"ls {ARCHIVE}/h323_witness") == before


def test_the_archive_is_its_users_and_nobody_elses() -> None:
    host = reach("arc1")
    found = host.file(ARCHIVE)
    assert (found.user, found.group, found.mode) == ("h323-archive", "h323-archive", 0o750)
    (file, *_) = host.check_output(f"ls {ARCHIVE}/h323_witness/*.jsonl").splitlines()
    assert host.file(file).user == "h323-archive"
    assert host.run(f"runuser --user=nobody -- cat {file}").rc != 0
    for secret in ("/etc/h323-witness/log-keys", "/var/lib/h323-cosigner/key"):
        assert not host.file(secret).exists


def test_it_runs_the_release_that_all_run() -> None:
    assert reach("arc1").file(f"{COUNCIL}/current").linked_to == reach("wit1").file(f"{COUNCIL}/current").linked_to
