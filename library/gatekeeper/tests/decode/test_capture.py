"""Every kind of capture is read, and gives what tshark reads in it."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from h323.ras import AdmissionReject, encode
from h323.ras.names import SHORT_NAMES

from .captures import (
    LINKS,
    START,
    TERMINAL,
    Sent,
    block,
    capture,
    enhanced,
    ethernet,
    interface,
    ipv4,
    ipv6,
    pcap,
    pcapng,
    section,
    udp,
)
from .conftest import Decode, Files
from .council import SETUP, SIP, evening

SENT = evening()
RAS = [one for one in SENT if one.octets not in (SIP, SETUP)]
"""tshark tries to read the others as RAS, too."""
SMALL = encode(AdmissionReject(request_seq_num=7, reject_reason=("requestDenied", None)))
ALTERNATIVES = list(SHORT_NAMES)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install tshark", pytrace=False)
    return found


def by_tshark(path: str) -> list[tuple[int, str, int]]:
    """Frame, short name and requestSeqNum of each message that tshark sees."""
    fields = ["frame.number", "h225.RasMessage", "h225.requestSeqNum"]
    options = [option for field in fields for option in ("-e", field)]
    command = [program("tshark"), "-r", path, "-Y", "h225.requestSeqNum", "-T", "json", *options]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    layers: list[dict[str, Any]] = [one["_source"]["layers"] for one in json.loads(result.stdout)]
    return [tuple_of(*(one[field][0] for field in fields)) for one in layers]


def tuple_of(frame: str, alternative: str, number: str) -> tuple[int, str, int]:
    return int(frame), SHORT_NAMES[ALTERNATIVES[int(alternative)]], int(number)


def by_decode(decode: Decode, path: str) -> list[tuple[object, ...]]:
    lines = decode(path, "--json").messages
    return [(one["frame"], one["message"], one["requestSeqNum"]) for one in lines if "requestSeqNum" in one]


@pytest.mark.parametrize("kind", LINKS)
def test_tshark_reads_the_same_in_every_kind(decode: Decode, files: Files, kind: str) -> None:
    path = files.capture(capture(RAS, kind))
    seen = by_decode(decode, path)
    assert len(seen) == 25
    assert seen == by_tshark(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_both_byte_orders(decode: Decode, files: Files, order: str) -> None:
    path = files.capture(pcapng([(one.time, ethernet(ipv4(one))) for one in RAS], 1, order))
    seen = by_decode(decode, path)
    assert len(seen) == 25
    assert seen == by_tshark(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("unit", "expected"), [(1_000, "08:00:00.123456"), (1, "08:00:00.123456")])
def test_pcap_of_both_byte_orders_and_units_of_time(
    decode: Decode, files: Files, order: str, unit: int, expected: str
) -> None:
    sent = Sent(SMALL, time=START + 123_456_789)
    path = files.capture(pcap([(sent.time, ipv4(sent))], 101, order, unit))
    assert decode(path, "--json").messages[0]["time"] == f"2027-01-15T{expected}Z"


@pytest.mark.parametrize(("options", "kind"), [([], "pcapng"), (["-F", "pcap"], "pcap")])
def test_what_text2pcap_makes(decode: Decode, files: Files, options: list[str], kind: str) -> None:
    text = files.folder / "ras.txt"
    dump = " ".join(f"{octet:02x}" for octet in SENT[0].octets)
    text.write_text(f"0000 {dump}\n")
    path = files.folder / f"ras.{kind}"
    command = [program("text2pcap"), "-q", "-u", "4000,1719", *options, str(text), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    seen = by_decode(decode, str(path))
    assert seen == by_tshark(str(path))
    assert seen == [(1, "GRQ", 1)]


def test_each_interface_has_its_own_kind_and_clock(decode: Decode, files: Files) -> None:
    sent = Sent(SMALL, time=START + 123_456_789)
    octets = section() + interface(1) + interface(101, resolution=9)
    octets += enhanced(sent.time, ethernet(ipv4(sent))) + enhanced(sent.time, ipv4(sent), which=1, ticks=10**9)
    # A second section may have another byte order, and has interfaces of its own.
    octets += section(">") + interface(228, ">") + enhanced(sent.time, ipv4(sent), ">")
    octets += block(4, bytes(4), ">") + block(3, struct.pack(">I", len(ipv4(sent))) + ipv4(sent), ">")
    messages = decode(files.capture(octets), "--json").messages
    assert [one["frame"] for one in messages] == [1, 2, 3, 4]
    assert {one.get("time") for one in messages} == {"2027-01-15T08:00:00.123456Z", None}
    assert by_decode(decode, files.capture(octets)) == by_tshark(files.capture(octets))


def test_a_capture_that_was_cut_off_shows_what_it_has(decode: Decode, files: Files) -> None:
    result = decode(files.capture(capture(SENT)[:-10]), "--json")
    assert result.code == 1
    assert len(result.messages) == len(SENT) - 1
    assert "the capture is damaged: it ends inside frame 27; was it copied while it was being written?" in result.err


def test_a_snap_length_that_cuts_messages_is_named(decode: Decode, files: Files) -> None:
    frame = ethernet(ipv4(SENT[2]))
    kept = frame[:96]
    record = struct.pack("<IIII", 0, 0, len(kept), len(frame)) + kept
    result = decode(files.capture(pcap([], 1) + record))
    assert result.code == 1
    assert (
        f"the capture kept only 54 of its {len(SENT[2].octets)} octets; take it again with tcpdump -s 0" in result.out
    )
    assert result.out.startswith("RRQ 2  #1")


def test_fragments_are_named(decode: Decode, files: Files) -> None:
    first, later = udp(SENT[2])[:64], udp(SENT[2])[64:]
    frames = [ipv4(SENT[2], first, 0x2000), ipv4(SENT[2], later, 64 // 8)]
    header = bytes([17, 0]) + struct.pack(">HI", 1, 9)
    frames += [ipv6(SENT[2], header + first, 44), ipv6(SENT[2], bytes([17, 0]) + struct.pack(">HI", 64, 9) + later, 44)]
    result = decode(files.capture(pcap([(START, frame) for frame in frames], 101)))
    assert result.code == 1
    assert result.out.count("only the first IP fragment of a datagram, 56 octets") == 2
    assert "2 later IP fragments" in result.out


def test_what_is_no_datagram_is_counted(decode: Decode, files: Files) -> None:
    one = Sent(b"", TERMINAL, ("192.0.2.10", 1719))
    tcp = ipv4(one, struct.pack(">HH", 40_000, 1719) + bytes(16), protocol=6)
    frames = [tcp, ipv4(one, bytes(8), protocol=1), b"", b"\x45", bytes(40), ipv4(one, b"")]
    result = decode(files.capture(pcap([(START, frame) for frame in frames], 101)))
    assert result.code == 0
    assert "1 TCP segments on a RAS port" in result.out
    assert "1 IP packets other than UDP" in result.out
    assert "3 frames that end inside a header" in result.out
    assert "1 frames without IP" in result.out


def test_a_link_type_that_nobody_knows(decode: Decode, files: Files) -> None:
    assert (
        "1 frames of link type 147, which this tool doesn't know"
        in decode(files.capture(pcap([(START, bytes(60))], 147))).out
    )


def test_ras_on_another_port_is_pointed_out(decode: Decode, files: Files) -> None:
    terminal = ("192.0.2.101", 40_000)
    sent = [Sent(SENT[2].octets, terminal, ("192.0.2.10", 21_719)), Sent(b"dns", terminal, ("192.0.2.1", 53))]
    path = files.capture(capture(sent))
    result = decode(path)
    assert "0 RAS messages" in result.out
    assert "passed over: 2 datagrams of other ports" in result.out
    assert "there is RAS on port 21719 (in the first datagrams, 1): --port 21719 shows it" in result.out
    assert "1 RAS messages: 1 RRQ" in decode(path, "--port", "21719", "--port", "1719").out


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b"", "empty; nothing was captured, or nothing was written yet"),
        (b"\x1f\x8b\x08\0", "compressed; write: gunzip -c FILE | h323-decode -"),
        (b"\x7fELF\0\0", "neither pcap nor pcapng nor hexadecimal text"),
        (pcap([], 1)[:10], "not a usable capture: it ends inside the file's header"),
        (pcap([], 1) + struct.pack("<IIII", 0, 0, 1 << 31, 60), "frame 1 says that it has 2147483648 octets"),
        (section()[:8] + b"\1\2\3\4", "a section that doesn't say its byte order"),
        (section() + interface(1) + enhanced(0, bytes(60), which=9), "frame 1 is of interface 9"),
        (section() + struct.pack("<II", 1, 7), "the block behind frame 0 says that it has 7 octets"),
        (section() + struct.pack("<II", 6, 1 << 30), "the block behind frame 0 says that it has 1073741824 octets"),
    ],
)
def test_input_that_cannot_be_used(decode: Decode, files: Files, octets: bytes, problem: str) -> None:
    result = decode(files.capture(octets))
    assert (result.code, result.out) == (2, "")
    assert problem in result.err
    assert result.err.count("\n") == 1


def test_an_empty_capture_is_one(decode: Decode, files: Files) -> None:
    result = decode(files.capture(pcap([], 1)))
    assert (result.code, result.out) == (0, "0 RAS messages\n")


def test_a_file_that_cannot_be_read(decode: Decode, tmp_path: Path) -> None:
    assert "Is a directory; give a file" in decode(str(tmp_path)).err
    assert "no such file, and not a datagram in hexadecimal digits" in decode(str(tmp_path / "none")).err
