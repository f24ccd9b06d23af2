"""The deployed council: guardians through the virtual address, and what happens when the active gatekeeper stops."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

import pytest

from .conftest import GATEKEEPERS, NAME, holders, on_host, status, terminal_command, unit

pytestmark = pytest.mark.lab


def eventually(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Look until it is so; the time is only when to stop looking."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what}; see LAB_NAME={NAME} lab/diagnose")


@pytest.mark.parametrize("guardians", [8, 12, 25])
def test_guardians_are_admitted_and_refused_as_they_must_be(guardians: int) -> None:
    done = subprocess.run(
        terminal_command("smoke", "--guardians", str(guardians)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.rstrip().endswith("✅ PASS - Production Ready"), done.stdout + done.stderr
    assert done.returncode == 0


def test_exactly_one_host_has_the_virtual_address_and_is_active() -> None:
    assert len(holders()) == 1
    assert [host for host in GATEKEEPERS if status(host)["active"]] == holders()


@pytest.mark.usefixtures("both_running")
@pytest.mark.parametrize("how", [("stop",), ("kill", "--signal=KILL")])
def test_terminals_notice_nothing_but_a_retry_when_the_active_stops(how: tuple[str, ...]) -> None:
    eventually(lambda: all(status(host).get("healthy") for host in GATEKEEPERS), "both gatekeepers healthy")
    active = holders()[0]
    other = next(host for host in GATEKEEPERS if host != active)
    watching = subprocess.Popen(terminal_command("watch", "--guardians", "8"), stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    assert watching.stdout.readline().startswith("all guardians are in the conference")
    on_host(active, "systemctl", *how, unit(active))
    eventually(lambda: status(other).get("active") is True, f"{other} active")
    assert holders() == [other]
    assert status(other)["registrations"] == 8
    watching.terminate()
    told, _ = watching.communicate(timeout=60)
    assert watching.returncode == 0, told
    events = on_host(other, "sh", "-c", "cat /opt/guardian-council/logs/ha/failover_*.jsonl").splitlines()
    failover = next(event for event in map(json.loads, reversed(events)) if event["event"] == "GATEKEEPER_FAILOVER")
    assert (failover["from"], failover["to"], failover["epoch"]) == (active, other, status(other)["epoch"])


def test_both_nodes_have_the_same_witness_log() -> None:
    def size(host: str) -> object:
        return status(host).get("witness_records")

    eventually(lambda: size("gk1") == size("gk2") is not None, "both logs as long")
    show = ("sh", "-c", "cat /opt/guardian-council/logs/h323_witness/h323_ras_*.jsonl")
    first, second = (on_host(host, *show) for host in GATEKEEPERS)
    assert first == second
    lines = [json.loads(line) for line in first.splitlines()]
    assert [line["index"] for line in lines] == list(range(len(lines)))


def test_the_runbooks_greps_find_admissions_and_rejections() -> None:
    log = "logs/h323_witness/h323_ras_$(date +%Y%m%d).jsonl"
    asked = on_host("gk1", "sh", "-c", f"""cd /opt/guardian-council && grep '"msg_type": "ARQ"' {log} | wc -l""")
    assert int(asked) > 0
    rejected = on_host("gk1", "sh", "-c", f"""cd /opt/guardian-council && grep '"msg_type": "ARJ"' {log} | tail -n 1""")
    assert json.loads(rejected)["reason"]


@pytest.mark.parametrize("host", GATEKEEPERS)
def test_the_unit_is_in_a_sandbox(host: str) -> None:
    exposure = on_host(host, "systemd-analyze", "security", "--no-pager", unit(host)).splitlines()[-1]
    assert float(exposure.split(":")[1].split()[0]) <= 2.0, exposure
