"""A capture of any length: frames are let go one by one, and what is remembered of them is bounded."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from gatekeeper.decode import checking, pairing
from gatekeeper.decode.capture import frames
from gatekeeper.decode.keys import Keys
from gatekeeper.decode.packets import Datagram, packet
from gatekeeper.decode.pairing import Pairing
from gatekeeper.decode.reading import Message, read
from gatekeeper.decode.report import Inspector
from h323.ras import DisengageConfirm, encode

from .captures import START, Sent, ethernet, ipv4, pcap, pcapng
from .conftest import Decode, Files
from .council import Terminal


class Counted(io.BytesIO):
    """Knows how much of it was asked for."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "all of it at once"
        octets = super().read(size)
        self.asked += len(octets)
        return octets


@pytest.mark.parametrize("kind", [pcap, pcapng])
def test_no_frame_is_read_before_its_turn(kind: object) -> None:
    frame = ethernet(ipv4(Sent(bytes(100))))
    octets = (pcap if kind is pcap else pcapng)([(START, frame)] * 1_000, 1)
    stream = Counted(octets[4:])
    for number, one in enumerate(frames(octets[:4], stream), 1):
        assert one.number == number
        assert stream.asked < 200 + number * (len(frame) + 40)


def requests(count: int) -> list[bytes]:
    terminal = Terminal("alice")
    return [terminal.signed(terminal.disengagement(number % 100)) for number in range(count)]


def test_pairing_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "_MOST_EXCHANGES", 10)
    one = Pairing()
    for number, octets in enumerate(requests(50), 1):
        datagram = Datagram(number, START, None, None, octets)
        message = read(datagram)
        assert isinstance(message, Message)
        one.add(message, datagram)
    assert one.forgotten == 40
    assert len(list(one.unanswered())) == 20
    late = Datagram(51, START, None, None, encode(DisengageConfirm(request_seq_num=1)))
    message = read(late)
    assert isinstance(message, Message)
    assert one.add(message, late).exchange is None


def test_tokens_are_forgotten_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "_MOST_REMEMBERED", 10)
    inspector = Inspector(Keys())
    for number, octets in enumerate(requests(50), 1):
        inspector.inspect(Datagram(number, START, None, None, octets))
    assert len(inspector._checker._seen) == 10


def test_a_pipe_gives_frames_in_pieces() -> None:
    """A pipe's read may give less than was asked for."""

    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 7))

    sent = Sent(requests(1)[0])
    octets = pcap([(START, ethernet(ipv4(sent)))] * 3, 1)
    found = [packet(frame) for frame in frames(octets[:4], Dripping(octets[4:]))]
    assert [isinstance(one, Datagram) and one.octets == sent.octets for one in found] == [True] * 3


def test_a_line_without_end(decode: Decode, files: Files) -> None:
    path = Path(files.folder / "long.hex")
    path.write_text("00" * 300_000)
    result = decode(str(path))
    assert result.code == 1
    assert result.err == "line 1: longer than 400000 characters; nothing is read behind it\n"
