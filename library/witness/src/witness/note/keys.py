"""Ed25519 keys of notes, in the text forms that Go's golang.org/x/mod/sumdb/note reads and writes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from witness.note import strict_base64
from witness.note.errors import NoteError

KEY_ID_OCTETS = 4
_KEY_OCTETS = 32
_SIGNATURE_OCTETS = 64
_TIMESTAMP_OCTETS = 8
_MAX_TIMESTAMP = 2**63 - 1
_MAX_KEY_TEXT = 1_000
_PRIVATE = "PRIVATE+KEY+"
_KEY_ID = re.compile(r"[0-9a-f]{8}\Z")


class Algorithm(IntEnum):
    """The signature types of C2SP signed-note that we know."""

    ED25519 = 0x01
    """A signature over the note's text."""
    COSIGNATURE = 0x04
    """A cosigner's, over the text and the time (C2SP tlog-cosignature, "cosignature/v1")."""


def is_name(text: str) -> bool:
    """Whether this may name a key: not empty, UTF-8, no Unicode spaces, no plus, no control characters."""
    return bool(text) and not any(
        each.isspace() or each == "+" or each < " " or "\ud800" <= each <= "\udfff" for each in text
    )


def key_id(name: str, algorithm: Algorithm, public_key: bytes) -> bytes:
    """The 4 octets that, with the name, tell a key (C2SP signed-note, "Signatures")."""
    digest = hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public_key).digest()
    return digest[:KEY_ID_OCTETS]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name, for one type of signature."""

    name: str
    algorithm: Algorithm
    public_key: bytes
    """The 32 octets of an Ed25519 public key (RFC 8032 5.1.5)."""

    @property
    def key_id(self) -> bytes:
        """What signature lines call this key, 4 octets."""
        return key_id(self.name, self.algorithm, self.public_key)

    @property
    def vkey(self) -> str:
        """The key's text form: NAME+KEYID+BASE64."""
        encoded = strict_base64.encode(bytes([self.algorithm]) + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def verify(self, text: str, signature: bytes) -> int | None:
        """Check a signature over a note's text; of a cosignature, its time in seconds since 1970 (UTC).

        Raises:
            NoteError: it is not this key's signature over this text.
        """
        timestamp = None
        message = text.encode()
        if self.algorithm is Algorithm.COSIGNATURE:
            timestamp = int.from_bytes(signature[:_TIMESTAMP_OCTETS], "big")
            signature = signature[_TIMESTAMP_OCTETS:]
            message = _cosigned_message(text, timestamp)
        if len(signature) != _SIGNATURE_OCTETS or (timestamp or 0) > _MAX_TIMESTAMP:
            raise NoteError(f"the signature by {self.name} is malformed")
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise NoteError(f"the signature by {self.name} is wrong") from error
        return timestamp


class Signer:
    """A private key under a name, which signs notes."""

    def __init__(self, name: str, private_key: bytes) -> None:
        """`private_key` is the 32 octet seed of RFC 8032."""
        _require_name(name)
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.verifier = Verifier(name, Algorithm.ED25519, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """The signature over a note's text, 64 octets."""
        return self._key.sign(text.encode())

    @property
    def skey(self) -> str:
        """The private key's text form, as in a key file: PRIVATE+KEY+NAME+KEYID+BASE64."""
        return _skey(self.verifier, self._key)


class Cosigner:
    """A private key under a name, which cosigns checkpoints and says when."""

    def __init__(self, name: str, private_key: bytes) -> None:
        """`private_key` is the 32 octet seed of RFC 8032."""
        _require_name(name)
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.verifier = Verifier(name, Algorithm.COSIGNATURE, self._key.public_key().public_bytes_raw())

    def cosign(self, text: str, timestamp: int) -> bytes:
        """The cosignature over a checkpoint's text at a time in seconds since 1970 (UTC), 72 octets."""
        signature = self._key.sign(_cosigned_message(text, timestamp))
        return timestamp.to_bytes(_TIMESTAMP_OCTETS, "big") + signature

    @property
    def skey(self) -> str:
        """The private key's text form; its type says that it cosigns."""
        return _skey(self.verifier, self._key)


def parse_vkey(text: str) -> Verifier:
    """The key of a text NAME+KEYID+BASE64.

    Raises:
        NoteError: it is none, or of a type that we don't know.
    """
    name, algorithm, key = _parse_key(text, "a verifier key (NAME+KEYID+BASE64)")
    verifier = Verifier(name, algorithm, key)
    _require_key_id(text, verifier)
    return verifier


def parse_skeys(text: str) -> dict[str, Signer | Cosigner]:
    """The keys of a key file by their names: one PRIVATE+KEY+NAME+KEYID+BASE64 a line, blank lines aside.

    Raises:
        NoteError: a line is no such key (the text isn't shown: it may be most of one), or two have one name.
    """
    keys: dict[str, Signer | Cosigner] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            key = _parse_skey(line.strip(), f"line {number} is not a private key (PRIVATE+KEY+NAME+KEYID+BASE64)")
            if keys.setdefault(key.verifier.name, key) is not key:
                raise NoteError(f"line {number}: there are two keys named {key.verifier.name}")
    return keys


def generate_skey(name: str, algorithm: Algorithm) -> str:
    """A new private key's text form."""
    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    return Cosigner(name, seed).skey if algorithm is Algorithm.COSIGNATURE else Signer(name, seed).skey


def _cosigned_message(text: str, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def _skey(verifier: Verifier, key: Ed25519PrivateKey) -> str:
    encoded = strict_base64.encode(bytes([verifier.algorithm]) + key.private_bytes_raw())
    return f"{_PRIVATE}{verifier.name}+{verifier.key_id.hex()}+{encoded}"


def _parse_skey(text: str, otherwise: str) -> Signer | Cosigner:
    if not text.startswith(_PRIVATE):
        raise NoteError(otherwise)
    try:
        name, algorithm, seed = _parse_key(text.removeprefix(_PRIVATE), "a private key")
        key = Cosigner(name, seed) if algorithm is Algorithm.COSIGNATURE else Signer(name, seed)
        _require_key_id(text.removeprefix(_PRIVATE), key.verifier)
    except NoteError:
        raise NoteError(otherwise) from None
    return key


def _parse_key(text: str, what: str) -> tuple[str, Algorithm, bytes]:
    # The name has no plus, the base64 may have some.
    name, _, rest = text.partition("+")
    identifier, _, encoded = rest.partition("+")
    if len(text) > _MAX_KEY_TEXT or not is_name(name) or not _KEY_ID.match(identifier):
        raise NoteError(f"this is not {what}: {text[:100]!r}")
    try:
        octets = strict_base64.decode(encoded)
    except ValueError as error:
        raise NoteError(f"this is not {what}: {error}") from error
    if len(octets) != 1 + _KEY_OCTETS or octets[0] not in set(Algorithm):
        raise NoteError(f"{name} is not an Ed25519 key of type 0x01 (notes) or 0x04 (cosignatures)")
    return name, Algorithm(octets[0]), octets[1:]


def _require_key_id(text: str, verifier: Verifier) -> None:
    if text.split("+", 2)[1] != verifier.key_id.hex():
        raise NoteError(f"the key ID of {verifier.name} does not fit its key")


def _require_name(name: str) -> None:
    if not is_name(name):
        raise NoteError(f"a key's name has no spaces and no plus: {name!r}")
