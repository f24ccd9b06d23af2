"""Role gatekeeper: the release, the unit's sandbox, the records, the metrics."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from .conftest import COUNCIL, GATEKEEPERS, VIP, address, eventually, exposure, reach, unit

WATCH = "h323-gatekeeper-watch"
CONFIG = "/etc/h323-gatekeeper"
RAS_LOG = "logs/h323_witness/h323_ras_$(date -u +%Y%m%d).jsonl"
METRICS = (
    "h323_gatekeeper_up",
    "h323_gatekeeper_active",
    "h323_gatekeeper_active_sessions",
    "h323_gatekeeper_total_admissions",
    "h323_gatekeeper_failover_total",
    "h323_gatekeeper_failover_duration_seconds",
    "h323_gatekeeper_epoch",
    "h323_gatekeeper_registrations",
    "h323_gatekeeper_requests_total",
    "h323_gatekeeper_request_duration_seconds",
    "h323_gatekeeper_commit_duration_seconds",
    "h323_gatekeeper_witness_records",
    "h323_gatekeeper_outbox_records",
    "h323_gatekeeper_stalls_total",
    "h323_gatekeeper_longest_stall_seconds",
    "h323_gatekeeper_watched",
    "h323_gatekeeper_fit",
    "h323_gatekeeper_quorum",
    "h323_gatekeeper_caretaker",
)
ASK_FOR_METRICS = """
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile="/etc/guardian-council/pki/ca.pem")
if sys.argv[2:]:
    context.load_cert_chain("/etc/guardian-council/pki/host.pem", "/etc/guardian-council/pki/host-key.pem")
print(urllib.request.urlopen(sys.argv[1], context=context, timeout=10).read().decode())
"""


def status(name: str) -> dict[str, object]:
    answer: dict[str, object] = json.loads(
        reach(name).check_output(f"{COUNCIL}/current/bin/h323-gatekeeper status --json")
    )
    return answer


def in_council_folder(name: str, command: str) -> str:
    told: str = reach(name).check_output("sh -c %s", f"cd {COUNCIL} && {command}")
    return told


def metrics(name: str, *, certificate: bool = True) -> tuple[int, str, str]:
    url = f"https://{address(name)}:9719/metrics"
    command = "python3 -c %s %s with" if certificate else "python3 -c %s %s"
    told = reach(name).run(command, ASK_FOR_METRICS, url)
    return told.rc, told.stdout, told.stderr


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_unit_of_this_role_and_no_other_runs_now_and_at_boot(name: str) -> None:
    host = reach(name)
    assert host.service(unit(name)).is_enabled
    assert host.service(unit(name)).is_running
    (other,) = {unit(each) for each in GATEKEEPERS} - {unit(name)}
    assert not host.file(f"/etc/systemd/system/{other}.service").exists


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_sandbox_leaves_little_exposed(name: str) -> None:
    assert exposure(name, unit(name)) <= 2.0


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_watch_runs_now_and_at_boot_and_is_hardly_exposed(name: str) -> None:
    host = reach(name)
    assert host.service(WATCH).is_enabled
    assert host.service(WATCH).is_running
    assert exposure(name, WATCH) <= 2.0
    assert host.check_output(f"systemctl show --property=User --value {WATCH}") == "h323-gatekeeper"
    eventually(lambda: status(name)["watched"] is True, "the gatekeeper sees that somebody looks")


def test_a_stopped_gatekeeper_gives_up_the_address_until_it_goes_on() -> None:
    """On the one that stands by: the active one's turn is the drill's."""
    (name,) = (name for name in GATEKEEPERS if status(name)["active"] is False)
    host, track = reach(name), "/run/h323-gatekeeper/track"
    eventually(lambda: host.file(track).content_string == "0\n", "it is fit")
    stalls = status(name)["stalls"]
    assert isinstance(stalls, int)
    host.check_output(f"systemctl kill --signal=STOP {unit(name)}")
    try:
        eventually(lambda: host.file(track).content_string == "1\n", "the watch says that it is not fit")
    finally:
        host.check_output(f"systemctl kill --signal=CONT {unit(name)}")
    eventually(lambda: host.file(track).content_string == "0\n", "it is fit again", 90)
    # Through the sandbox it sees what the process does, and not only that it keeps no promise.
    assert "the gatekeeper is stopped: " in host.check_output(f"journalctl -u {WATCH} --no-pager --output=cat")
    assert status(name)["stalls"] == stalls + 1


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_process_has_no_capability_and_can_get_none(name: str) -> None:
    host = reach(name)
    pid = host.check_output(f"systemctl show --property=MainPID --value {unit(name)}")
    fields = dict(line.split(":\t", 1) for line in host.file(f"/proc/{pid}/status").content_string.splitlines())
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_release_is_complete_and_nobody_but_root_can_change_it(name: str) -> None:
    host = reach(name)
    current = host.file(f"{COUNCIL}/current").linked_to
    assert current.startswith(f"{COUNCIL}/releases/")
    assert host.file(f"{current}/.complete").content_string.strip() == Path(current).name
    changeable = host.check_output(rf"find {COUNCIL}/ ! -type l \( ! -user root -o -perm /022 \)")
    assert changeable == ""
    assert host.run(f"{current}/bin/python -m pip --isolated check").rc == 0


def test_both_run_the_same_release() -> None:
    assert len({reach(name).file(f"{COUNCIL}/current").linked_to for name in GATEKEEPERS}) == 1


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_only_the_service_reads_its_configuration(name: str) -> None:
    host = reach(name)
    for file in ("gatekeeper.yaml", "gatekeeper-key.pem", "guardian-registry.yaml"):
        found = host.file(f"{CONFIG}/{file}")
        assert (found.user, found.group, found.mode) == ("root", "h323-gatekeeper", 0o640), file
    assert host.file(f"{COUNCIL}/config").linked_to == CONFIG


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_deployed_files_are_valid(name: str) -> None:
    host = reach(name)
    for file in ("gatekeeper.yaml", "guardian-registry.yaml"):
        assert host.run(f"{COUNCIL}/current/bin/h323-gatekeeper validate {CONFIG}/{file}").rc == 0


def test_exactly_one_is_active() -> None:
    eventually(lambda: sum(status(name)["active"] is True for name in GATEKEEPERS) == 1, "one of them is active")


@pytest.mark.parametrize("where", [VIP, *map(address, GATEKEEPERS)])
def test_the_health_check_port_accepts(where: str) -> None:
    with socket.create_connection((where, 1719), timeout=5):
        pass


def test_both_have_the_same_records_byte_for_byte() -> None:
    eventually(
        lambda: status("gk1")["witness_records"] == status("gk2")["witness_records"], "both logs have the same length"
    )
    sums = {in_council_folder(name, "sha256sum logs/*/*.jsonl") for name in GATEKEEPERS}
    assert len(sums) == 1


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_runbooks_queries_find_admissions_and_rejections(name: str) -> None:
    assert int(in_council_folder(name, f"""grep '"msg_type": "ARQ"' {RAS_LOG} | wc -l""")) > 0
    rejections = in_council_folder(name, f"""grep '"msg_type": "ARJ"' {RAS_LOG}""").splitlines()
    assert all(json.loads(line)["msg_type"] == "ARJ" for line in rejections)
    assert rejections


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_failover_is_on_record(name: str) -> None:
    lines = in_council_folder(name, "grep GATEKEEPER_FAILOVER logs/ha/failover_*.jsonl").splitlines()
    assert json.loads(lines[-1])["failover_duration_sec"] < 5


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_promised_metrics_are_there_and_name_no_guardian(name: str) -> None:
    code, text, problem = metrics(name)
    assert code == 0, problem
    assert set(METRICS) <= {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    assert "if://" not in text


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_metrics_are_refused_without_a_certificate(name: str) -> None:
    code, text, _ = metrics(name, certificate=False)
    assert code != 0
    assert text == ""


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_journal_tells_no_secret(name: str, secrets: Path) -> None:
    journal = reach(name).check_output("journalctl --no-pager --output=cat")
    assert "PRIVATE KEY" not in journal
    for key in (secrets / "gatekeeper-key.pem", *(secrets / "keys").glob("*.pem")):
        body = "".join(line for line in key.read_text().splitlines() if not line.startswith("-----"))
        assert body not in journal, key.name


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_runbook_finds_the_process(name: str) -> None:
    found = reach(name).check_output("ps aux | grep -E '(h323_gatekeeper|gnugk)' | grep -v grep").splitlines()
    assert [line.split()[0] for line in found] == ["h323-ga+"]
