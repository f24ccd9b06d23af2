"""The field-by-field reading agrees with the codec, and names the field."""

from __future__ import annotations

import random

import pytest
from h323.asn1.schema import TYPES
from h323.per.schema import Choice
from h323.ras import DecodeError, decode
from h323.ras.fault import Fault, describe_type, find_fault
from hypothesis import given
from hypothesis import strategies as st


def agrees(datagram: bytes) -> Fault | None:
    fault = find_fault(datagram)
    assert (fault is not None) == refused(datagram), fault
    return fault


def refused(datagram: bytes) -> bool:
    try:
        decode(datagram)
    except DecodeError:
        return True
    return False


def test_nothing_is_wrong_with_the_vectors(vector: bytes) -> None:
    assert agrees(vector) is None


def test_every_truncation_is_one(vector: bytes) -> None:
    for size in range(len(vector)):
        fault = find_fault(vector[:size])
        assert fault is not None
        assert fault.truncated or "open type" in fault.problem
        assert fault.octet <= size


@given(st.binary(max_size=300))
def test_any_octets(datagram: bytes) -> None:
    agrees(datagram)


def test_four_thousand_mutations(vectors: dict[str, bytes]) -> None:
    chance = random.Random(1)
    faults = 0
    for vector in vectors.values():
        for _ in range(103):
            changed = bytearray(vector)
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            changed[chance.randrange(len(changed))] = chance.randrange(256)
            faults += agrees(bytes(changed)) is not None
    assert faults > 500


@pytest.mark.parametrize("octet", [0x00, 0x55, 0x7F, 0x80, 0xFF])
@pytest.mark.parametrize("start", [b"", b"\x1e\x00\x00", b"\x26\x90\x00"])
def test_the_longest_datagram_of_one_octet_over_and_over(start: bytes, octet: int) -> None:
    agrees(start + bytes([octet]) * 65_000)


def test_it_names_the_field(vectors: dict[str, bytes]) -> None:
    datagram = vectors["ARQ-typ"]
    fault = find_fault(datagram[:14])
    assert fault is not None
    assert (fault.field, fault.octet, fault.truncated) == ("admissionRequest.endpointIdentifier", 4, True)
    assert fault.expected == "text of 1..128 characters (BMPString)"
    assert fault.request_seq_num == 5


def test_every_type_can_be_described() -> None:
    said = {name: describe_type(name) for name in TYPES}
    assert all(said.values())
    assert said["_integer_1_65535"] == "INTEGER 1..65535"
    assert all(said[name].startswith("one of ") for name, found in TYPES.items() if isinstance(found, Choice))
