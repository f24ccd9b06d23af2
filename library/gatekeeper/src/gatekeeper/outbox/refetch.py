"""Where records come from that have left the outbox before this replica had them on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from witness.day_files.writer import Line
from witness.log.origins import read_policy
from witness.log.refetch import PeerRefetch
from witness.service.settings import Tls

from gatekeeper.settings import RefetchSettings


class Refetch(Protocol):
    """The other replicas."""

    async def fetch(self, stream: str, start: int, end: int) -> Sequence[Line]:
        """Records from index `start` on, before `end`: as many as come at once, and at least one.

        They are what the stream's checkpoint says, as far as it goes.

        Raises:
            WitnessLogError: nobody has them, or what they have isn't what the checkpoint says.
        """


def peer_refetch(directory: Path, settings: RefetchSettings | None, tls: Tls | None) -> PeerRefetch | None:
    """Where lost records come from; None where nobody is to be asked.

    Raises:
        SettingsError: the policy can't be used.
    """
    if settings is None or tls is None:
        return None
    return PeerRefetch(directory, read_policy(settings.policy), settings.peers, tls)
