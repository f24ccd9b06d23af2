"""Who takes part in the test: guardians of the registry whose keys are at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from h323.h235 import PublicKey

from terminal.core import Identity
from terminal.errors import TerminalError
from terminal.keys import load_private_key
from terminal.roster import Enrolled, read_roster


@dataclass(frozen=True, slots=True)
class Member:
    """A guardian with their key."""

    identity: Identity
    bandwidth_quota_bps: int


@dataclass(frozen=True, slots=True)
class Council:
    """Who there is for the test."""

    members: tuple[Member, ...]
    suspended: Identity | None


def load_council(
    registry: Path, keys: Path, gatekeeper_identifier: str, gatekeeper_key: PublicKey, count: int
) -> Council:
    """The first `count` active guardians with a key in `keys`, and a suspended one if there is one.

    Raises:
        TerminalError: the registry can't be read, a key can't be used, or there are fewer.
    """
    roster = [(one, keys / f"{one.name}.pem") for one in read_roster(registry)]
    here = [(one, path) for one, path in roster if path.exists()]

    def identity(one: Enrolled, path: Path) -> Identity:
        return Identity(one.terminal_id, load_private_key(path), gatekeeper_identifier, gatekeeper_key)

    active = [(one, path) for one, path in here if one.status == "active"]
    if len(active) < count:
        have = f"only {len(active)} active guardians of {registry} have a key in {keys}"
        raise TerminalError(f"{have}; enrol more, or ask for fewer with --guardians")
    members = tuple(Member(identity(one, path), one.bandwidth_quota_bps) for one, path in active[:count])
    suspended = next((identity(one, path) for one, path in here if one.status == "suspended"), None)
    return Council(members, suspended)
