"""Role keepalived: one virtual address, on one host."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from .conftest import COUNCIL, GATEKEEPERS, VIP, address, eventually, exposure, reach, unit

FORGER = (Path(__file__).parent / "forge_adverts.py").read_text(encoding="utf-8")


def settings(name: str) -> dict[str, str]:
    text = reach(name).file("/etc/keepalived/keepalived.conf").content_string
    return dict(re.findall(r"^ +(\w+) (\S+)$", text, re.MULTILINE))


def holders() -> list[str]:
    return [name for name in GATEKEEPERS if reach(name).check_output(f"ip -brief address show to {VIP}")]


def status(name: str) -> dict[str, object]:
    """What the gatekeeper says of itself; nothing while it doesn't run."""
    answer: dict[str, object] = json.loads(
        reach(name).run(f"{COUNCIL}/current/bin/h323-gatekeeper status --json").stdout or "{}"
    )
    return answer


def one_holder() -> bool:
    """One host has the address; kernel, keepalived and gatekeeper agree on both."""
    found = holders()
    expected = {name: ("MASTER" if [name] == found else "BACKUP", [name] == found) for name in GATEKEEPERS}
    said = {name: status(name) for name in GATEKEEPERS}
    return (
        len(found) == 1
        and {name: (one.get("vrrp_state"), one.get("active")) for name, one in said.items()} == expected
        and all(one["virtual_address_doubt"] is None for one in said.values())
    )


def test_exactly_one_host_has_the_virtual_address() -> None:
    assert len(holders()) == 1


def test_kernel_keepalived_and_gatekeeper_agree_on_who_has_it() -> None:
    eventually(one_holder, "all agree on who has the virtual address")


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


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_gatekeeper_may_read_what_keepalived_says_and_nobody_may_replace_it(name: str) -> None:
    fifo = reach(name).file("/run/council-vrrp/notify")
    assert fifo.is_pipe
    assert (fifo.user, fifo.group, fifo.mode) == ("root", "h323-gatekeeper", 0o640)
    folder = reach(name).file("/run/council-vrrp")
    assert (folder.user, folder.mode) == ("root", 0o755)


@pytest.mark.parametrize("name", GATEKEEPERS)
def test_the_priority_follows_the_term(name: str) -> None:
    said = status(name)
    epoch = said["epoch"]
    assert isinstance(epoch, int)
    bonus = 2 * (epoch % 25) + (2 if said["active"] else 0)
    assert reach(name).file("/run/h323-gatekeeper/priority").content_string == f"{bonus}\n"


def test_the_address_has_a_mac_address_of_its_own_where_that_is_wanted() -> None:
    holder = reach(holders()[0])
    router = int(settings(holders()[0])["virtual_router_id"])
    virtual = f"00:00:5e:00:01:{router:02x}"
    interface = holder.check_output(f"ip -brief address show to {VIP}").split()[0].partition("@")[0]
    mac = holder.file(f"/sys/class/net/{interface}/address").content_string.strip()
    wanted = "use_vmac" in holder.file("/etc/keepalived/keepalived.conf").content_string
    assert (mac == virtual) is wanted
    witness = reach("wit1")
    witness.check_output(f"nc -z {VIP} 1719")
    assert f"lladdr {mac} " in witness.check_output(f"ip neighbour show to {VIP}")


def test_an_advert_of_a_third_host_moves_nothing() -> None:
    """The firewall drops it; with the rule for VRRP open to all, this fails."""
    eventually(one_holder, "all agree on who has the virtual address")
    before = {name: (status(name)["vrrp_transitions"], status(name)["epoch"]) for name in GATEKEEPERS}
    dropped = {name: dropped_packets(name) for name in GATEKEEPERS}
    router = settings(GATEKEEPERS[0])["virtual_router_id"]
    arguments = (FORGER, address("wit1"), VIP, router, *map(address, GATEKEEPERS))
    sent = reach("wit1").check_output("python3 -c %s %s %s %s %s %s", *arguments)
    assert sent.strip() == "100"
    assert one_holder()
    assert {name: (status(name)["vrrp_transitions"], status(name)["epoch"]) for name in GATEKEEPERS} == before
    assert all(dropped_packets(name) >= dropped[name] + 100 for name in GATEKEEPERS)


def dropped_packets(name: str) -> int:
    rules = reach(name).check_output("nft list chain inet council input")
    match = re.search(r'counter packets (\d+) bytes \d+ comment "dropped"', rules)
    assert match is not None, rules
    return int(match[1])


@pytest.mark.parametrize("which", ["", "--kill-whom=main", "its VRRP process"])
def test_however_keepalived_dies_one_host_has_the_address_soon(which: str) -> None:
    eventually(one_holder, "all agree on who has the virtual address")
    name = holders()[0]
    host = reach(name)
    before = host.check_output("systemctl show --property=MainPID --value keepalived")
    if which == "its VRRP process":
        host.check_output(f"pkill --signal KILL --parent {before}")
    else:
        host.check_output(f"systemctl kill --signal=KILL {which} keepalived")
    eventually(lambda: holders() not in ([], [name], list(GATEKEEPERS)), "the other host has the address alone")
    eventually(
        lambda: host.check_output("systemctl show --property=MainPID --value keepalived") not in ("0", before),
        "keepalived runs again",
    )
    eventually(one_holder, "all agree on who has the virtual address")
