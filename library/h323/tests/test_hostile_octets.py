"""Whatever arrives, decode says DecodeError or gives a value that survives encode and decode."""

from __future__ import annotations

import random

import pytest
from h323.asn1.types import EnumeratedParameter
from h323.ras import DecodeError, GenericData, UnregistrationConfirm, decode, encode
from hypothesis import given
from hypothesis import strategies as st


def survives(datagram: bytes) -> None:
    try:
        message = decode(datagram)
    except DecodeError:
        return
    assert decode(encode(message)) == message


@given(st.binary(max_size=400))
def test_any_octets(datagram: bytes) -> None:
    survives(datagram)


@given(st.data())
def test_a_message_with_some_octets_changed(vectors: dict[str, bytes], data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(list(vectors.values())))
    changed = bytearray(vector)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(changed))


@given(st.data())
def test_a_message_with_a_part_left_out_or_put_in(vectors: dict[str, bytes], data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(list(vectors.values())))
    start = data.draw(st.integers(0, len(vector)))
    end = data.draw(st.integers(start, len(vector)))
    survives(vector[:start] + data.draw(st.binary(max_size=20)) + vector[end:])


def test_ten_thousand_mutations(vectors: dict[str, bytes]) -> None:
    chance = random.Random(0)
    for vector in vectors.values():
        for _ in range(257):
            changed = bytearray(vector)
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            changed[chance.randrange(len(changed))] = chance.randrange(256)
            survives(bytes(changed))


def test_more_octets_than_a_datagram_holds() -> None:
    with pytest.raises(DecodeError, match="more than a datagram holds"):
        decode(bytes(65_508))


@pytest.mark.parametrize("octet", [0x00, 0x55, 0x7F, 0x80, 0xFF])
@pytest.mark.parametrize("start", [b"", b"\x1e\x00\x00", b"\x26\x90\x00"])
def test_the_longest_datagram_of_one_octet_over_and_over(start: bytes, octet: int) -> None:
    survives(start + bytes([octet]) * 65_000)


def nested(times: int) -> UnregistrationConfirm:
    data = GenericData(id=("standard", 1), parameters=None)
    for _ in range(times):
        data = wrapped(data)
    return UnregistrationConfirm(request_seq_num=1, generic_data=(data,))


def wrapped(data: GenericData) -> GenericData:
    return GenericData(
        id=("standard", 1), parameters=(EnumeratedParameter(id=("standard", 1), content=("nested", (data,))),)
    )


def test_generic_data_nested_a_few_times() -> None:
    message = nested(16)
    assert decode(encode(message)) == message


def test_generic_data_nested_too_deeply() -> None:
    datagram = encode(nested(40))
    with pytest.raises(DecodeError, match="nested more than 16 times"):
        decode(datagram)
