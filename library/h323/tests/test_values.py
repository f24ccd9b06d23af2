"""The Python values: frozen, comparable, and refused with EncodeError where they have no encoding."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from h323.asn1.types import AdmissionRejectReason
from h323.per.values import BitString
from h323.ras import (
    AdmissionReject,
    AdmissionRequest,
    CallIdentifier,
    EncodeError,
    RegistrationConfirm,
    TransportAddressIpAddress,
    UnregistrationRequest,
    decode,
    encode,
)

ADDRESS = TransportAddressIpAddress(ip=b"\x0a\xc7\x17\x0b", port=1719)


@pytest.fixture
def request_(vectors: dict[str, bytes]) -> AdmissionRequest:
    message = decode(vectors["ARQ-typ"])
    assert isinstance(message, AdmissionRequest)
    return message


def test_values_are_frozen(request_: AdmissionRequest) -> None:
    for value in (request_, ADDRESS):
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, 1)
        with pytest.raises(FrozenInstanceError):
            delattr(value, fields(value)[0].name)
    assert not hasattr(request_, "__dict__")


def test_values_compare_and_hash_by_their_fields() -> None:
    same = TransportAddressIpAddress(ip=b"\x0a\xc7\x17\x0b", port=1719)
    assert same == ADDRESS
    assert hash(same) == hash(ADDRESS)
    assert replace(same, port=1720) != ADDRESS
    assert ADDRESS != ("ipAddress", ADDRESS)


def test_a_decoded_value_equals_a_made_one(request_: AdmissionRequest) -> None:
    made = AdmissionRequest(**{field.name: getattr(request_, field.name) for field in fields(request_)})
    assert made == request_
    assert type(made) is type(request_)


def test_a_value_shows_what_it_has() -> None:
    assert repr(ADDRESS) == "TransportAddressIpAddress(ip=b'\\n\\xc7\\x17\\x0b', port=1719)"
    assert "endpoint_alias" not in repr(UnregistrationRequest(request_seq_num=1, call_signal_address=()))


def test_fields_are_given_by_name_and_mandatory_ones_must_be() -> None:
    kind: Callable[..., object] = TransportAddressIpAddress
    with pytest.raises(TypeError):
        kind(b"\x0a\xc7\x17\x0b", 1719)
    with pytest.raises(TypeError):
        kind(ip=b"\x0a\xc7\x17\x0b")


WRONG: list[dict[str, Any]] = [
    {"request_seq_num": 0},
    {"request_seq_num": 65_536},
    {"request_seq_num": None},
    {"request_seq_num": "5"},
    {"request_seq_num": 1.5},
    {"band_width": -1},
    {"band_width": 2**32},
    {"conference_id": bytes(15)},
    {"conference_id": "0123456789abcdef"},
    {"call_identifier": CallIdentifier(guid=bytes(17))},
    {"call_identifier": ADDRESS},
    {"endpoint_identifier": ""},
    {"endpoint_identifier": "x" * 129},
    {"endpoint_identifier": "\U0001f600"},
    {"endpoint_identifier": 7},
    {"src_info": [("h323-ID", "alice")]},
    {"src_info": (("h323-ID",),)},
    {"src_info": (("h323-id", "alice"),)},
    {"src_info": (("dialledDigits", "12x"),)},
    {"src_info": (("url-ID", "h323:älice"),)},
    {"src_info": ("h323-ID",)},
    {"src_info": (None,)},
    {"src_info": (([], "alice"),)},
    {"call_type": "pointToPoint"},
    {"call_type": ("pointToPoint", 1)},
    {"answer_call": None},
    {"answer_call": 1},
    {"gatekeeper_identifier": b"gk"},
    {"crypto_tokens": (("nestedcryptoToken", None),)},
    {"src_call_signal_address": ("ipAddress", replace(ADDRESS, port=65_536))},
    {"src_call_signal_address": ("ipAddress", replace(ADDRESS, ip=bytes(16)))},
    {"desired_protocols": (BitString(b"", 3),)},
]


@pytest.mark.parametrize("wrong", WRONG, ids=[str(one)[:50] for one in WRONG])
def test_a_value_without_an_encoding(request_: AdmissionRequest, wrong: dict[str, Any]) -> None:
    with pytest.raises(EncodeError):
        encode(replace(request_, **wrong))


def test_something_that_is_no_message() -> None:
    no_message: Any = ADDRESS
    with pytest.raises(EncodeError, match="not a RAS message"):
        encode(no_message)


def test_a_field_too_long_for_one_length(request_: AdmissionRequest) -> None:
    with pytest.raises(EncodeError, match="more than fits"):
        encode(replace(request_, src_info=(("h323-ID", "x"),) * 16_384))


def test_all_reasons_of_an_admission_reject() -> None:
    reasons: tuple[AdmissionRejectReason, ...] = (
        ("calledPartyNotRegistered", None),
        ("invalidPermission", None),
        ("requestDenied", None),
        ("undefinedReason", None),
    )
    for reason in reasons:
        message = AdmissionReject(request_seq_num=7, reject_reason=reason)
        assert decode(encode(message)) == message


def test_bits_beyond_the_first_two_octets_of_a_length() -> None:
    message = RegistrationConfirm(
        request_seq_num=1,
        protocol_identifier="0.0.8.2250.0.7",
        call_signal_address=(("ipAddress", ADDRESS),) * 200,
        endpoint_identifier="1",
    )
    assert decode(encode(message)) == message


def test_threads_do_not_disturb_each_other(vectors: dict[str, bytes]) -> None:
    def work(turn: int) -> bool:
        octets = list(vectors.values())
        turned = octets[turn:] + octets[:turn]
        return all(encode(decode(one)) == one for one in turned for _ in range(3))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(32)))
