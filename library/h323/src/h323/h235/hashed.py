"""The password token: H.235.1 procedure I with HMAC-SHA1-96, as unmodified endpoints speak it (docs/protocol.md).

The hash covers the whole encoded message with its own 96 bits set to zero, as a signature does; but it is made with a
password that both sides know, so it proves less: either could have made it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from h323.asn1.types import (
    ClearToken,
    CryptoH323Token,
    CryptoTokenCryptoHashedToken,
    CryptoTokenCryptoHashedTokenToken,
    Params,
    RasMessage,
)
from h323.h235.errors import TokenError
from h323.h235.signature import WHOLE_MESSAGE_OID
from h323.per.values import BitString
from h323.ras.codec import encode_crypto_tokens, encode_with_crypto_tokens

HASHED_FIELDS_OID = "0.0.8.235.0.2.5"
"""OID "T" of H.235.1: a ClearToken with timeStamp, random, generalID and sendersID."""
HMAC_SHA1_96_OID = "0.0.8.235.0.2.6"
"""OID "U" of H.235.1: the algorithm."""

HASH_SIZE = 12
"""Octets: the first 96 bits of an HMAC-SHA1."""
_ZEROS = bytes(HASH_SIZE)


@dataclass(frozen=True, slots=True)
class HashedToken:
    """What a received message says of its sender; true only once `verify_hash` has said so."""

    senders_id: str
    """An alias where the sender isn't registered yet, the endpointIdentifier afterwards."""
    general_id: str | None
    time_stamp: int
    """Unix seconds."""
    random: int
    hash: bytes


def password_key(password: str) -> bytes:
    """The key of a password (H.235.1 11): 20 octets. Characters beyond ASCII count as their UTF-8 octets."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).digest()


def sign_hash(
    message: RasMessage, *, key: bytes, senders_id: str, general_id: str | None, time_stamp: int, random: int
) -> bytes:
    """The datagram of `message` with a password token as its cryptoTokens.

    Raises:
        EncodeError: the message or the token has no encoding.
    """
    clear = ClearToken(
        token_oid=HASHED_FIELDS_OID,
        time_stamp=time_stamp,
        random=random,
        general_id=general_id,
        senders_id=senders_id,
    )
    hashed = CryptoTokenCryptoHashedTokenToken(
        algorithm_oid=HMAC_SHA1_96_OID, param_s=Params(), hash=BitString(_ZEROS, 8 * HASH_SIZE)
    )
    nested = CryptoTokenCryptoHashedToken(token_oid=WHOLE_MESSAGE_OID, hashed_vals=clear, token=hashed)
    tokens = encode_crypto_tokens((("nestedcryptoToken", ("cryptoHashedToken", nested)),))
    unhashed, at = encode_with_crypto_tokens(message, tokens)
    # Nothing follows the hash in the tokens.
    end = at + len(tokens)
    return unhashed[: end - HASH_SIZE] + _hash(key, unhashed) + unhashed[end:]


def _hash(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha1")[:HASH_SIZE]


def read_hashed_token(message: RasMessage) -> HashedToken | None:
    """The password token of a received message, not yet verified; None where it has none.

    Endpoints that don't know yet what the gatekeeper wants send tokens of several kinds: others are passed over.

    Raises:
        TokenError: there is more than one, or it isn't well-formed.
    """
    tokens: tuple[CryptoH323Token, ...] = getattr(message, "crypto_tokens", None) or ()
    found = [one for one in map(_hashed, tokens) if one is not None]
    if not found:
        return None
    if len(found) > 1:
        raise TokenError("more than one password token")
    clear, hashed = found[0].hashed_vals, found[0].token.hash
    if hashed.length != 8 * HASH_SIZE:
        raise TokenError(f"a hash of {hashed.length} bits instead of {8 * HASH_SIZE}")
    if not clear.senders_id or clear.time_stamp is None or clear.random is None or clear.general_id == "":
        raise TokenError("its clear token lacks sendersID, timeStamp or random")
    return HashedToken(clear.senders_id, clear.general_id, clear.time_stamp, clear.random, hashed.octets)


def _hashed(token: CryptoH323Token) -> CryptoTokenCryptoHashedToken | None:
    if token[0] != "nestedcryptoToken" or token[1][0] != "cryptoHashedToken":
        return None
    nested = token[1][1]
    oids = (nested.token_oid, nested.hashed_vals.token_oid, nested.token.algorithm_oid)
    return nested if oids == (WHOLE_MESSAGE_OID, HASHED_FIELDS_OID, HMAC_SHA1_96_OID) else None


def verify_hash(datagram: bytes, token: HashedToken, key: bytes) -> bool:
    """Whether the token's hash was made over this datagram with this key.

    The hash's octets must stand in the datagram exactly once: otherwise it would be open which of them count as zero.
    """
    if len(token.hash) != HASH_SIZE or datagram.count(token.hash) != 1:
        return False
    return hmac.compare_digest(token.hash, _hash(key, datagram.replace(token.hash, _ZEROS)))
