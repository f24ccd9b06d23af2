"""Whatever is in a capture: an exit code and sentences, never a traceback, never something that moves the cursor."""

from __future__ import annotations

import io
import random
import re

import pytest
from gatekeeper.decode.capture import CaptureError, Frame, frames
from gatekeeper.decode.keys import Keys
from gatekeeper.decode.packets import Datagram, packet
from gatekeeper.decode.report import Inspector
from h323.ras import GatekeeperConfirm, encode
from hypothesis import given
from hypothesis import strategies as st

from .captures import LINKS, START, Sent, capture, ethernet, ipv4, pcapng
from .conftest import Decode, Files
from .council import IDENTIFIER, SETUP, SIP, evening, private_key, registry

SENT = evening()
CAPTURES = [capture(SENT, kind) for kind in LINKS] + [pcapng([(s.time, ethernet(ipv4(s))) for s in SENT], 1)]
KEYS = Keys(registry(), private_key(IDENTIFIER).public_key())
CONTROL = re.compile(r"[^\n\x20-\x7e\u00a0-\uffff]")


def survives(octets: bytes) -> int:
    """How many datagrams were looked at."""
    inspector, seen = Inspector(KEYS), 0
    try:
        for frame in frames(octets[:4], io.BytesIO(octets[4:])):
            found = packet(frame)
            if isinstance(found, Datagram):
                seen += 1
                inspector.inspect(found)
    except CaptureError:
        return seen
    return seen


@given(st.data())
def test_a_capture_with_some_octets_changed(data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from(CAPTURES)))
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(4, len(changed) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(changed))


@given(st.data())
def test_a_capture_with_a_part_left_out_or_put_in(data: st.DataObject) -> None:
    octets = data.draw(st.sampled_from(CAPTURES))
    start = data.draw(st.integers(4, len(octets)))
    end = data.draw(st.integers(start, len(octets)))
    survives(octets[:start] + data.draw(st.binary(max_size=40)) + octets[end:])


@given(st.sampled_from([0, 1, 12, 101, 108, 113, 147, 228, 276]), st.binary(max_size=120))
def test_any_frame(link: int, octets: bytes) -> None:
    packet(Frame(1, None, link, octets, 0))


@given(st.binary(max_size=200))
def test_any_datagram(octets: bytes) -> None:
    Inspector(KEYS).inspect(Datagram(1, START, None, None, octets))


def test_a_thousand_mutations_through_the_whole_command(decode: Decode, files: Files) -> None:
    chance = random.Random(2)
    mutated = []
    for _ in range(1_000):
        octets = bytearray(chance.choice(SENT).octets)
        octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
        octets[chance.randrange(len(octets))] = chance.randrange(256)
        mutated.append(Sent(bytes(octets)))
    for options in (["--show-personal"], ["--json"]):
        result = decode(files.capture(capture(mutated)), *files.options, *options)
        assert result.code == 1
        assert not CONTROL.search(result.out)
        assert result.err == ""
    assert len(result.messages) == 1_000


def test_every_mutated_capture_has_an_exit_code(decode: Decode, files: Files) -> None:
    chance = random.Random(3)
    codes = set()
    for octets in CAPTURES * 2:
        changed = bytearray(octets)
        for _ in range(3):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        result = decode(files.capture(bytes(changed)), *files.options)
        codes.add(result.code)
        assert "Traceback" not in result.err
    assert codes <= {1, 2}


def test_names_cannot_move_the_cursor(decode: Decode, files: Files) -> None:
    evil = "gk\x1b[2J\x07\u202egnp.exe\ud800"
    datagram = encode(
        GatekeeperConfirm(
            request_seq_num=1,
            protocol_identifier="0.0.8.2250.0.7",
            gatekeeper_identifier=evil,
            ras_address=("nsap", b"1"),
        )
    )
    result = decode(files.capture(capture([Sent(datagram)])))
    assert r"gatekeeperIdentifier      gk\x1b[2J\x07\u202egnp.exe\ud800" in result.out


def test_a_time_that_no_calendar_has(decode: Decode, files: Files) -> None:
    octets = bytearray(pcapng([(START, ethernet(ipv4(SENT[0])))], 1))
    place = octets.index(b"\x06\0\0\0", 60) + 12
    octets[place : place + 8] = b"\xff" * 8
    (message,) = decode(files.capture(bytes(octets)), "--json").messages
    assert message["message"] == "GRQ"
    assert "time" not in message


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "not RAS: an empty datagram"),
        (bytes(4), "not RAS: nothing but zeros"),
        (SIP, "not RAS: a SIP OPTIONS request"),
        (b"SIP/2.0 200 OK\r\n\r\n", "not RAS: a SIP response"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not RAS: an HTTP GET request"),
        (b"hello there\n", "not RAS: plain text"),
        (SETUP, "H.225.0 call signalling (SETUP in TPKT) rather than RAS; it belongs on TCP 1720"),
        (SETUP[4:], "H.225.0 call signalling (SETUP) rather than RAS"),
        (bytes.fromhex("000100002112a442") + bytes(12), "not RAS: STUN"),
        (bytes.fromhex("16fefd0000000000000000000000"), "not RAS: DTLS"),
        (bytes.fromhex("80c80006") + bytes(24), "not RAS: RTCP"),
        (b"\xff\xff\xff\xff\x01", "not H.323 RAS, or of a newer version"),
    ],
)
def test_near_misses_are_named(decode: Decode, files: Files, octets: bytes, said: str) -> None:
    result = decode(files.capture(capture([Sent(octets)])))
    assert result.code == 1
    assert said in result.out
    assert "anna" not in result.out
