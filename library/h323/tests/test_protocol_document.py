"""The worked example of docs/protocol.md, made again from what the document says."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest
from h323.council import CallProfile, CallType, profile_generic_data, read_profile
from h323.council.profile import PROFILE_ID
from h323.council.refusal import REFUSAL_ID, RefusalName
from h323.h235 import PrivateKey, challenge_of, read_token, sign, sign_hash, verify
from h323.ras import AdmissionRequest, CallIdentifier, decode

DOCUMENT = Path(__file__).parents[3] / "docs" / "protocol.md"


@pytest.fixture(scope="module")
def text() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def given(text: str) -> dict[str, Any]:
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found is not None
    values: dict[str, Any] = json.loads(found[1])
    return values


@pytest.fixture(scope="module")
def octets(text: str) -> dict[str, bytes]:
    """The document's blocks of hexadecimal digits, by the bold words before them."""
    blocks = re.findall(r"^\*\*([^*\n]+)\*\*[^\n]*\n\n```text\n([^`]*)```", text, re.MULTILINE)
    return {title: bytes.fromhex(block) for title, block in blocks}


@pytest.fixture(scope="module")
def key(given: dict[str, Any]) -> PrivateKey:
    return PrivateKey.from_private_bytes(bytes.fromhex(given["private_key"]))


def admission_request(given: dict[str, Any]) -> AdmissionRequest:
    arq = given["admission_request"]
    profile = given["call_profile"]
    return AdmissionRequest(
        request_seq_num=arq["requestSeqNum"],
        call_type=(arq["callType"], None),
        call_model=(arq["callModel"], None),
        endpoint_identifier=arq["endpointIdentifier"],
        destination_info=tuple((kind, value) for kind, value in arq["destinationInfo"]),
        src_info=tuple((kind, value) for kind, value in arq["srcInfo"]),
        band_width=arq["bandWidth"],
        call_reference_value=arq["callReferenceValue"],
        conference_id=bytes.fromhex(arq["conferenceID"]),
        active_mc=arq["activeMC"],
        answer_call=arq["answerCall"],
        can_map_alias=arq["canMapAlias"],
        call_identifier=CallIdentifier(guid=bytes.fromhex(arq["callIdentifier"])),
        gatekeeper_identifier=arq["gatekeeperIdentifier"],
        will_supply_uuies=arq["willSupplyUUIEs"],
        generic_data=(
            profile_generic_data(CallProfile(CallType(profile["call_type"]), profile["pii"], profile["purpose"])),
        ),
    )


def test_the_signed_datagram_is_the_documents(given: dict[str, Any], octets: dict[str, bytes], key: PrivateKey) -> None:
    token = given["token"]
    datagram = sign(
        admission_request(given),
        key=key,
        senders_id=token["sendersID"],
        general_id=token["generalID"],
        time_stamp=token["timeStamp"],
        random=token["random"],
    )
    assert datagram == octets["The datagram"]


def test_its_parts_are_the_documents(given: dict[str, Any], octets: dict[str, bytes], key: PrivateKey) -> None:
    datagram = octets["The datagram"]
    message = decode(datagram)
    assert isinstance(message, AdmissionRequest)
    token = read_token(message)
    assert token is not None
    assert octets["The public key"] == key.public_key().public_bytes_raw()
    assert octets["The ClearToken"] in datagram
    assert octets["The signature"] == token.signature
    assert verify(datagram, token, key.public_key())
    assert key.public_key().verify(octets["The signature"], datagram.replace(octets["The signature"], bytes(64)))
    assert token.senders_id == given["token"]["sendersID"]
    assert read_profile(message.generic_data).purpose == given["call_profile"]["purpose"]


def test_the_challenge_of_its_answers_is_the_documents(octets: dict[str, bytes]) -> None:
    assert challenge_of(octets["The datagram"]) == octets["The challenge"]


def test_the_datagram_with_a_password_is_the_documents(given: dict[str, Any], octets: dict[str, bytes]) -> None:
    key, made = octets["The key of the password"], octets["The hash"]
    datagram = octets["The datagram with a password"]
    token, arq = given["token"], given["admission_request"]
    assert key == hashlib.sha1(b"four words nobody guesses", usedforsecurity=False).digest()
    assert made == hmac.digest(key, datagram.replace(made, bytes(12)), "sha1")[:12]
    assert datagram == sign_hash(
        admission_request(given),
        key=key,
        senders_id=arq["endpointIdentifier"],
        general_id=token["generalID"],
        time_stamp=token["timeStamp"],
        random=token["random"],
    )


def test_the_identifiers_are_the_documents(text: str) -> None:
    assert f"`{PROFILE_ID.hex()}`" in text
    assert f"`{REFUSAL_ID.hex()}`" in text


def test_every_refusal_is_in_the_document(text: str) -> None:
    assert [name.value for name in RefusalName if f"`{name.value}`" not in text] == []
