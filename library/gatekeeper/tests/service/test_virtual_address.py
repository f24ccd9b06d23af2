"""Netlink: what the kernel says, and what nobody should say."""

from __future__ import annotations

import ipaddress
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from gatekeeper.failover.virtual_address import AddressChange, VirtualAddress, address_changes
from hypothesis import given
from hypothesis import strategies as st

from .guardian import HOST
from .running import Node, program, serving, until

NEW, DELETED = 20, 21
ADDRESS, LOCAL, LABEL = 1, 2, 3


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, *attributes: bytes, interface: int = 2) -> bytes:
    body = struct.pack("=BBBBI", 2, 24, 0, 0, interface) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def test_addresses_that_come_and_go_are_told() -> None:
    octets = (
        message(NEW, attribute(ADDRESS, packed("192.0.2.10")), attribute(LOCAL, packed("192.0.2.10")))
        + message(3)
        + message(DELETED, attribute(LABEL, b"eth0:1\0"), attribute(ADDRESS, packed("2001:db8::a")), interface=3)
    )
    assert list(address_changes(octets)) == [
        AddressChange(2, "192.0.2.10", there=True),
        AddressChange(3, "2001:db8::a", there=False),
    ]


def test_the_other_end_of_a_tunnel_is_not_this_host() -> None:
    octets = message(NEW, attribute(ADDRESS, packed("192.0.2.10")), attribute(LOCAL, packed("192.0.2.1")))
    assert [change.address for change in address_changes(octets)] == ["192.0.2.1"]


@given(st.binary(max_size=200))
def test_any_octets_are_survived(octets: bytes) -> None:
    for change in address_changes(octets):
        ipaddress.ip_address(change.address)


@given(st.integers(0, 59), st.integers(0, 255))
def test_a_damaged_message_is_survived(place: int, value: int) -> None:
    good = message(NEW, attribute(ADDRESS, packed("192.0.2.10")), attribute(LOCAL, packed("192.0.2.10"))) * 2
    damaged = bytearray(good)
    damaged[place] = value
    assert len(list(address_changes(bytes(damaged)))) <= len(good) // 16
    assert len(list(address_changes(good[:place]))) <= 1


def test_the_kernel_knows_its_loopback_address() -> None:
    here, elsewhere = VirtualAddress("127.0.0.1"), VirtualAddress("192.0.2.10")
    try:
        until(here.read, "the kernel has told its addresses")
        assert not elsewhere.read()
    finally:
        here.close()
        elsewhere.close()


@pytest.fixture
def namespace() -> tuple[str, ...]:
    """A prefix that runs a program in a network of its own, where it may add addresses."""
    isolated = (program("unshare"), "--user", "--map-root-user", "--net")
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this kernel lets nobody make a network namespace here")
    return (*isolated, "sh", "-c", 'ip link set lo up && exec "$0" "$@"')


def test_the_office_goes_with_the_virtual_address(tmp_path: Path, namespace: tuple[str, ...]) -> None:
    fifo = tmp_path / "notify"
    os.mkfifo(fifo)
    keepalived = os.open(fifo, os.O_RDWR)
    ras = {"address": HOST, "port": 1719, "virtual_address": "192.0.2.10"}
    node = Node(tmp_path, settings={"ras": ras, "vrrp_fifo": str(fifo)})
    with serving(node, before=namespace, active=False) as process:
        inside = [
            str(shutil.which("nsenter")),
            "--preserve-credentials",
            "--user",
            "--net",
            f"--target={process.pid}",
            "ip",
            "address",
        ]
        assert node.says(active=False, epoch=0, holds_virtual_address=False)
        for epoch in (1, 2):
            subprocess.run([*inside, "add", "192.0.2.10/32", "dev", "lo"], check=True)
            until(
                lambda epoch=epoch: node.says(active=True, epoch=epoch, holds_virtual_address=True), "it is in office"
            )
            subprocess.run([*inside, "add", "192.0.2.11/32", "dev", "lo"], check=True)
            subprocess.run([*inside, "del", "192.0.2.11/32", "dev", "lo"], check=True)
            assert node.says(active=True, epoch=epoch)
            subprocess.run([*inside, "del", "192.0.2.10/32", "dev", "lo"], check=True)
            until(lambda: node.says(active=False, holds_virtual_address=False), "it stands by")
        # keepalived's word changes nothing but what is said: the office goes with the address.
        assert node.says(vrrp_state="UNKNOWN", virtual_address_doubt=None)
        os.write(keepalived, b'INSTANCE "council" MASTER 200\n')
        until(lambda: node.says(vrrp_state="MASTER", vrrp_transitions=1, active=False), "keepalived's word is heard")
        until(lambda: "not have the virtual address" in str(node.status()["virtual_address_doubt"]), "it is doubted")
        assert node.says(healthy=True)
        assert 'h323_gatekeeper_virtual_address_doubt{instance="gk1"} 1.0' in node.metrics()
        os.close(keepalived)
        until(lambda: node.says(vrrp_state="UNKNOWN", virtual_address_doubt=None), "keepalived's end is noticed")
