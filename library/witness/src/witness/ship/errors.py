"""Why nothing was shipped."""

from __future__ import annotations

from enum import Enum

from witness.errors import WitnessError


class ShipError(WitnessError):
    """Nothing was shipped; the archive's checkpoint is what it was."""


class Refusal(str, Enum):
    """What a source has done that nobody may do."""

    FORK = "fork"
    """It shows another history than the archive has."""
    ROLLBACK = "rollback"
    """It shows less than the archive has."""


class RefusedError(ShipError):
    """A source is refused, and what it showed is evidence."""

    def __init__(self, refusal: Refusal, text: str) -> None:
        super().__init__(text)
        self.refusal = refusal
