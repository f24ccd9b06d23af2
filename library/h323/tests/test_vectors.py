from __future__ import annotations

import pytest
from h323.ras import AdmissionRequest, DecodeError, RegistrationRequest, TransportAddressIpAddress, decode, encode


def test_all_vectors_are_here(vectors: dict[str, bytes]) -> None:
    assert len(vectors) == 39


def test_a_vector_is_decoded_and_encoded_to_the_same_octets(vector: bytes) -> None:
    assert encode(decode(vector)) == vector


def test_a_vector_cut_off_at_any_octet_is_refused(vector: bytes) -> None:
    for size in range(len(vector)):
        with pytest.raises(DecodeError):
            decode(vector[:size])


def test_octets_behind_a_message_are_ignored(vector: bytes) -> None:
    assert decode(vector + b"\0\0\0\0") == decode(vector)


def test_the_fields_of_an_admission_request(vectors: dict[str, bytes]) -> None:
    message = decode(vectors["ARQ-typ"])
    assert isinstance(message, AdmissionRequest)
    assert message.request_seq_num == 5
    assert message.call_type == ("pointToPoint", None)
    assert message.endpoint_identifier == "4711_endp"
    assert message.destination_info == (("dialledDigits", "102"),)
    assert message.src_info == (("dialledDigits", "101"), ("h323-ID", "alice"))
    assert message.src_call_signal_address == (
        "ipAddress",
        TransportAddressIpAddress(ip=bytes([192, 0, 2, 1]), port=1720),
    )
    assert (message.band_width, message.call_reference_value) == (1280, 4242)
    assert message.conference_id == bytes(range(0x10, 0x20))
    assert message.call_identifier is not None
    assert message.call_identifier.guid == bytes(range(0x20, 0x30))
    assert message.gatekeeper_identifier == "gk.example.org"
    assert (message.active_mc, message.answer_call, message.can_map_alias) == (False, False, True)
    assert message.call_services is None


def test_the_fields_of_a_keep_alive(vectors: dict[str, bytes]) -> None:
    message = decode(vectors["RRQ-ka"])
    assert isinstance(message, RegistrationRequest)
    assert message.keep_alive is True
    assert message.time_to_live == 300
    assert message.crypto_tokens is None
