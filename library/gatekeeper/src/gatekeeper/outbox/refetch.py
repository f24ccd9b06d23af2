"""Where records come from that have left the outbox before this replica had them on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from witness.day_files.writer import Line


class Refetch(Protocol):
    """The other replicas."""

    async def fetch(self, stream: str, start: int, end: int) -> Sequence[Line]:
        """Records from index `start` on, before `end`: as many as come at once, and at least one.

        They are what the stream's checkpoint says, as far as it goes.

        Raises:
            WitnessLogError: nobody has them, or what they have isn't what the checkpoint says.
        """
