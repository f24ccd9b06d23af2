"""Another implementation reads what we encode."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from h323.ras import InfoRequestResponse, RasMessage, RegistrationRequest, decode, encode

PORT = 1719
LINKTYPE_RAW = 101


@pytest.fixture(scope="module")
def tshark() -> str:
    found = shutil.which("tshark")
    if found is None:
        pytest.fail("tshark is missing: apt-get install tshark", pytrace=False)
    return found


def packet(datagram: bytes) -> bytes:
    """A record of a capture: IPv4 and UDP without checksums, for tshark checks neither by default."""
    udp = struct.pack(">HHHH", PORT, PORT, 8 + len(datagram), 0) + datagram
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes(4)) + udp
    return struct.pack("<IIII", 0, 0, len(ip), len(ip)) + ip


def read(tshark: str, folder: Path, datagrams: list[bytes]) -> list[dict[str, Any]]:
    """What tshark makes of each datagram: its fields by name."""
    capture = folder / "ras.pcap"
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, LINKTYPE_RAW)
    capture.write_bytes(header + b"".join(map(packet, datagrams)))
    wanted = ("h225.RasMessage", "h225.requestSeqNum", "_ws.malformed", "h225.endpointIdentifier", "h225.timeToLive")
    options = [option for field in wanted for option in ("-e", field)]
    result = subprocess.run(
        [tshark, "-r", str(capture), "-T", "json", *options], check=True, capture_output=True, text=True
    )
    return [one["_source"]["layers"] for one in json.loads(result.stdout)]


def without_signed_tokens(message: RasMessage) -> RasMessage:
    """tshark's dissector of what a SIGNED{} token signs is a stub: the rest of such a message is lost on it."""
    if isinstance(message, tuple):
        return tuple(replace(one, crypto_tokens=None) for one in message)
    if isinstance(message, InfoRequestResponse) and message.per_call_info is not None:
        calls = tuple(replace(one, crypto_tokens=None) for one in message.per_call_info)
        return replace(message, crypto_tokens=None, per_call_info=calls)
    return replace(message, crypto_tokens=None)


def test_tshark_reads_every_message(tshark: str, tmp_path: Path, vectors: dict[str, bytes]) -> None:
    messages = {name: without_signed_tokens(decode(octets)) for name, octets in vectors.items()}
    seen = read(tshark, tmp_path, [encode(message) for message in messages.values()])
    for (name, message), fields in zip(messages.items(), seen, strict=True):
        assert "_ws.malformed" not in fields, name
        first = message[0] if isinstance(message, tuple) else message
        assert fields["h225.requestSeqNum"][0] == str(first.request_seq_num), name


def test_tshark_gives_messages_the_same_names(tshark: str, tmp_path: Path, vectors: dict[str, bytes]) -> None:
    alternatives = {"RRQ": 3, "ARQ": 9, "ACF": 10, "ARJ": 11, "DRQ": 15, "DCF": 16, "URQ": 6, "RCF": 4, "GCF": 1}
    messages = [without_signed_tokens(decode(vectors[name])) for name in alternatives]
    seen = read(tshark, tmp_path, [encode(message) for message in messages])
    assert [fields["h225.RasMessage"] for fields in seen] == [[str(one)] for one in alternatives.values()]


def test_tshark_reads_the_fields_of_a_keep_alive(tshark: str, tmp_path: Path, vectors: dict[str, bytes]) -> None:
    message = decode(vectors["RRQ-ka"])
    assert isinstance(message, RegistrationRequest)
    changed = replace(message, request_seq_num=4321, time_to_live=77, endpoint_identifier="0A1B")
    (fields,) = read(tshark, tmp_path, [encode(changed)])
    assert fields["h225.requestSeqNum"] == ["4321"]
    assert fields["h225.timeToLive"] == ["77"]
    assert fields["h225.endpointIdentifier"] == ["0A1B"]


def test_tshark_reads_a_signed_message_up_to_its_token(tshark: str, tmp_path: Path, vectors: dict[str, bytes]) -> None:
    (fields,) = read(tshark, tmp_path, [vectors["ARQ-typ"]])
    assert fields["h225.requestSeqNum"] == ["5"]
    assert fields["h225.endpointIdentifier"] == ["4711_endp"]
