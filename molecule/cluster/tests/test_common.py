"""Role common: clock, firewall, service users, and nothing that listens but what must."""

from __future__ import annotations

import pytest

from .conftest import EVERY, GATEKEEPERS, HOSTS, VIP, address, reach

CHRONY = {("udp", "127.0.0.1:323"), ("udp", "[::1]:323")}


def expected_listeners(name: str) -> set[tuple[str, str]]:
    own = address(name)
    if name not in HOSTS:
        return CHRONY
    etcd = {("tcp", f"{own}:2379"), ("tcp", f"{own}:2380"), ("tcp", "127.0.0.1:2379")}
    log = {("tcp", f"{own}:9721"), ("tcp", f"{own}:9722")}
    if name not in GATEKEEPERS:
        mirror_and_cosigner = {("tcp", f"{own}:{port}") for port in (9723, 9724, 9725)}
        return CHRONY | etcd | log | mirror_and_cosigner
    ras = {(protocol, f"{each}:1719") for protocol in ("udp", "tcp") for each in (own, VIP)}
    return CHRONY | etcd | log | ras | {("tcp", f"{own}:9719")}


@pytest.mark.parametrize("name", EVERY)
def test_nothing_listens_but_what_must(name: str) -> None:
    lines = reach(name).check_output("ss -Hlntu").splitlines()
    found = {(fields[0], fields[4]) for fields in (line.split() for line in lines)}
    assert found == expected_listeners(name)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("service", ["chrony", "nftables"])
def test_clock_and_firewall_run_now_and_at_boot(name: str, service: str) -> None:
    found = reach(name).service(service)
    assert found.is_enabled
    assert found.is_running


@pytest.mark.parametrize("name", EVERY)
def test_the_firewall_drops_what_is_not_named(name: str) -> None:
    rules = reach(name).check_output("nft list chain inet council input")
    assert "policy drop" in rules
    assert ("dport 1719" in rules) == (name in GATEKEEPERS)


USERS = [(name, "h323-gatekeeper", ["guardian-pki", "h323-gatekeeper"]) for name in GATEKEEPERS]
USERS += [(name, "h323-witness", ["guardian-pki", "h323-auditors", "h323-witness"]) for name in HOSTS]
USERS += [("wit1", user, ["guardian-pki", user]) for user in ("h323-cosigner", "h323-mirror")]
USERS += [("arc1", "h323-archive", ["guardian-pki", "h323-archive"])]


@pytest.mark.parametrize(("name", "service_user", "groups"), USERS)
def test_service_users_cannot_log_in_and_are_in_no_other_group(name: str, service_user: str, groups: list[str]) -> None:
    user = reach(name).user(service_user)
    assert user.shell == "/usr/sbin/nologin"
    assert sorted(user.groups) == groups
