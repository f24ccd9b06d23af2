"""H.235.1 procedure I against a computation of its own, made of nothing but hmac, hashlib and the message's octets."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from h323.asn1.types import (
    ClearToken,
    CryptoH323TokenCryptoEPPwdHash,
    CryptoH323TokenCryptoEPPwdHashToken,
    CryptoTokenCryptoHashedToken,
    CryptoTokenCryptoHashedTokenToken,
    Params,
)
from h323.h235 import (
    HashedToken,
    PrivateKey,
    TokenError,
    password_key,
    read_hashed_token,
    read_token,
    sign,
    sign_hash,
    verify_hash,
)
from h323.per.values import BitString
from h323.ras import AdmissionRequest, CryptoH323Token, DecodeError, EncodeError, RasMessage, decode, encode
from hypothesis import given
from hypothesis import strategies as st

PASSWORD = "correct horse"
KEY = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()
A, T, U = "0.0.8.235.0.2.1", "0.0.8.235.0.2.5", "0.0.8.235.0.2.6"
UCF = bytes.fromhex("1c0000")
PATTERN = bytes.fromhex("9a7c5e3f1b2d4c6a8f0e1d2c")


PLACE = BitString(PATTERN, 96)
SOME_FIELDS = "0.0.8.235.0.2.2"


def token(
    general_id: str | None = "guardian-council",
    senders_id: str | None = "alice",
    time_stamp: int | None = 1_800_000_000,
    random: int | None = 42,
    token_oid: str = A,
    hashed_oid: str = T,
    algorithm_oid: str = U,
    hash_: BitString = PLACE,
) -> CryptoH323Token:
    clear = ClearToken(
        token_oid=hashed_oid, time_stamp=time_stamp, random=random, general_id=general_id, senders_id=senders_id
    )
    hashed = CryptoTokenCryptoHashedTokenToken(algorithm_oid=algorithm_oid, param_s=Params(), hash=hash_)
    nested = CryptoTokenCryptoHashedToken(token_oid=token_oid, hashed_vals=clear, token=hashed)
    return ("nestedcryptoToken", ("cryptoHashedToken", nested))


def computed(message: RasMessage, password: str = PASSWORD) -> bytes:
    """As H.235.1 tells an implementer: a pattern in the hash field, found in the octets, zeroed, hashed, replaced."""
    octets = encode(replace(message, crypto_tokens=(token(),)))
    assert octets.count(PATTERN) == 1
    zeroed = octets.replace(PATTERN, bytes(12))
    key = hashlib.new("sha1", password.encode(), usedforsecurity=False).digest()
    return octets.replace(PATTERN, hmac.new(key, zeroed, hashlib.sha1).digest()[:12])


def hashed(message: RasMessage, key: bytes = KEY) -> bytes:
    return sign_hash(
        message, key=key, senders_id="alice", general_id="guardian-council", time_stamp=1_800_000_000, random=42
    )


def accepted(datagram: bytes, key: bytes = KEY) -> bool:
    try:
        found = read_hashed_token(decode(datagram))
    except (DecodeError, TokenError):
        return False
    return found is not None and verify_hash(datagram, found, key)


@pytest.fixture
def request_(vectors: dict[str, bytes]) -> AdmissionRequest:
    message = decode(vectors["ARQ-typ"])
    assert isinstance(message, AdmissionRequest)
    return replace(message, crypto_tokens=None)


def test_every_message_is_hashed_as_the_recommendation_says(vector: bytes) -> None:
    message = decode(vector)
    message = message[0] if isinstance(message, tuple) else message
    datagram = computed(message)
    assert hashed(message) == datagram
    assert accepted(datagram)
    found = read_hashed_token(decode(datagram))
    assert found == HashedToken("alice", "guardian-council", 1_800_000_000, 42, found_hash(datagram))


def test_the_hash_in_octets(request_: AdmissionRequest) -> None:
    """Once more from SHA-1 alone (RFC 2104), so that the two HMACs that agree above are HMACs."""
    assert password_key("abc").hex() == "a9993e364706816aba3e25717850c26c9cd0d89d"
    zeroed = hashed(request_).replace(found_hash(hashed(request_)), bytes(12))
    inner = hashlib.sha1(bytes(k ^ 0x36 for k in KEY.ljust(64, b"\0")) + zeroed, usedforsecurity=False).digest()
    outer = hashlib.sha1(bytes(k ^ 0x5C for k in KEY.ljust(64, b"\0")) + inner, usedforsecurity=False).digest()
    assert found_hash(hashed(request_)) == outer[:12]


def found_hash(datagram: bytes) -> bytes:
    found = read_hashed_token(decode(datagram))
    assert found is not None
    return found.hash


@given(password=st.text(max_size=40), other=st.text(max_size=40))
def test_another_password_is_refused(password: str, other: str) -> None:
    datagram = hashed(decode(UCF), password_key(password))
    assert accepted(datagram, password_key(password))
    assert accepted(datagram, password_key(other)) == (password == other)


def test_a_flipped_bit_anywhere_is_noticed(request_: AdmissionRequest) -> None:
    datagram = hashed(request_)
    for bit in range(8 * len(datagram)):
        changed = bytearray(datagram)
        changed[bit // 8] ^= 0x80 >> bit % 8
        assert not accepted(bytes(changed)), f"bit {bit}"


@given(extra=st.binary(min_size=1, max_size=20))
def test_octets_added_at_the_end_are_noticed(extra: bytes) -> None:
    assert not accepted(hashed(decode(UCF)) + extra)


def test_a_hash_that_stands_twice_is_refused(request_: AdmissionRequest) -> None:
    datagram = hashed(request_)
    found = read_hashed_token(decode(datagram))
    assert found is not None
    assert not verify_hash(datagram + found.hash, found, KEY)
    assert not verify_hash(datagram[:40], found, KEY)


def test_other_tokens_beside_it_are_passed_over(request_: AdmissionRequest) -> None:
    md5 = CryptoH323TokenCryptoEPPwdHashToken(
        algorithm_oid="1.2.840.113549.2.5", param_s=Params(), hash=BitString(bytes(16), 128)
    )
    other: CryptoH323Token = (
        "cryptoEPPwdHash",
        CryptoH323TokenCryptoEPPwdHash(alias=("h323-ID", "alice"), time_stamp=1, token=md5),
    )
    zeros = BitString(bytes(12), 96)
    for beside in (other, token(hashed_oid=SOME_FIELDS, hash_=zeros), token(algorithm_oid="1.2.3", hash_=zeros)):
        octets = encode(replace(request_, crypto_tokens=(beside, token())))
        datagram = octets.replace(PATTERN, hmac.digest(KEY, octets.replace(PATTERN, bytes(12)), "sha1")[:12])
        assert accepted(datagram)


WRONG: dict[str, tuple[CryptoH323Token, ...]] = {
    "two of them": (token(), token()),
    "80 bits": (token(hash_=BitString(bytes(10), 80)),),
    "160 bits": (token(hash_=BitString(bytes(20), 160)),),
    "no sender": (token(senders_id=None),),
    "no time": (token(time_stamp=None),),
    "no random": (token(random=None),),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_a_token_that_is_not_well_formed(request_: AdmissionRequest, wrong: tuple[CryptoH323Token, ...]) -> None:
    with pytest.raises(TokenError):
        read_hashed_token(replace(request_, crypto_tokens=wrong))


def test_a_message_without_one(request_: AdmissionRequest) -> None:
    assert read_hashed_token(request_) is None
    assert read_hashed_token(replace(request_, crypto_tokens=(token(token_oid=SOME_FIELDS),))) is None
    key = PrivateKey.from_private_bytes(bytes(32))
    signed = sign(request_, key=key, senders_id="a", general_id=None, time_stamp=1, random=1)
    assert read_hashed_token(decode(signed)) is None
    with pytest.raises(TokenError):
        read_token(decode(hashed(request_)))


def test_a_name_without_an_encoding(request_: AdmissionRequest) -> None:
    with pytest.raises(EncodeError):
        sign_hash(request_, key=KEY, senders_id="", general_id=None, time_stamp=1, random=1)


def test_who_is_meant_may_be_left_out(request_: AdmissionRequest) -> None:
    datagram = sign_hash(request_, key=KEY, senders_id="alice", general_id=None, time_stamp=1, random=-7)
    found = read_hashed_token(decode(datagram))
    assert found is not None
    assert (found.general_id, found.random) == (None, -7)
    assert accepted(datagram)
