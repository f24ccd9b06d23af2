"""Role keepalived: one virtual address, on one host."""

from __future__ import annotations

import re

import pytest

from .conftest import GATEKEEPERS, VIP, address, exposure, reach, unit


def settings(name: str) -> dict[str, str]:
    text = reach(name).file("/etc/keepalived/keepalived.conf").content_string
    return dict(re.findall(r"^ +(\w+) (\S+)$", text, re.MULTILINE))


def test_exactly_one_host_has_the_virtual_address() -> None:
    found = [name for name in GATEKEEPERS if reach(name).check_output(f"ip -brief address show to {VIP}")]
    assert len(found) == 1


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_it_runs_now_and_at_boot(name: str) -> None:
    service = reach(name).service("keepalived")
    assert service.is_enabled
    assert service.is_running


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_it_runs_in_real_time(name: str) -> None:
    scheduling = reach(name).check_output("ps -C keepalived -o class=,rtprio=")
    assert re.search(r"RR\s+50", scheduling), scheduling


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_sandbox_leaves_it_the_network_and_little_else(name: str) -> None:
    # It is root with five capabilities, for the address, raw VRRP packets and real time.
    assert exposure(name, "keepalived") <= 3.0


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_its_configuration_is_valid_and_roots(name: str) -> None:
    host = reach(name)
    file = host.file("/etc/keepalived/keepalived.conf")
    assert (file.user, file.mode) == ("root", 0o640)
    assert host.run("keepalived --config-test").rc == 0


def test_the_two_are_one_virtual_router() -> None:
    first, second = (settings(name) for name in GATEKEEPERS)
    assert first["virtual_router_id"] == second["virtual_router_id"]
    assert (first["priority"], second["priority"]) == ("201", "200")
    assert (first["unicast_src_ip"], second["unicast_src_ip"]) == tuple(map(address, GATEKEEPERS))


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_a_running_gatekeeper_is_healthy_to_it(name: str) -> None:
    host = reach(name)
    assert host.service(unit(name)).is_running
    assert host.file("/run/h323-gatekeeper/track").content_string.strip() == "0"
