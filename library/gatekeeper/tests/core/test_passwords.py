"""The file of passwords, the registry's entries that need one, and what an operator reads when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from gatekeeper.passwords import PasswordsError, load_passwords, parse_passwords
from gatekeeper.registry import RegistryError, load_registry_and_passwords, parse_registry

from .equipment import key_of

ROOM = "if://guardian/room"
GOOD = f'{ROOM}: "correct horse battery"\nif://guardian/hall: another, longer password\n'
ENTRY = """version: 1
guardians:
  - terminal_id: if://guardian/room
    aliases: [room]
    role: guardian
    status: active
    registered_at: "2026-01-01T00:00:00Z"
    authentication: password
    networks: [192.0.2.0/24, "2001:db8::/64"]
"""
KEYS = '    keys:\n      - {epoch: 1, public_key: "", state: active, not_before: "2026-01-01T00:00:00Z"}\n'


def test_passwords_become_keys() -> None:
    keys = parse_passwords(GOOD.encode(), "p.yaml")
    assert keys == {
        ROOM: key_of("correct horse battery"),
        "if://guardian/hall": key_of("another, longer password"),
    }
    assert parse_passwords(f"{ROOM}: 123456789012".encode(), "p")[ROOM] == key_of("123456789012")
    assert parse_passwords(f"{ROOM}: pässwörd 1234".encode(), "p")[ROOM] == key_of("pässwörd 1234")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "p.yaml:1: no mapping; write one"),
        ("- a", "p.yaml:1: no mapping; write one"),
        ("a: [", "p.yaml: not YAML; write one"),
        ("room: correct horse battery", "p.yaml:1: not a terminal_id"),
        (GOOD + f"{ROOM}: correct horse battery", f"p.yaml:3: {ROOM} stands twice"),
        (f"\n{ROOM}: secret", f"p.yaml:2: the password of {ROOM} has not 12 to 128 characters"),
        (f"{ROOM}: [correct, horse, battery]", f"p.yaml:1: the password of {ROOM} has not"),
        (f"{ROOM}: {'x' * 129}", f"p.yaml:1: the password of {ROOM} has not"),
        (f"{ROOM}:", f"p.yaml:1: the password of {ROOM} has not"),
        (f'{ROOM}: "\\uD800 secret horse"', f"p.yaml:1: the password of {ROOM} has half a character"),
        (f'{ROOM}: "\\UFFFFFFFF secret horse"', "p.yaml: not YAML; write one"),
        ("? {a: b}\n: correct horse battery", "p.yaml:1: not a terminal_id"),
    ],
)
def test_a_problem_names_its_line_and_no_password(text: str, problem: str) -> None:
    with pytest.raises(PasswordsError) as caught:
        parse_passwords(text.encode(), "p.yaml")
    assert any(one.startswith(problem) for one in caught.value.problems), caught.value.problems
    assert not any(word in str(caught.value) for word in ("secret", "horse", "xxx"))


@pytest.mark.parametrize("octets", [b"\xff", b"x" * 2_000_000, b"[" * 5_000, b"&a a: *a"])
def test_what_is_no_file_of_passwords(octets: bytes) -> None:
    with pytest.raises(PasswordsError):
        parse_passwords(octets, "p.yaml")


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passwords.yaml"
    path.write_text(GOOD)
    path.chmod(0o640)
    assert len(load_passwords(path)) == 2
    for mode in (0o644, 0o660, 0o641):
        path.chmod(mode)
        with pytest.raises(PasswordsError, match=r"open to others \(mode 0...\); close it with: chmod 0640"):
            load_passwords(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PasswordsError, match="cannot be read"):
        load_passwords(tmp_path / "missing.yaml")


def test_an_entry_gets_its_password(tmp_path: Path) -> None:
    registry, passwords = tmp_path / "r.yaml", tmp_path / "p.yaml"
    registry.write_text(ENTRY)
    passwords.write_text(GOOD)
    passwords.chmod(0o600)
    guardian = load_registry_and_passwords(registry, passwords).guardians[0]
    assert (guardian.authentication, guardian.password_key) == ("password", key_of("correct horse battery"))
    assert guardian.is_near("192.0.2.255")
    assert guardian.is_near("2001:db8::1")
    assert not guardian.is_near("192.0.3.1")
    assert key_of("correct horse battery").hex() not in repr(guardian)
    assert "password_key" not in repr(guardian)


def test_an_entry_without_a_password_is_refused(tmp_path: Path) -> None:
    registry = tmp_path / "r.yaml"
    registry.write_text(ENTRY)
    with pytest.raises(RegistryError, match=rf"r.yaml:3: {ROOM} has authentication: password and no password"):
        load_registry_and_passwords(registry, None)
    with pytest.raises(RegistryError, match="no password"):
        parse_registry(ENTRY.encode(), "r.yaml", {"if://guardian/hall": key_of("x")})


def test_without_any_passwords_such_an_entry_is_read_and_authenticates_nobody() -> None:
    guardian = parse_registry(ENTRY.encode(), "r.yaml").guardians[0]
    assert guardian.password_key is None


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("authentication: password", "authentication: passwort", 8, "write authentication: signed | password | none"),
        ('    networks: [192.0.2.0/24, "2001:db8::/64"]\n', "", 3, "authentication: password needs networks; write"),
        ("[192.0.2.0/24, ", "[192.0.2.1/24, ", 9, "networks has '192.0.2.1/24'; write networks: [\"192.0.2.0/24\"]"),
        ("[192.0.2.0/24, ", "[0.0.0.0/0, ", 9, "networks has '0.0.0.0/0'"),
        ("[192.0.2.0/24, ", "[room.example, ", 9, "networks has 'room.example'"),
        ('[192.0.2.0/24, "2001:db8::/64"]', "[]", 9, "no list of networks"),
        ("    networks: [192", KEYS + "    networks: [192", 10, "keys have no meaning with authentication: password"),
        (
            "authentication: password",
            "authentication: signed",
            9,
            "networks have no meaning with authentication: signed",
        ),
        ("    authentication: password\n", "", 8, "networks have no meaning with authentication: signed"),
    ],
)
def test_a_policy_is_complete_and_says_nothing_that_does_not_count(old: str, new: str, line: int, words: str) -> None:
    assert old in ENTRY
    with pytest.raises(RegistryError) as caught:
        parse_registry(ENTRY.replace(old, new, 1).encode(), "r.yaml")
    problems = caught.value.problems
    assert any(one.startswith(f"r.yaml:{line}: ") and words in one for one in problems), problems


def test_an_entry_by_its_network_needs_neither_keys_nor_password() -> None:
    text = ENTRY.replace("authentication: password", "authentication: none")
    guardian = parse_registry(text.encode(), "r.yaml", {}).guardians[0]
    assert (guardian.authentication, guardian.keys, guardian.password_key) == ("none", (), None)
