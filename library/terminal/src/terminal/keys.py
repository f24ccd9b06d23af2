"""Ed25519 key files: PKCS#8 PEM for the private key, SubjectPublicKeyInfo PEM for the public one (RFC 8410)."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from h323.h235 import PrivateKey, PublicKey

from terminal.durable_file import create_file, replace_file
from terminal.errors import TerminalError

PRIVATE_MODE = 0o600
FOLDER_MODE = 0o700
PUBLIC_MODE = 0o644


def create_private_key(path: Path) -> PrivateKey:
    """Make a private key and write it to `path`, readable by its owner only.

    Raises:
        TerminalError: the file exists, or can't be written.
    """
    key = Ed25519PrivateKey.generate()
    create_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), PRIVATE_MODE)
    return PrivateKey.from_private_bytes(key.private_bytes_raw())


def load_private_key(path: Path) -> PrivateKey:
    """The private key in the file.

    Raises:
        TerminalError: there's none that can be used.
    """
    octets = _read(path)
    try:
        key = load_pem_private_key(octets, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path, "an Ed25519 private key (PKCS#8 PEM, no passphrase)") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "an Ed25519 private key (PKCS#8 PEM, no passphrase)")
    return PrivateKey.from_private_bytes(key.private_bytes_raw())


def load_public_key(path: Path) -> PublicKey:
    """The public key in the file.

    Raises:
        TerminalError: there's none that can be used.
    """
    octets = _read(path)
    try:
        key = load_pem_public_key(octets)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(path, "an Ed25519 public key (PEM)") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "an Ed25519 public key (PEM)")
    try:
        return PublicKey.from_public_bytes(key.public_bytes_raw())
    except ValueError as error:
        raise _no_key(path, "an Ed25519 public key that can be trusted (PEM)") from error


def public_key_file(private: Path) -> Path:
    """Where the public half of a private key file is written: NAME.pub.pem beside NAME.pem."""
    return private.with_suffix(".pub.pem")


def write_public_key(path: Path, key: PublicKey) -> None:
    """Write a public key, for others to check signatures with.

    Raises:
        TerminalError: the file can't be written.
    """
    pem = Ed25519PublicKey.from_public_bytes(key.public_bytes_raw())
    replace_file(path, pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), PUBLIC_MODE)


def public_key_text(key: PublicKey) -> str:
    """The public key as the registry writes it: base64 of its 32 octets (RFC 8032 5.1.5)."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def make_key_folder(folder: Path) -> None:
    """Make the folder for private keys unless it's there.

    Raises:
        TerminalError: it can't be made, or others than its owner can look into it.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        mode = folder.stat().st_mode & 0o777
    except OSError as error:
        raise TerminalError(f"{folder} cannot be made ({error.strerror}); name another folder for the keys") from error
    if mode & 0o077:
        raise TerminalError(f"{folder} is open to others (mode {mode:04o}); close it with: chmod 700 {folder}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TerminalError(f"{path} cannot be read ({error.strerror}); give the path of the key file") from error


def _no_key(path: Path, what: str) -> TerminalError:
    return TerminalError(f"{path} is not {what}; make one with: guardian-terminal keygen --out FILE --public")
