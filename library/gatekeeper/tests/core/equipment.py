"""Equipment that can't sign: by a password as H.235.1 has it, or by its network alone."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from ipaddress import ip_network

from gatekeeper.registry import Guardian
from h323.asn1.types import ClearToken, CryptoTokenCryptoHashedToken, CryptoTokenCryptoHashedTokenToken, Params
from h323.per.values import BitString
from h323.ras import CryptoH323Token, RasMessage, decode, encode

from .zone import IDENTIFIER, Terminal, Zone, guardian

NETWORK = ip_network("192.0.2.96/27")
"""Hosts 96 to 127 of the tests' network."""
OUTSIDE = 200
PASSWORD = "correct horse battery"
A, T, U = "0.0.8.235.0.2.1", "0.0.8.235.0.2.5", "0.0.8.235.0.2.6"
_PATTERN = bytes.fromhex("9a7c5e3f1b2d4c6a8f0e1d2c")


def key_of(password: str) -> bytes:
    return hashlib.sha1(password.encode(), usedforsecurity=False).digest()


def password_entry(name: str, password: str | None = PASSWORD) -> Guardian:
    key = key_of(password) if password is not None else None
    return replace(guardian(name), authentication="password", networks=(NETWORK,), password_key=key, keys=())


def none_entry(name: str) -> Guardian:
    return replace(guardian(name), authentication="none", networks=(NETWORK,), keys=())


class NoneSystem(Terminal):
    """Says who it is, and proves nothing."""

    def ask(self, message: RasMessage) -> RasMessage | None:
        answer = self.zone.exchange_octets(encode(message), self.source)
        return decode(answer) if answer is not None else None


class PasswordSystem(Terminal):
    """Hashes its requests, and takes no answer that isn't hashed. Its names are those of the endpoints in the field."""

    def __init__(self, zone: Zone, name: str, host: int = 101, password: str = PASSWORD) -> None:
        super().__init__(zone, name, host)
        self.password_key = key_of(password)
        self.general_id: str | None = IDENTIFIER

    @property
    def senders_id(self) -> str:
        """The alias until it's registered, the endpointIdentifier afterwards."""
        return self.endpoint_identifier or self.name

    def hashed(self, message: RasMessage, age: float = 0, senders_id: str | None = None) -> bytes:
        self._random += 1
        clear = ClearToken(
            token_oid=T,
            time_stamp=int(self.zone.now.unix - age),
            random=self._random,
            general_id=self.general_id,
            senders_id=senders_id or self.senders_id,
        )
        hashed = CryptoTokenCryptoHashedTokenToken(
            algorithm_oid=U, param_s=Params(), hash=BitString(_PATTERN, 8 * len(_PATTERN))
        )
        nested = CryptoTokenCryptoHashedToken(token_oid=A, hashed_vals=clear, token=hashed)
        token: CryptoH323Token = ("nestedcryptoToken", ("cryptoHashedToken", nested))
        octets = encode(replace(message, crypto_tokens=(token,)))
        assert octets.count(_PATTERN) == 1
        return octets.replace(_PATTERN, self._hash(octets.replace(_PATTERN, bytes(12))))

    def _hash(self, octets: bytes) -> bytes:
        return hmac.new(self.password_key, octets, hashlib.sha1).digest()[:12]

    def ask(self, message: RasMessage) -> RasMessage | None:
        senders_id = self.senders_id
        answer = self.zone.exchange_octets(self.hashed(message), self.source)
        return self.believed(answer, senders_id) if answer is not None else None

    def believed(self, answer: bytes, general_id: str) -> RasMessage:
        """The message, if the gatekeeper hashed it for `general_id`."""
        message = decode(answer)
        (token,) = message.crypto_tokens or ()
        assert token[0] == "nestedcryptoToken"
        assert token[1][0] == "cryptoHashedToken"
        nested = token[1][1]
        clear, made = nested.hashed_vals, nested.token.hash.octets
        assert (nested.token_oid, clear.token_oid, nested.token.algorithm_oid) == (A, T, U)
        assert (clear.senders_id, clear.general_id) == (IDENTIFIER, general_id)
        assert answer.count(made) == 1
        assert made == self._hash(answer.replace(made, bytes(12)))
        return message
