"""H.235: who sent a RAS message, proven by a signature over the whole of it."""

from h323.h235.ed25519 import PrivateKey, PublicKey
from h323.h235.replay import Freshness, ReplayWindow
from h323.h235.signature import ED25519_OID, SignedToken, TokenError, challenge_of, read_token, sign, verify

__all__ = [
    "ED25519_OID",
    "Freshness",
    "PrivateKey",
    "PublicKey",
    "ReplayWindow",
    "SignedToken",
    "TokenError",
    "challenge_of",
    "read_token",
    "sign",
    "verify",
]
