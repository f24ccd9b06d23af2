"""The keys to check with, from the files that an operator names or that this host's gatekeeper uses."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from h323.h235 import PublicKey

from gatekeeper.decode.keys import Keys
from gatekeeper.decode.source import InputError
from gatekeeper.passwords import load_passwords
from gatekeeper.registry import load_registry, load_registry_and_passwords
from gatekeeper.settings import load_settings


def keys_of_files(
    registry: Path | None, passwords: Path | None, gatekeeper_key: Path | None, identifier: str, window: int
) -> Keys:
    """The keys in these files, None for what isn't checked.

    Raises:
        InputError: an option can't be used.
        RegistryError, PasswordsError: the registry or the passwords can't.
    """
    if passwords is not None and registry is None:
        raise InputError("--passwords FILE needs --registry FILE, which says whose they are")
    known = load_passwords(passwords) if passwords is not None else None
    return Keys(
        registry=load_registry(registry, known) if registry is not None else None,
        gatekeeper=_public_key(gatekeeper_key) if gatekeeper_key is not None else None,
        gatekeeper_identifier=identifier,
        window=window,
    )


def keys_of_gatekeeper(config: Path) -> tuple[Keys, int]:
    """All that the gatekeeper of this configuration checks by, the public half of its own key, and its RAS port.

    Raises:
        SettingsError, RegistryError, PasswordsError, InputError: a file can't be used.
    """
    settings = load_settings(config)
    keys = Keys(
        registry=load_registry_and_passwords(settings.registry, settings.passwords),
        gatekeeper=_public_half(settings.signing_key),
        gatekeeper_identifier=settings.core.gatekeeper_identifier,
        window=settings.core.signature_window,
    )
    return keys, settings.ras.port


def _public_key(path: Path) -> PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise InputError(f"--gatekeeper-key {path}: {error.strerror}; give the gatekeeper's public key") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        advice = "make one with 'openssl pkey -in gatekeeper-key.pem -pubout'"
        raise InputError(f"--gatekeeper-key {path} is no PEM public key; {advice}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"--gatekeeper-key {path} is no Ed25519 key; give the gatekeeper's")
    try:
        return PublicKey.from_public_bytes(key.public_bytes_raw())
    except ValueError as error:
        raise InputError(
            f"--gatekeeper-key {path} is a key that anybody can sign for; give the gatekeeper's"
        ) from error


def _public_half(path: Path) -> PublicKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise InputError(f"signing_key {path}: {error.strerror}; run this as root, or without --config") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"signing_key {path} is no PEM private key without a passphrase") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"signing_key {path} is no Ed25519 key")
    return PublicKey.from_public_bytes(key.public_key().public_bytes_raw())
