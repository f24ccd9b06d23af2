"""Ed25519 keys (RFC 8032) for the hot path: libsodium verifies in half of OpenSSL's time.

Keys are made once from their 32 octets; key files (PEM) are the business of whoever reads them.
"""

from __future__ import annotations

import secrets

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

KEY_SIZE = 32
"""Octets of a private key, and of a public one."""
SIGNATURE_SIZE = 64
"""Octets."""


class PublicKey:
    """A public key that has passed for a point of the curve's prime-order subgroup."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    @classmethod
    def from_public_bytes(cls, octets: bytes) -> PublicKey:
        """The key of these 32 octets.

        Raises:
            ValueError: they are no key: not a canonical encoding of a point, or a point of small order, for which
                anybody can make signatures.
        """
        if len(octets) != KEY_SIZE or not crypto_core_ed25519_is_valid_point(octets):
            raise ValueError("not an Ed25519 public key")
        return cls(octets)

    def public_bytes_raw(self) -> bytes:
        """The 32 octets."""
        return self._octets

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the private half made this signature. A second form of a signature (S + L) is refused."""
        if len(signature) != SIGNATURE_SIZE:
            return False
        try:
            crypto_sign_open(signature + message, self._octets)
        except BadSignatureError:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self._octets == other._octets

    def __hash__(self) -> int:
        return hash(self._octets)

    def __repr__(self) -> str:
        return f"PublicKey({self._octets.hex()})"


class PrivateKey:
    """A private key."""

    __slots__ = ("_public", "_seed_and_public")

    def __init__(self, seed: bytes) -> None:
        public, self._seed_and_public = crypto_sign_seed_keypair(seed)
        self._public = PublicKey(public)

    @classmethod
    def from_private_bytes(cls, seed: bytes) -> PrivateKey:
        """The key of these 32 octets.

        Raises:
            ValueError: there are not 32.
        """
        if len(seed) != KEY_SIZE:
            raise ValueError("not an Ed25519 private key")
        return cls(seed)

    @classmethod
    def generate(cls) -> PrivateKey:
        """A new key from the system's random source."""
        return cls(secrets.token_bytes(KEY_SIZE))

    def private_bytes_raw(self) -> bytes:
        """The 32 octets."""
        return self._seed_and_public[:KEY_SIZE]

    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 octets."""
        return crypto_sign(message, self._seed_and_public)[:SIGNATURE_SIZE]
