"""What proofs are checked against, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass

from h323.h235 import PublicKey

from gatekeeper.registry import Registry


@dataclass(frozen=True, slots=True)
class Keys:
    """What proofs are checked against; what isn't given isn't checked."""

    registry: Registry | None = None
    """With the passwords in it, where those are given."""
    gatekeeper: PublicKey | None = None
    gatekeeper_identifier: str = "guardian-council"
    window: int = 30
    """Seconds."""

    @property
    def any(self) -> bool:
        """Whether there is anything to check with."""
        return self.registry is not None or self.gatekeeper is not None


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a message isn't to be believed."""

    name: str
    """For programs: "bad signature"."""
    detail: str
    """For people."""


def quoted(name: str | None) -> str:
    """A name out of a message, which may be absent."""
    return "nobody" if name is None else f"'{name}'"
