"""What peers of another version, or with other habits, send."""

from __future__ import annotations

import pytest
from h323.ras import DecodeError, UnregistrationConfirm, UnregistrationRequest, decode, encode

# UCF (alternative 7), extended, no nonStandardData; requestSeqNum 2. The extension additions follow.
UCF = bytes.fromhex("1e0001")


def bitmap(bits: str) -> bytes:
    """The number of additions (a normally small number, less one) and a bit for each."""
    text = f"{len(bits) - 1:07b}{bits}"
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def test_an_extension_bitmap_without_its_trailing_zeros() -> None:
    assert decode(UCF + bitmap("1") + b"\x01\x00") == UnregistrationConfirm(request_seq_num=2, tokens=())


@pytest.mark.parametrize("more", [1, 5, 40])
def test_extension_additions_that_we_do_not_know_are_skipped(more: int) -> None:
    datagram = UCF + bitmap("1" + "0" * 5 + "1" * more) + b"\x01\x00" + b"\x03abc" * more
    assert decode(datagram) == UnregistrationConfirm(request_seq_num=2, tokens=())


def test_an_unknown_addition_that_ends_too_early() -> None:
    with pytest.raises(DecodeError):
        decode(UCF + bitmap("0000001") + b"\x05abc")


def test_more_than_64_additions() -> None:
    # Above 64 the normally small length (X.691 11.9.3.4) is a bit and an ordinary length: 1, pad, 46 for 70 additions.
    datagram = UCF + b"\x80\x46" + b"\0" * 8 + b"\x04" + b"\x01x"
    assert decode(datagram) == UnregistrationConfirm(request_seq_num=2)


def test_more_additions_than_any_version_has() -> None:
    with pytest.raises(DecodeError, match="more than 256"):
        decode(UCF + b"\x80\x81\x01" + bytes(8000))


def unregistration(datagram: bytes) -> UnregistrationRequest:
    message = decode(datagram)
    assert isinstance(message, UnregistrationRequest)
    return message


def test_an_alias_of_an_unknown_kind_is_dropped_from_its_list() -> None:
    known = UnregistrationRequest(
        request_seq_num=1, call_signal_address=(), endpoint_alias=(("url-ID", "x"), ("h323-ID", "alice"))
    )
    datagram = encode(known)
    # Two aliases; the first is an addition (1), a small number (0), of index 0.
    assert datagram.count(b"\x02\x80") == 1
    newer = datagram.replace(b"\x02\x80", b"\x02\x9f")
    assert unregistration(newer).endpoint_alias == (("h323-ID", "alice"),)


def test_a_mandatory_field_of_an_unknown_kind_is_refused() -> None:
    # BRJ: choice 14, not extended, no optional; rejectReason with its extension bit and an index that isn't defined.
    with pytest.raises(DecodeError, match="doesn't know"):
        decode(bytes.fromhex("380001") + b"\x9f" + b"\x01\x00")


def test_a_message_of_a_newer_version() -> None:
    with pytest.raises(DecodeError, match="doesn't know"):
        decode(b"\xbf\x03abc")


def test_an_addition_longer_than_its_open_type() -> None:
    # The open type has one octet, the ClearToken in it five: a list of one with the tokenOID 1.2.
    with pytest.raises(DecodeError, match="longer than the open type"):
        decode(UCF + bitmap("1") + b"\x01" + b"\x01\x00\x00\x01\x2a")


def test_a_fragmented_field() -> None:
    with pytest.raises(DecodeError, match="fragmented"):
        decode(UCF + bitmap("1") + b"\xc1" + bytes(20_000))
