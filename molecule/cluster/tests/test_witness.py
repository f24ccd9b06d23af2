"""Roles witness, witness_mirror and witness_cosigner: three copies of one log, cosigned, and nobody's to alter."""

from __future__ import annotations

import re

import pytest

from .conftest import COUNCIL, EVERY, GATEKEEPERS, HOSTS, address, eventually, exposure, reach

LOG = "/var/log/guardian-council"
FOLDERS = {"h323_ras": "h323_witness", "failover": "ha", "gateway": "gateway"}
POLICY = "/etc/h323-witness/policy"
WRITERS = {"gk1": "h323-gatekeeper", "gk2": "h323-gatekeeper", "wit1": "h323-mirror"}
SERVICES = [(name, "h323-witness-log") for name in HOSTS]
SERVICES += [("wit1", "h323-witness-mirror"), ("wit1", "h323-witness-cosigner")]
TIMERS = ("h323-witness-rotate", "h323-witness-verify")
METRICS_PORTS = {"h323-witness-log": 9722, "h323-witness-mirror": 9723, "h323-witness-cosigner": 9725}
CERTIFICATE = "--cacert ca.pem --cert host.pem --key host-key.pem"

on_each = pytest.mark.parametrize("name", HOSTS)
each_service = pytest.mark.parametrize(("name", "service"), SERVICES)


def ask(name: str, url: str, certificate: str = CERTIFICATE) -> str:
    """What a service answers to this host, by its certificate; empty where it doesn't."""
    told: str = (
        reach(name).run(f"cd /etc/guardian-council/pki && curl --silent --max-time 10 {certificate} {url}").stdout
    )
    return told


def covered(name: str, stream: str) -> int:
    """How many records the checkpoint on this host covers."""
    checkpoint = reach(name).file(f"{LOG}/{FOLDERS[stream]}/checkpoint")
    return int(checkpoint.content_string.splitlines()[1]) if checkpoint.exists else 0


def beginning(name: str, stream: str, records: int) -> str:
    """A digest of the first so many lines, as they are on this host's disk."""
    files = f"{LOG}/{FOLDERS[stream]}/{stream}_*.jsonl"
    told: str = reach(name).check_output(f"cat {files} | head --lines={records} | sha256sum")
    return told


@each_service
def test_the_services_run_now_and_at_boot_and_are_hardly_exposed(name: str, service: str) -> None:
    host = reach(name)
    assert host.service(service).is_enabled
    assert host.service(service).is_running
    assert exposure(name, service) <= 2.0


@each_service
def test_the_processes_are_nobodys_but_their_own_and_have_no_capability(name: str, service: str) -> None:
    host = reach(name)
    pid = host.check_output(f"systemctl show --property=MainPID --value {service}")
    fields = dict(line.split(":\t", 1) for line in host.file(f"/proc/{pid}/status").content_string.splitlines())
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    user = {"h323-witness-log": "h323-witness", "h323-witness-mirror": "h323-mirror"}.get(service, "h323-cosigner")
    assert host.check_output(f"stat --format=%U /proc/{pid}") == user


@on_each
@pytest.mark.parametrize("timer", TIMERS)
def test_the_timers_wait_for_their_hour(name: str, timer: str) -> None:
    host = reach(name)
    assert host.service(f"{timer}.timer").is_enabled
    assert host.service(f"{timer}.timer").is_running
    assert exposure(name, f"{timer}.service") <= 2.0


@each_service
def test_metrics_are_told_by_certificate_only(name: str, service: str) -> None:
    url = f"https://{address(name)}:{METRICS_PORTS[service]}/metrics"
    assert "# TYPE " in ask(name, url)
    assert ask(name, url, "--cacert ca.pem") == ""


@on_each
def test_the_log_is_told_to_replicas_and_archives_only(name: str) -> None:
    others = [other for other in HOSTS if other != name]
    url = f"https://{address(name)}:9721/"
    for other in others:
        assert reach(other).run(f"nc -z -w 3 {address(name)} 9721").rc == 0
    assert ask(others[0], url, "--cacert ca.pem") == ""
    rules = reach(name).check_output("nft list chain inet council input")
    (opened,) = (line for line in rules.splitlines() if "dport 9721" in line)
    assert set(re.findall(r"\d+\.\d+\.\d+\.\d+", opened)) == {address(each) for each in EVERY}


@on_each
@pytest.mark.parametrize("stream", ["h323_ras", "failover"])
def test_records_are_covered_and_the_same_octets_everywhere(name: str, stream: str) -> None:
    size = covered("gk1", stream)
    assert size > 0
    eventually(lambda: covered(name, stream) >= size, f"{name} has the checkpoint of gk1")
    assert beginning(name, stream, size) == beginning("gk1", stream, size)


@on_each
def test_the_log_verifies(name: str) -> None:
    done = reach(name).run(f"cd {COUNCIL} && current/bin/h323-witness verify logs --policy {POLICY} --wait 10")
    assert done.rc == 0, done.stdout + done.stderr


@on_each
def test_a_verification_by_the_timers_unit_says_so_to_prometheus(name: str) -> None:
    host = reach(name)
    host.check_output("systemctl start h323-witness-verify.service")
    told = host.file("/var/lib/prometheus/node-exporter/h323_witness.prom").content_string
    assert "\nh323_witness_verification_result 0\n" in told
    assert re.search(r"^h323_witness_verification_timestamp_seconds \d{10}$", told, re.MULTILINE)


@on_each
def test_a_rotation_by_the_timers_unit_changes_nothing_yet(name: str) -> None:
    host = reach(name)
    before = host.check_output(f"ls {LOG}/h323_witness")
    host.check_output("systemctl start h323-witness-rotate.service")
    assert host.check_output(f"ls {LOG}/h323_witness") == before


@on_each
@pytest.mark.parametrize("folder", FOLDERS.values())
def test_the_folders_are_the_writers_and_auditors_read_them(name: str, folder: str) -> None:
    found = reach(name).file(f"{LOG}/{folder}")
    assert (found.user, found.group, found.mode) == (WRITERS[name], "h323-auditors", 0o3770)
    entries = reach(name).check_output(f"getfacl --omit-header --absolute-names {LOG}/{folder}").splitlines()
    assert {"user:h323-witness:rwx", "group::r-x", "other::---"} <= set(entries)


@on_each
def test_the_log_service_can_write_beside_the_day_files_and_alter_none(name: str) -> None:
    host = reach(name)
    (file, *_) = host.check_output(f"ls {LOG}/h323_witness/*.jsonl").splitlines()
    found = host.file(file)
    assert (found.user, found.group, found.mode) == (WRITERS[name], "h323-auditors", 0o640)
    as_service = "runuser --user=h323-witness -- "
    assert host.run(f"{as_service} head --lines=1 {file}").rc == 0
    for alter in (f"tee --append {file}", f"rm --force {file}", f"mv {file} {file}.gone", f"truncate --size=0 {file}"):
        assert host.run(f"{as_service} {alter} </dev/null").rc != 0, alter
    assert host.file(f"{LOG}/h323_witness/checkpoint").user == "h323-witness"


@on_each
def test_an_auditor_reads_the_log_and_nothing_else(name: str) -> None:
    host = reach(name)
    as_auditor = "setpriv --reuid=nobody --regid=nogroup --groups=h323-auditors -- "
    verified = host.run(f"{as_auditor} {COUNCIL}/current/bin/h323-witness verify {LOG} --policy {POLICY} --wait 10")
    assert verified.rc == 0, verified.stdout + verified.stderr
    assert host.run(f"{as_auditor} touch {LOG}/h323_witness/h323_ras_29991231.jsonl").rc != 0
    for secret in (
        "/etc/h323-witness/log-keys",
        "/etc/guardian-council/pki/host-key.pem",
        "/var/lib/h323-cosigner/key",
    ):
        assert host.run(f"{as_auditor} cat {secret}").rc != 0, secret


@on_each
def test_who_signs_has_the_keys_and_nobody_else(name: str) -> None:
    host = reach(name)
    keys = host.file("/etc/h323-witness/log-keys")
    assert keys.exists == (name in GATEKEEPERS)
    if keys.exists:
        assert (keys.user, keys.group, keys.mode) == ("root", "h323-witness", 0o640)
        assert host.run("runuser --user=h323-gatekeeper -- cat /etc/h323-witness/log-keys").rc != 0


def test_the_cosigners_key_is_its_own_and_the_policy_has_its_public_half() -> None:
    host = reach("wit1")
    key = host.file("/var/lib/h323-cosigner/key")
    assert (key.user, key.mode & 0o077) == ("h323-cosigner", 0)
    (public,) = host.check_output(f"{COUNCIL}/current/bin/h323-witness vkey /var/lib/h323-cosigner/key").splitlines()
    for name in HOSTS:
        assert f"witness wit1 {public} https://{address('wit1')}:9724\n" in reach(name).file(POLICY).content_string


def test_all_replicas_believe_the_same_policy_and_run_the_same_release() -> None:
    assert len({reach(name).file(POLICY).sha256sum for name in HOSTS}) == 1
    assert len({reach(name).file(f"{COUNCIL}/current").linked_to for name in HOSTS}) == 1


@on_each
def test_the_runbooks_folder_leads_to_the_log(name: str) -> None:
    assert reach(name).file(f"{COUNCIL}/logs").linked_to == LOG
