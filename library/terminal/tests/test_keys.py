"""Key files: never overwritten, never open to others."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from terminal.errors import TerminalError
from terminal.keys import (
    create_private_key,
    load_private_key,
    load_public_key,
    make_key_folder,
    public_key_file,
    public_key_text,
    write_public_key,
)


def test_a_key_is_read_back_and_only_its_owner_may(tmp_path: Path) -> None:
    path = tmp_path / "alice.pem"
    key = create_private_key(path)
    assert load_private_key(path).private_bytes_raw() == key.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in tmp_path.iterdir()] == ["alice.pem"], "no draft is left behind"


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "alice.pem"
    create_private_key(path)
    before = path.read_bytes()
    with pytest.raises(TerminalError, match=r"exists and is never overwritten; name another file"):
        create_private_key(path)
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == ["alice.pem"]


def test_the_public_half_goes_beside_it(tmp_path: Path) -> None:
    key = create_private_key(tmp_path / "gatekeeper-key.pem").public_key()
    path = public_key_file(tmp_path / "gatekeeper-key.pem")
    write_public_key(path, key)
    assert path.name == "gatekeeper-key.pub.pem"
    assert load_public_key(path).public_bytes_raw() == key.public_bytes_raw()
    assert base64.b64decode(public_key_text(key)) == key.public_bytes_raw()


def test_what_is_no_ed25519_key_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(TerminalError, match="cannot be read"):
        load_private_key(path)
    other = ec.generate_private_key(ec.SECP256R1())
    contents = [
        b"no key at all",
        other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        ed25519.Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
        ),
    ]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(TerminalError, match=r"is not an Ed25519 private key .*keygen"):
            load_private_key(path)
        with pytest.raises(TerminalError, match="is not an Ed25519 public key"):
            load_public_key(path)


def test_a_key_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "lab" / "keys"
    make_key_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    make_key_folder(folder)
    folder.chmod(0o750)
    with pytest.raises(TerminalError, match=r"open to others \(mode 0750\).*chmod 700"):
        make_key_folder(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match="cannot be written"):
        create_private_key(tmp_path / "missing" / "alice.pem")
