"""Faults of the network: a cable pulled, and cuts between hosts, by a table of the drill's own in a host's firewall."""

from __future__ import annotations

import os
import subprocess

from tests.drill.hosts import Host, HostError

from .fault import Fault, Scene

_TABLE = """
table inet drill
delete table inet drill
table inet drill {{
    chain input {{ type filter hook input priority -300; {arriving} }}
    chain output {{ type filter hook output priority -300; {leaving} }}
}}
"""
_NO_TABLE = "table inet drill\ndelete table inet drill\n"


def cut(host: Host, *others: Host, only: str = "") -> None:
    """Drop what comes to this host from those and goes to them; `only`: of a protocol, in the words of nft."""
    rules = {"saddr": "", "daddr": ""}
    for other in others:
        family = "ip6" if ":" in other.reach.address else "ip"
        for side in rules:
            rules[side] += f"{only} {family} {side} {other.reach.address} drop; "
    host.run("nft", "--file", "-", stdin=_TABLE.format(arriving=rules["saddr"], leaving=rules["daddr"]))


class Cut(Fault):
    """A fault that is over when the drill's table is gone."""

    def repair(self, host: Host) -> None:
        """Remove the table."""
        host.run("nft", "--file", "-", stdin=_NO_TABLE)


class CutFromPeer(Cut):
    name = "cut-peer"
    text = "gatekeepers cut off from each other only"

    def inject(self, scene: Scene) -> None:
        """All that goes from one to the other, either way."""
        cut(scene.active, scene.standby)


class CutFromVoters(Cut):
    name = "cut-voters"
    text = "active cut off from both other voters, not from the terminals"

    def inject(self, scene: Scene) -> None:
        """Both ways."""
        cut(scene.active, *(host for host in scene.council.hosts if host is not scene.active))


class CutAdverts(Cut):
    name = "cut-adverts"
    text = "VRRP alone cut between the gatekeepers"

    def inject(self, scene: Scene) -> None:
        """The standby hears no advert, so that both hold the virtual address."""
        cut(scene.active, scene.standby, only="meta l4proto 112")


class LinkDown(Fault):
    name = "link-down"
    text = "host: link down"

    def inject(self, scene: Scene) -> None:
        """Pull the cable: the host's interface loses its carrier. Its other end is on this machine."""
        link(scene.active, "down")

    def repair(self, host: Host) -> None:
        """Plug it in."""
        if host.reach.container:
            link(host, "up")


def link(host: Host, to: str) -> None:
    """Set the other end of a container's cable. Raises HostError."""
    number = host.run("cat", "/sys/class/net/eth0/iflink").strip()
    listed = subprocess.run(["ip", "-oneline", "link"], capture_output=True, text=True, check=True).stdout
    ends = {line.partition(":")[0]: line.split()[1].split("@")[0].rstrip(":") for line in listed.splitlines()}
    if number not in ends:
        raise HostError(f"{host.name}: the other end of its cable, number {number}, is not on this machine")
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*as_root, "ip", "link", "set", ends[number], to], capture_output=True, text=True, check=True)
