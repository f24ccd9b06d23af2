"""Who takes part in the test: guardians of the registry whose keys are at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from terminal.core import Identity
from terminal.errors import TerminalError
from terminal.keys import load_private_key
from terminal.roster import read_roster


@dataclass(frozen=True, slots=True)
class Council:
    """Identities for the test."""

    guardians: tuple[Identity, ...]
    suspended: Identity | None


def load_council(
    registry: Path, keys: Path, gatekeeper_identifier: str, gatekeeper_key: Ed25519PublicKey, count: int
) -> Council:
    """The first `count` active guardians with a key in `keys`, and a suspended one if there is one.

    Raises:
        TerminalError: registry or keys can't be used, or there are fewer.
    """

    def identities(status: str) -> list[Identity]:
        found = [(one.terminal_id, keys / f"{one.name}.pem") for one in roster if one.status == status]
        return [
            Identity(terminal_id, load_private_key(path), gatekeeper_identifier, gatekeeper_key)
            for terminal_id, path in found
            if path.exists()
        ]

    roster = read_roster(registry)
    guardians = identities("active")[:count]
    if len(guardians) < count:
        have = f"only {len(guardians)} active guardians of {registry} have a key in {keys}"
        raise TerminalError(f"{have}; enrol more, or ask for --guardians {len(guardians)}")
    return Council(tuple(guardians), next(iter(identities("suspended")), None))
