"""`keygen` makes private keys, `vkey` says what belongs to them and may be seen."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from witness.errors import WitnessError
from witness.note import Algorithm, Cosigner, Signer, generate_skey, parse_skeys

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_MAX_OCTETS = 100_000


class KeyFileError(WitnessError):
    """A file of keys that can't be read or written."""


def add_keygen(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that makes keys."""
    text = "make private keys in a new file, and print their public halves"
    command = commands.add_parser("keygen", help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help="the new file, never overwritten")
    command.add_argument("--cosigner", action="store_true", help="a key that cosigns checkpoints, not one of a log")
    command.add_argument("names", nargs="+", metavar="NAME", help="a log's origin, as council.example/h323_ras")
    command.set_defaults(run=_keygen)


def add_vkey(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command that prints public halves."""
    text = "print the public halves of a file of private keys, one a line, as a policy names them"
    command = commands.add_parser("vkey", help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.add_argument("file", type=Path, metavar="FILE", help="as keygen makes it")
    command.set_defaults(run=_vkey)


def _keygen(options: argparse.Namespace) -> int:
    algorithm = Algorithm.COSIGNATURE if options.cosigner else Algorithm.ED25519
    text = "".join(f"{generate_skey(name, algorithm)}\n" for name in options.names)
    public = _vkeys(parse_skeys(text))
    _write_new(options.out, text.encode())
    print(public, end="")
    return 0


def _vkey(options: argparse.Namespace) -> int:
    try:
        with options.file.open("rb") as file:
            text = file.read(_MAX_OCTETS).decode()
    except UnicodeDecodeError as error:
        raise KeyFileError(f"{options.file} has no keys; make some with h323-witness keygen") from error
    except OSError as error:
        raise KeyFileError(f"{options.file}: cannot be read ({error.strerror})") from error
    keys = parse_skeys(text)
    if not keys:
        raise KeyFileError(f"{options.file} has no keys; make some with h323-witness keygen")
    print(_vkeys(keys), end="")
    return 0


def _vkeys(keys: dict[str, Signer | Cosigner]) -> str:
    return "".join(f"{key.verifier.vkey}\n" for key in keys.values())


def _write_new(path: Path, octets: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise KeyFileError(f"{path} is there already; name a new file, keys are never overwritten") from error
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written ({error.strerror})") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(descriptor)
