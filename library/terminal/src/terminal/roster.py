"""What a terminal needs of the guardian registry: names, aliases, status. The strict reader is the gatekeeper's.

The whole format is described in docs/guardian-registry.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from terminal.errors import TerminalError

TERMINAL_ID_PREFIX = "if://guardian/"
_SEE = "check it with: h323-gatekeeper validate"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A guardian on the registry."""

    name: str
    aliases: tuple[str, ...]
    status: str
    bandwidth_quota_bps: int
    public_keys: tuple[str, ...]
    """Base64, of all key slots; equipment that can't sign has none."""

    @property
    def terminal_id(self) -> str:
        """The guardian's identity, and its requests' sendersID."""
        return TERMINAL_ID_PREFIX + self.name


def read_roster(path: Path) -> tuple[Enrolled, ...]:
    """The guardians on the registry, in its order.

    Raises:
        TerminalError: it can't be read, or isn't a registry.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TerminalError(f"{path} is not UTF-8 text; {_SEE} {path}") from error
    except OSError as error:
        raise TerminalError(f"{path} cannot be read ({error.strerror}); give the path of the registry") from error
    return parse_roster(text, path)


def parse_roster(text: str, path: Path) -> tuple[Enrolled, ...]:
    """The guardians in a registry's text; `path` is named in errors.

    Raises:
        TerminalError: it isn't a registry.
    """
    try:
        root = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TerminalError(f"{path} is not YAML; {_SEE} {path}") from error
    entries = root.get("guardians") if isinstance(root, dict) else None
    if not isinstance(entries, list):
        raise TerminalError(f"{path} has no list of guardians; {_SEE} {path}")
    try:
        return tuple(_enrolled(entry) for entry in entries)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TerminalError(f"{path} has an entry that cannot be read; {_SEE} {path}") from error


def _enrolled(entry: Mapping[str, object]) -> Enrolled:
    terminal_id, aliases, keys = str(entry["terminal_id"]), entry["aliases"], entry.get("keys", [])
    if not terminal_id.startswith(TERMINAL_ID_PREFIX) or not isinstance(aliases, list) or not isinstance(keys, list):
        raise ValueError(terminal_id)
    return Enrolled(
        name=terminal_id.removeprefix(TERMINAL_ID_PREFIX),
        aliases=tuple(str(alias) for alias in aliases),
        status=str(entry["status"]),
        bandwidth_quota_bps=int(str(entry.get("bandwidth_quota_bps", 10_000_000))),
        public_keys=tuple(str(key["public_key"]) for key in keys),
    )
