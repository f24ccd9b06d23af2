from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from h323.asn1.types import (
    ClearToken,
    CryptoH323TokenCryptoGKPwdHash,
    CryptoH323TokenCryptoGKPwdHashToken,
    CryptoTokenCryptoSignedToken,
    CryptoTokenCryptoSignedTokenToken,
    Params,
)
from h323.h235 import PrivateKey, SignedToken, TokenError, challenge_of, read_token, sign, verify
from h323.h235.signature import _crypto_tokens, _encode_crypto_tokens
from h323.per.values import BitString
from h323.ras import AdmissionRequest, CryptoH323Token, DecodeError, EncodeError, RasMessage, decode, encode
from h323.ras.codec import encode_clear_token
from hypothesis import example, given
from hypothesis import strategies as st

KEY = PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = PrivateKey.from_private_bytes(bytes(32))
WHOLE_MESSAGE, SOME_FIELDS, SIGNED_FIELDS = (f"0.0.8.235.0.2.{letter}" for letter in (1, 2, 7))
ALICE = "if://guardian/alice"


def signed(message: RasMessage, general_id: str | None = "guardian-council") -> bytes:
    return sign(message, key=KEY, senders_id=ALICE, general_id=general_id, time_stamp=1_800_000_000, random=42)


def token_of(datagram: bytes) -> SignedToken:
    token = read_token(decode(datagram))
    assert token is not None
    return token


@pytest.fixture
def request_(vectors: dict[str, bytes]) -> AdmissionRequest:
    message = decode(vectors["ARQ-typ"])
    assert isinstance(message, AdmissionRequest)
    return replace(message, crypto_tokens=None)


def test_every_message_that_can_be_signed_is_signed_and_verified(vector: bytes) -> None:
    message = decode(vector)
    if isinstance(message, tuple):
        # A sequence of ACFs has no cryptoTokens of its own; each ACF has.
        message = message[0]
    datagram = signed(message)
    token = token_of(datagram)
    assert token == SignedToken(ALICE, "guardian-council", 1_800_000_000, 42, token.signature)
    assert verify(datagram, token, KEY.public_key())
    assert not verify(datagram, token, OTHER.public_key())


def test_the_signature_covers_the_datagram_with_its_own_bits_zero(request_: AdmissionRequest) -> None:
    datagram = signed(request_)
    token = token_of(datagram)
    assert KEY.public_key().verify(token.signature, datagram.replace(token.signature, bytes(64)))


def test_who_is_meant_may_be_left_out(request_: AdmissionRequest) -> None:
    assert token_of(signed(request_, None)).general_id is None


def test_an_answer_says_which_datagram_it_answers(request_: AdmissionRequest) -> None:
    asked = signed(request_)
    answer = sign(
        request_, key=KEY, senders_id="gk", general_id=ALICE, time_stamp=1, random=1, challenge=challenge_of(asked)
    )
    token = token_of(answer)
    assert token.challenge == hashlib.sha256(asked).digest()[:16]
    assert verify(answer, token, KEY.public_key())
    assert token.challenge != challenge_of(asked + b"\0")
    assert token_of(asked).challenge is None


def test_a_flipped_bit_anywhere_is_noticed(request_: AdmissionRequest) -> None:
    datagram = signed(request_)
    for bit in range(8 * len(datagram)):
        changed = bytearray(datagram)
        changed[bit // 8] ^= 0x80 >> bit % 8
        assert not accepted(bytes(changed)), f"bit {bit}"


def test_octets_added_at_the_end_are_noticed(request_: AdmissionRequest) -> None:
    assert accepted(signed(request_))
    assert not accepted(signed(request_) + b"\0")


def accepted(datagram: bytes) -> bool:
    try:
        token = read_token(decode(datagram))
    except (DecodeError, TokenError):
        return False
    return token is not None and verify(datagram, token, KEY.public_key())


def test_a_signature_that_stands_twice_in_the_datagram_is_refused(request_: AdmissionRequest) -> None:
    datagram = signed(request_)
    token = token_of(datagram)
    assert not verify(datagram + token.signature, token, KEY.public_key())
    assert not verify(datagram[:40], token, KEY.public_key())


NAMES = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1, max_size=128)


@given(
    senders_id=NAMES,
    general_id=st.none() | NAMES,
    time_stamp=st.integers(1, 2**32 - 1) | st.integers(1_700_000_000, 1_900_000_000),
    random=st.integers(-(2**63), 2**63) | st.integers(0, 2**31 - 1),
    challenge=st.none() | st.binary(min_size=16, max_size=16) | st.binary(min_size=8, max_size=128),
)
@example("a", "\ua1a2\ua3a3\u7172\u7374", 1_800_000_000, 2**24, bytes(16))
@example("\u7172\u7374", "\ua1a2\ua3a3", 2**24, 2**23, bytes.fromhex("a1a2a3a37172737471727374a1a2a3a3"))
@example("a", None, 2**24 + 1, 2**23 - 1, None)
def test_the_short_way_to_a_token_leads_to_the_same_octets(
    senders_id: str, general_id: str | None, time_stamp: int, random: int, challenge: bytes | None
) -> None:
    fields = (senders_id, general_id, time_stamp, random, challenge)
    assert _crypto_tokens(*fields) == _encode_crypto_tokens(*fields)


def test_a_token_of_the_message_itself_is_replaced(request_: AdmissionRequest) -> None:
    unsigned = replace(request_, crypto_tokens=None)
    assert signed(replace(request_, crypto_tokens=(crypto(), crypto()))) == signed(unsigned)


def test_a_sequence_of_confirmations_has_no_token(vectors: dict[str, bytes]) -> None:
    confirm = decode(vectors["ACF-typ"])
    with pytest.raises(EncodeError, match="has no cryptoTokens"):
        signed((confirm,))


def test_signed_octets_are_those_of_the_message_with_the_token_as_its_field(vector: bytes) -> None:
    message = decode(vector)
    message = message[0] if isinstance(message, tuple) else message
    assert encode(decode(signed(message))) == signed(message)


def test_a_random_number_or_name_without_an_encoding(request_: AdmissionRequest) -> None:
    with pytest.raises(EncodeError):
        sign(request_, key=KEY, senders_id="", general_id=None, time_stamp=1, random=1)
    with pytest.raises(EncodeError):
        sign(request_, key=KEY, senders_id=ALICE, general_id=None, time_stamp=0, random=1)


def test_an_unsigned_message_has_no_token(request_: AdmissionRequest) -> None:
    assert read_token(request_) is None
    assert read_token(replace(request_, crypto_tokens=())) is None


CLEAR = ClearToken(token_oid=SIGNED_FIELDS, time_stamp=1, random=2, general_id="guardian-council", senders_id=ALICE)
SIGNED = CryptoTokenCryptoSignedTokenToken(
    to_be_signed=encode_clear_token(CLEAR),
    algorithm_oid="1.3.101.112",
    param_s=Params(),
    signature=BitString(bytes(64), 512),
)


HASH = CryptoH323TokenCryptoGKPwdHashToken(
    algorithm_oid="1.2.840.113549.2.5", param_s=Params(), hash=BitString(bytes(16), 128)
)


def crypto(token: CryptoTokenCryptoSignedTokenToken = SIGNED, token_oid: str = WHOLE_MESSAGE) -> CryptoH323Token:
    return ("nestedcryptoToken", ("cryptoSignedToken", CryptoTokenCryptoSignedToken(token_oid=token_oid, token=token)))


def with_clear(clear: ClearToken) -> CryptoH323Token:
    return crypto(replace(SIGNED, to_be_signed=encode_clear_token(clear)))


WRONG: dict[str, tuple[CryptoH323Token, ...]] = {
    "two tokens": (crypto(), crypto()),
    "another kind": (
        (
            "cryptoGKPwdHash",
            CryptoH323TokenCryptoGKPwdHash(gatekeeper_id="gk", time_stamp=1, token=HASH),
        ),
    ),
    "another outer OID": (crypto(token_oid=SOME_FIELDS),),
    "another algorithm": (crypto(replace(SIGNED, algorithm_oid="1.2.840.113549.1.1.5")),),
    "504 bits": (crypto(replace(SIGNED, signature=BitString(bytes(63), 504))),),
    "no bits": (crypto(replace(SIGNED, signature=BitString(b"", 0))),),
    "513 bits": (crypto(replace(SIGNED, signature=BitString(bytes(65), 513))),),
    "unreadable clear token": (crypto(replace(SIGNED, to_be_signed=b"\xff")),),
    "another inner OID": (with_clear(replace(CLEAR, token_oid=WHOLE_MESSAGE)),),
    "no sender": (with_clear(replace(CLEAR, senders_id=None)),),
    "no time": (with_clear(replace(CLEAR, time_stamp=None)),),
    "no random": (with_clear(replace(CLEAR, random=None)),),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_a_token_that_is_not_of_this_profile(request_: AdmissionRequest, wrong: tuple[CryptoH323Token, ...]) -> None:
    with pytest.raises(TokenError):
        read_token(replace(request_, crypto_tokens=wrong))


def test_the_right_token_of_those_is_read(request_: AdmissionRequest) -> None:
    message = decode(encode(replace(request_, crypto_tokens=(crypto(),))))
    assert read_token(message) == SignedToken(ALICE, "guardian-council", 1, 2, bytes(64))
