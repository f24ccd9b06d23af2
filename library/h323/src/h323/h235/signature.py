"""The signature token: H.235.2 procedure II with Ed25519 (docs/protocol.md).

The signature covers the whole encoded message with the signature's own 512 bits set to zero, so that nothing in a
message can be changed, added or left out, and no second encoding of a part is needed to check it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from h323.asn1.types import (
    ClearToken,
    CryptoH323Token,
    CryptoTokenCryptoSignedToken,
    CryptoTokenCryptoSignedTokenToken,
    Params,
    RasMessage,
)
from h323.h235.ed25519 import SIGNATURE_SIZE, PrivateKey, PublicKey
from h323.h235.errors import TokenError
from h323.per import DecodeError
from h323.per.values import BitString
from h323.ras.codec import decode_clear_token, encode_clear_token, encode_crypto_tokens, encode_with_crypto_tokens

ED25519_OID = "1.3.101.112"
"""id-Ed25519 (RFC 8410), the algorithmOID; H.235 assigns none of its own."""
WHOLE_MESSAGE_OID = "0.0.8.235.0.2.1"
"""OID "A" of H.235.2: the token's signature covers all fields of the message."""
SIGNED_FIELDS_OID = "0.0.8.235.0.2.7"
"""OID "S" of H.235.2: what is signed is a ClearToken with timeStamp, random, generalID and sendersID."""

CHALLENGE_SIZE = 16
"""Octets."""
_ZEROS = bytes(SIGNATURE_SIZE)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """What a received message says of its sender; true only once `verify` has said so."""

    senders_id: str
    general_id: str | None
    time_stamp: int
    """Unix seconds."""
    random: int
    signature: bytes
    challenge: bytes | None = None
    """In an answer: `challenge_of` the datagram that it answers."""


def challenge_of(request: bytes) -> bytes:
    """What ties an answer to this request datagram and to no other: the first 16 octets of its SHA-256.

    A requestSeqNum is easily guessed; whoever makes the gatekeeper answer a forged request gets a signed answer, but
    none that the true one's sender takes for theirs.
    """
    return sha256(request).digest()[:CHALLENGE_SIZE]


def sign(
    message: RasMessage,
    *,
    key: PrivateKey,
    senders_id: str,
    general_id: str | None,
    time_stamp: int,
    random: int,
    challenge: bytes | None = None,
) -> bytes:
    """The datagram of `message` with a signature token as its cryptoTokens; `challenge` is for answers.

    Raises:
        EncodeError: the message or the token has no encoding.
    """
    tokens = _crypto_tokens(senders_id, general_id, time_stamp, random, challenge)
    unsigned, at = encode_with_crypto_tokens(message, tokens)
    # Nothing follows the signature in the tokens.
    end = at + len(tokens)
    return unsigned[: end - SIGNATURE_SIZE] + key.sign(unsigned) + unsigned[end:]


def _crypto_tokens(
    senders_id: str, general_id: str | None, time_stamp: int, random: int, challenge: bytes | None
) -> bytes:
    """The encoding of cryptoTokens with zeros for the signature."""
    if time_stamp not in _TIME_STAMPS or random not in _RANDOMS or len(challenge or _CHALLENGE) != CHALLENGE_SIZE:
        return _encode_crypto_tokens(senders_id, general_id, time_stamp, random, challenge)
    before, behind_time_stamp, behind_challenge, behind_random = _template(
        senders_id, general_id, _CHALLENGE if challenge else b""
    )
    when = (time_stamp - 1).to_bytes(4, "big")
    number = random.to_bytes(4, "big")
    return b"".join((before, when, behind_time_stamp, challenge or b"", behind_challenge, number, behind_random))


_TIME_STAMPS = range(2**24 + 1, 2**32)
_RANDOMS = range(2**23, 2**31)
"""Numbers whose encodings have four octets, as nearly all have (X.691 11.5.7.4, 11.8: two's complement)."""
_CHALLENGE = bytes(range(0xC0, 0xC0 + CHALLENGE_SIZE))


@lru_cache(maxsize=4_096)
def _template(senders_id: str, general_id: str | None, challenge: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """What stands around timeStamp, challenge and random: all else repeats for each pair that speaks.

    `challenge` is any one of the right size, or b"" for none.
    """
    time_stamp, random = 0xA1A2A3A4, 0x71727374
    octets = _encode_crypto_tokens(senders_id, general_id, time_stamp, random, challenge or None)
    # Names stand behind all three, so what they repeat can't be mistaken for them.
    before, _, rest = octets.partition((time_stamp - 1).to_bytes(4, "big"))
    behind_time_stamp, _, rest = rest.partition(challenge) if challenge else (b"", b"", rest)
    behind_challenge, _, behind_random = rest.partition(random.to_bytes(4, "big"))
    return before, behind_time_stamp, behind_challenge, behind_random


def _encode_crypto_tokens(
    senders_id: str, general_id: str | None, time_stamp: int, random: int, challenge: bytes | None
) -> bytes:
    clear = ClearToken(
        token_oid=SIGNED_FIELDS_OID,
        time_stamp=time_stamp,
        challenge=challenge,
        random=random,
        general_id=general_id,
        senders_id=senders_id,
    )
    signed = CryptoTokenCryptoSignedTokenToken(
        to_be_signed=encode_clear_token(clear),
        algorithm_oid=ED25519_OID,
        param_s=Params(),
        signature=BitString(_ZEROS, 8 * SIGNATURE_SIZE),
    )
    nested = CryptoTokenCryptoSignedToken(token_oid=WHOLE_MESSAGE_OID, token=signed)
    return encode_crypto_tokens((("nestedcryptoToken", ("cryptoSignedToken", nested)),))


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
    return SignedToken(clear.senders_id, clear.general_id, clear.time_stamp, clear.random, signature, clear.challenge)


def verify(datagram: bytes, token: SignedToken, key: PublicKey) -> bool:
    """Whether `key` made the token's signature over this datagram.

    The signature's octets must stand in the datagram exactly once: otherwise it would be open which of them count
    as zero.
    """
    if len(token.signature) != SIGNATURE_SIZE or datagram.count(token.signature) != 1:
        return False
    return key.verify(token.signature, datagram.replace(token.signature, _ZEROS))
