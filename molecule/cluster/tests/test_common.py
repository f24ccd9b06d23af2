"""Role common: clock, firewall, service users, and nothing that listens but what must."""

from __future__ import annotations

import pytest

from .conftest import GATEKEEPERS, HOSTS, VIP, address, reach

CHRONY = {("udp", "127.0.0.1:323"), ("udp", "[::1]:323")}


def expected_listeners(name: str) -> set[tuple[str, str]]:
    own = address(name)
    etcd = {("tcp", f"{own}:2379"), ("tcp", f"{own}:2380"), ("tcp", "127.0.0.1:2379")}
    if name not in GATEKEEPERS:
        return CHRONY | etcd
    ras = {(protocol, f"{each}:1719") for protocol in ("udp", "tcp") for each in (own, VIP)}
    return CHRONY | etcd | ras | {("tcp", f"{own}:9719")}


@pytest.mark.parametrize("name", HOSTS)
def test_nothing_listens_but_what_must(name: str) -> None:
    lines = reach(name).check_output("ss -Hlntu").splitlines()
    found = {(fields[0], fields[4]) for fields in (line.split() for line in lines)}
    assert found == expected_listeners(name)


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("service", ["chrony", "nftables"])
def test_clock_and_firewall_run_now_and_at_boot(name: str, service: str) -> None:
    found = reach(name).service(service)
    assert found.is_enabled
    assert found.is_running


@pytest.mark.parametrize("name", HOSTS)
def test_the_firewall_drops_what_is_not_named(name: str) -> None:
    rules = reach(name).check_output("nft list chain inet council input")
    assert "policy drop" in rules
    assert ("dport 1719" in rules) == (name in GATEKEEPERS)


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_service_user_cannot_log_in(name: str) -> None:
    user = reach(name).user("h323-gatekeeper")
    assert user.shell == "/usr/sbin/nologin"
    assert sorted(user.groups) == ["guardian-pki", "h323-gatekeeper"]
