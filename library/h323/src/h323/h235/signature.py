"""The signature token: H.235.2 procedure II with Ed25519 (docs/protocol.md).

The signature covers the whole encoded message with the signature's own 512 bits set to zero, so that nothing in a
message can be changed, added or left out, and no second encoding of a part is needed to check it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from h323.asn1.types import (
    ClearToken,
    CryptoH323Token,
    CryptoTokenCryptoSignedToken,
    CryptoTokenCryptoSignedTokenToken,
    Params,
    RasMessage,
)
from h323.per import DecodeError
from h323.per.values import BitString
from h323.ras.codec import decode_clear_token, encode, encode_clear_token

ED25519_OID = "1.3.101.112"
"""id-Ed25519 (RFC 8410), the algorithmOID; H.235 assigns none of its own."""
WHOLE_MESSAGE_OID = "0.0.8.235.0.2.1"
"""OID "A" of H.235.2: the token's signature covers all fields of the message."""
SIGNED_FIELDS_OID = "0.0.8.235.0.2.7"
"""OID "S" of H.235.2: what is signed is a ClearToken with timeStamp, random, generalID and sendersID."""

SIGNATURE_SIZE = 64
"""Octets."""
_ZEROS = bytes(SIGNATURE_SIZE)
_PLACE = bytes(range(0x80, 0x80 + SIGNATURE_SIZE))
"""Stands for the signature in the encoding until it is made."""

MessageT = TypeVar("MessageT", bound=Any)


class TokenError(ValueError):
    """The message has cryptoTokens, but not the one token of this profile."""


@dataclass(frozen=True, slots=True)
class SignedToken:
    """What a received message says of its sender; true only once `verify` has said so."""

    senders_id: str
    general_id: str | None
    time_stamp: int
    """Unix seconds."""
    random: int
    signature: bytes


def sign(
    message: RasMessage,
    *,
    key: Ed25519PrivateKey,
    senders_id: str,
    general_id: str | None,
    time_stamp: int,
    random: int,
) -> bytes:
    """The datagram of `message` with a signature token as its cryptoTokens.

    Raises:
        EncodeError: the message or the token has no encoding.
    """
    token = ClearToken(
        token_oid=SIGNED_FIELDS_OID,
        time_stamp=time_stamp,
        random=random,
        general_id=general_id,
        senders_id=senders_id,
    )
    before, after = _split(message, encode_clear_token(token))
    return before + key.sign(before + _ZEROS + after) + after


def _split(message: RasMessage, to_be_signed: bytes) -> tuple[bytes, bytes]:
    """What stands before the signature and what behind it."""
    place = _PLACE
    datagram = encode(_with_token(message, _crypto_token(to_be_signed, place)))
    if datagram.count(place) != 1:
        # Somebody made us repeat those octets in an answer. Nobody can foresee a hash of the whole.
        place = hashlib.sha512(datagram).digest()
        datagram = encode(_with_token(message, _crypto_token(to_be_signed, place)))
    before, _, after = datagram.partition(place)
    return before, after


def _crypto_token(to_be_signed: bytes, place: bytes) -> CryptoH323Token:
    signed = CryptoTokenCryptoSignedTokenToken(
        to_be_signed=to_be_signed,
        algorithm_oid=ED25519_OID,
        param_s=Params(),
        signature=BitString(place, 8 * SIGNATURE_SIZE),
    )
    nested = CryptoTokenCryptoSignedToken(token_oid=WHOLE_MESSAGE_OID, token=signed)
    return ("nestedcryptoToken", ("cryptoSignedToken", nested))


def _with_token(message: MessageT, token: CryptoH323Token) -> MessageT:
    return replace(message, crypto_tokens=(token,))


def read_token(message: RasMessage) -> SignedToken | None:
    """The signature token of a received message, not yet verified; None where it has no cryptoTokens at all.

    Raises:
        TokenError: there are cryptoTokens, but they are not exactly one well-formed token of this profile.
    """
    tokens: tuple[CryptoH323Token, ...] | None = getattr(message, "crypto_tokens", None)
    if not tokens:
        return None
    if len(tokens) > 1:
        raise TokenError("more than one crypto token")
    signed = _signed(tokens[0])
    if signed.algorithm_oid != ED25519_OID:
        raise TokenError(f"algorithm {signed.algorithm_oid} instead of Ed25519")
    if signed.signature.length != 8 * SIGNATURE_SIZE:
        raise TokenError(f"a signature of {signed.signature.length} bits instead of {8 * SIGNATURE_SIZE}")
    try:
        clear = decode_clear_token(signed.to_be_signed)
    except DecodeError as error:
        raise TokenError(f"its clear token cannot be read: {error}") from error
    return _complete(clear, signed.signature.octets)


def _signed(token: CryptoH323Token) -> CryptoTokenCryptoSignedTokenToken:
    if token[0] != "nestedcryptoToken" or token[1][0] != "cryptoSignedToken":
        raise TokenError("a crypto token of another kind")
    nested = token[1][1]
    if nested.token_oid != WHOLE_MESSAGE_OID:
        raise TokenError(f"token {nested.token_oid} instead of {WHOLE_MESSAGE_OID}")
    return nested.token


def _complete(clear: ClearToken, signature: bytes) -> SignedToken:
    if clear.token_oid != SIGNED_FIELDS_OID:
        raise TokenError(f"clear token {clear.token_oid} instead of {SIGNED_FIELDS_OID}")
    if not clear.senders_id or clear.time_stamp is None or clear.random is None or clear.general_id == "":
        raise TokenError("its clear token lacks sendersID, timeStamp or random")
    return SignedToken(clear.senders_id, clear.general_id, clear.time_stamp, clear.random, signature)


def verify(datagram: bytes, token: SignedToken, key: Ed25519PublicKey) -> bool:
    """Whether `key` made the token's signature over this datagram.

    The signature's octets must stand in the datagram exactly once: otherwise it would be open which of them count
    as zero.
    """
    if len(token.signature) != SIGNATURE_SIZE or datagram.count(token.signature) != 1:
        return False
    try:
        key.verify(token.signature, datagram.replace(token.signature, _ZEROS))
    except InvalidSignature:
        return False
    return True
