"""Enrolling guardians of a lab or a new council: a key for each, and a registry that lists them.

What is there stays as it is, so that enrolling again with a larger number adds the missing ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from terminal.durable_file import replace_file
from terminal.errors import TerminalError
from terminal.keys import PUBLIC_MODE, create_private_key, load_private_key, make_key_folder, public_key_text
from terminal.roster import TERMINAL_ID_PREFIX, Enrolled, parse_roster

MARK = "# Written by guardian-terminal enrol"
"""The first line of a registry that may be added to begins so. A hand-written registry is never touched."""
HEADER = f"""{MARK}. Enrolling again appends what is missing and changes nothing else.
# Format: docs/guardian-registry.md. Check it with: h323-gatekeeper validate FILE
version: 1
guardians:
"""
MOST_GUARDIANS = 800
MOST_SUSPENDED = 99
QUOTA_BPS = 10_000_000
_FIRST_NUMBER = {"guardian": 1000, "suspended": 1900}
"""The dialled digits of guardian-01 are 1001, those of suspended-01 are 1901."""
_CLOCK_DIFFERENCE = timedelta(hours=1)
"""A key is valid from a little before it was made, so that a host whose clock is behind accepts it at once."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What was done: names, in the order of the registry."""

    added: tuple[str, ...]
    present: tuple[str, ...]


def enrol(guardians: int, suspended: int, keys: Path, registry: Path, now: datetime) -> Enrolment:
    """See to it that guardian-01 … and suspended-01 … have a key in `keys` and an entry in `registry`.

    Args:
        guardians: how many active guardians there shall be, 1 to 800.
        suspended: how many suspended ones, 0 to 99.
        keys: folder of the private keys, NAME.pem each; made with mode 0700 if missing.
        registry: the registry; made if missing.
        now: the time (UTC) that new entries bear as registered_at.

    Raises:
        TerminalError: the registry was written by somebody else, a key is missing or isn't the registered one.
    """
    if not 1 <= guardians <= MOST_GUARDIANS or not 0 <= suspended <= MOST_SUSPENDED:
        raise TerminalError(f"write --guardians 1 to {MOST_GUARDIANS} and --suspended 0 to {MOST_SUSPENDED}")
    text = _own_registry(registry)
    enrolled = {one.name: one for one in (parse_roster(text, registry) if text else ())}
    wanted = [_name("guardian", number + 1) for number in range(guardians)]
    wanted += [_name("suspended", number + 1) for number in range(suspended)]
    make_key_folder(keys)
    for name in wanted:
        if name in enrolled:
            _check_key(enrolled[name], keys)
    added = tuple(name for name in wanted if name not in enrolled)
    if added:
        entries = "".join(_entry(name, _public_key(name, keys), now) for name in added)
        _write(registry, text or HEADER, entries, (*enrolled, *added))
    return Enrolment(added, tuple(name for name in wanted if name in enrolled))


def _name(kind: str, number: int) -> str:
    return f"{kind}-{number:02d}"


def _key_file(name: str, keys: Path) -> Path:
    return keys / f"{name}.pem"


def _own_registry(registry: Path) -> str:
    """The text of the registry, "" where there's none.

    Raises:
        TerminalError: it wasn't written by enrol.
    """
    try:
        text = registry.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise TerminalError(f"{registry} cannot be read; name another file as --registry") from error
    if not text.startswith(MARK):
        raise TerminalError(f"{registry} was not written by enrol and is left alone; name another file as --registry")
    return text


def _check_key(enrolled: Enrolled, keys: Path) -> None:
    path = _key_file(enrolled.name, keys)
    if not path.exists():
        raise TerminalError(
            f"{path} is missing although {enrolled.terminal_id} is on the registry; "
            "put the key back, or remove the entry"
        )
    if public_key_text(load_private_key(path).public_key()) not in enrolled.public_keys:
        raise TerminalError(
            f"{path} is not the key that the registry has for {enrolled.terminal_id}; "
            "put that key back, or remove the entry"
        )


def _public_key(name: str, keys: Path) -> str:
    path = _key_file(name, keys)
    key = load_private_key(path) if path.exists() else create_private_key(path)
    return public_key_text(key.public_key())


def _entry(name: str, public_key: str, now: datetime) -> str:
    kind, number = name.split("-")
    return f"""\
  - terminal_id: {TERMINAL_ID_PREFIX}{name}
    aliases: [{name}, "{_FIRST_NUMBER[kind] + int(number)}"]
    role: guardian
    status: {"active" if kind == "guardian" else kind}
    bandwidth_quota_bps: {QUOTA_BPS}
    registered_at: "{_time(now)}"
    keys:
      - epoch: 1
        public_key: {public_key}
        state: active
        not_before: "{_time(now - _CLOCK_DIFFERENCE)}"
        not_after: null
        next_key_hash: null
"""


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _write(registry: Path, text: str, entries: str, expected: Iterable[str]) -> None:
    """Append the entries; what an operator changed in the file meanwhile stays as it stands."""
    whole = text + ("" if text.endswith("\n") else "\n") + entries
    found = [one.name for one in parse_roster(whole, registry)]
    if found != list(expected):
        raise TerminalError(f"{registry} does not end with its list of guardians; move the list to the end of the file")
    registry.parent.mkdir(parents=True, exist_ok=True)
    replace_file(registry, whole.encode(), PUBLIC_MODE)
