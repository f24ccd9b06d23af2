"""H.235: who sent a RAS message, proven by a signature over the whole of it."""

from h323.h235.ed25519 import PrivateKey, PublicKey
from h323.h235.errors import TokenError
from h323.h235.hashed import (
    HMAC_SHA1_96_OID,
    HashedToken,
    password_key,
    read_hashed_token,
    sign_hash,
    verify_hash,
)
from h323.h235.replay import Freshness, ReplayWindow, Token
from h323.h235.signature import ED25519_OID, SignedToken, challenge_of, read_token, sign, verify

__all__ = [
    "ED25519_OID",
    "HMAC_SHA1_96_OID",
    "Freshness",
    "HashedToken",
    "PrivateKey",
    "PublicKey",
    "ReplayWindow",
    "SignedToken",
    "Token",
    "TokenError",
    "challenge_of",
    "password_key",
    "read_hashed_token",
    "read_token",
    "sign",
    "sign_hash",
    "verify",
    "verify_hash",
]
