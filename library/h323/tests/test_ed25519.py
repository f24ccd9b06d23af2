"""Ed25519 by libsodium: RFC 8032's vectors, OpenSSL as a second opinion, and what must pass for no key or signature."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from h323.h235 import PrivateKey, PublicKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_core_ed25519_add

# RFC 8032, 7.1: private key, message, signature.
VECTORS = {
    "TEST 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        b"",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "TEST 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        b"\x72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "TEST 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        b"\xaf\x82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    "TEST SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        hashlib.sha512(b"abc").digest(),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
}
ORDER = 2**252 + 27742317777372353535851937790883648493
FIELD = 2**255 - 19
ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"


def y_coordinate(number: int, sign: int = 0) -> bytes:
    return (number | sign << 255).to_bytes(32, "little")


NO_KEYS = {
    "the identity": y_coordinate(1),
    "order 2": y_coordinate(FIELD - 1),
    "order 4": y_coordinate(0),
    "order 4, the other": y_coordinate(0, 1),
    "order 8": bytes.fromhex(ORDER_8),
    "order 8, negative": bytes.fromhex(ORDER_8[:-2] + "85"),
    "order 8, inverse": bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    "0 written as the field's size": y_coordinate(FIELD),
    "1 written as the field's size and 1": y_coordinate(FIELD + 1),
    "not on the curve": y_coordinate(2),
    "too short": bytes(31),
    "too long": y_coordinate(1) + b"\0",
    "outside the prime-order subgroup": crypto_core_ed25519_add(
        PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw(), bytes.fromhex(ORDER_8)
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_rfc_8032(name: str) -> None:
    seed, message, signature = VECTORS[name]
    key = PrivateKey.from_private_bytes(bytes.fromhex(seed))
    assert key.sign(message) == bytes.fromhex(signature)
    assert key.public_key().verify(bytes.fromhex(signature), message)
    assert not key.public_key().verify(bytes.fromhex(signature), message + b"\0")
    assert key.private_bytes_raw() == bytes.fromhex(seed)


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=400))
def test_openssl_agrees(seed: bytes, message: bytes) -> None:
    ours, theirs = PrivateKey.from_private_bytes(seed), Ed25519PrivateKey.from_private_bytes(seed)
    public = theirs.public_key().public_bytes_raw()
    assert ours.public_key().public_bytes_raw() == public
    assert PublicKey.from_public_bytes(public) == ours.public_key()
    signature = ours.sign(message)
    assert signature == theirs.sign(message)


@given(octet=st.integers(0, 63), bits=st.integers(1, 255))
def test_a_changed_signature_is_refused_by_both(octet: int, bits: int) -> None:
    seed = bytes(range(32))
    changed = bytearray(PrivateKey.from_private_bytes(seed).sign(b"message"))
    changed[octet] ^= bits
    assert not PrivateKey.from_private_bytes(seed).public_key().verify(bytes(changed), b"message")
    with pytest.raises(InvalidSignature):
        Ed25519PrivateKey.from_private_bytes(seed).public_key().verify(bytes(changed), b"message")


def test_the_second_form_of_a_signature_is_refused() -> None:
    key = PrivateKey.from_private_bytes(bytes(range(32)))
    signature = key.sign(b"message")
    scalar = int.from_bytes(signature[32:], "little")
    for times in range(1, 16):
        other = scalar + times * ORDER
        if other < 2**256:
            assert not key.public_key().verify(signature[:32] + other.to_bytes(32, "little"), b"message")
    assert key.public_key().verify(signature, b"message")


@pytest.mark.parametrize("octets", NO_KEYS.values(), ids=list(NO_KEYS))
def test_what_is_no_key_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match="not an Ed25519 public key"):
        PublicKey.from_public_bytes(octets)


def test_openssl_would_have_taken_a_key_of_small_order() -> None:
    Ed25519PublicKey.from_public_bytes(NO_KEYS["order 4"])


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_private_key_has_32_octets(size: int) -> None:
    with pytest.raises(ValueError, match="not an Ed25519 private key"):
        PrivateKey.from_private_bytes(bytes(size))


@pytest.mark.parametrize("size", [0, 63, 65])
def test_a_signature_has_64_octets(size: int) -> None:
    assert not PrivateKey.generate().public_key().verify(bytes(size), b"")


def test_a_private_key_is_not_told_by_accident() -> None:
    key = PrivateKey.from_private_bytes(bytes(range(32)))
    assert bytes(range(32)).hex() not in repr(key)
    assert PrivateKey.generate().private_bytes_raw() != PrivateKey.generate().private_bytes_raw()
