"""Sends VRRPv3 adverts of the highest priority: SOURCE VIRTUAL_ADDRESS ROUTER_ID DESTINATION…; prints how many to each.

Runs on a host of the lab, which has Python and nothing else.
"""

import socket
import struct
import sys
import time

VRRP = 112
COUNT = 100


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of octets."""
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def advert(source: bytes, destination: bytes, virtual: bytes, router: int) -> bytes:
    """One advert of priority 254 (RFC 5798 5.1), which promises the next one within 50 ms."""
    body = struct.pack("!BBBBHH", 0x31, router, 254, 1, 5, 0) + virtual
    pseudo_header = source + destination + struct.pack("!BBH", 0, VRRP, len(body))
    return body[:6] + struct.pack("!H", checksum(pseudo_header + body)) + body[8:]


source, virtual, router, *destinations = sys.argv[1:]
with socket.socket(socket.AF_INET, socket.SOCK_RAW, VRRP) as raw:
    raw.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
    for _ in range(COUNT):
        for destination in destinations:
            one = advert(*map(socket.inet_aton, (source, destination, virtual)), int(router))
            raw.sendto(one, (destination, 0))
        time.sleep(0.02)
sys.stdout.write(f"{COUNT}\n")
