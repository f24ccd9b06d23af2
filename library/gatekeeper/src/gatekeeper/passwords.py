"""The passwords of equipment that can't sign: a file apart, since the registry is public among operators.

YAML, `terminal_id: password` a line. Reading is strict; what it says never repeats a password.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path

import yaml
from h323.h235 import password_key

MAXIMUM_SIZE = 1_048_576
"""Octets."""
SHORTEST = 12
"""Characters: an H.235.1 hash can be tried against guessed passwords by whoever sees a request."""
_LONGEST = 128
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_TOO_OPEN = stat.S_IWGRP | stat.S_IRWXO
_ADVICE = "write one 'if://guardian/NAME: \"password\"' a line"

Passwords = Mapping[str, bytes]
"""The key that H.235.1 makes of the password, by terminal_id."""


class PasswordsError(ValueError):
    """The file can't be used; `problems` has one sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_passwords(path: Path) -> Passwords:
    """Read the file of passwords.

    Raises:
        PasswordsError: it can't be read, others than its owner and group can, or it breaks a rule.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            octets = file.read(MAXIMUM_SIZE + 1)
    except OSError as error:
        raise PasswordsError([f"{path}: cannot be read ({error.strerror}); give the path of the passwords"]) from error
    if mode & _TOO_OPEN:
        raise PasswordsError([f"{path}: open to others (mode {mode:04o}); close it with: chmod 0640 {path}"])
    return parse_passwords(octets, str(path))


def parse_passwords(octets: bytes, name: str) -> Passwords:
    """Read passwords from the file's octets; `name` stands before the line in each problem.

    Raises:
        PasswordsError: see `load_passwords`.
    """
    if len(octets) > MAXIMUM_SIZE:
        raise PasswordsError([f"{name}: larger than {MAXIMUM_SIZE} octets; this is no file of passwords"])
    try:
        root = yaml.compose(octets.decode(), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        # The parser's own words may quote the file. The last but one is what PyYAML lets out at "\UFFFFFFFF".
        raise PasswordsError([f"{name}: not YAML; {_ADVICE}"]) from None
    if not isinstance(root, yaml.MappingNode):
        raise PasswordsError([f"{name}:1: no mapping; {_ADVICE}"])
    keys: dict[str, bytes] = {}
    problems: list[str] = []
    for key, value in root.value:
        problem = _problem(key, value, keys)
        if problem is None:
            keys[key.value] = password_key(value.value)
        else:
            problems.append(f"{name}:{key.start_mark.line + 1}: {problem}")
    if problems:
        raise PasswordsError(problems)
    return keys


def _problem(key: yaml.Node, value: yaml.Node, keys: Passwords) -> str | None:
    if not isinstance(key, yaml.ScalarNode) or not key.value.startswith("if://guardian/"):
        return f"not a terminal_id; {_ADVICE}"
    if key.value in keys:
        return f"{key.value} stands twice; keep one of them"
    if not isinstance(value, yaml.ScalarNode) or not SHORTEST <= len(value.value) <= _LONGEST:
        return f"the password of {key.value} has not {SHORTEST} to {_LONGEST} characters; write one that has"
    if _SURROGATE.search(value.value):
        return f"the password of {key.value} has half a character (\\uD800 to \\uDFFF); write the character itself"
    return None
