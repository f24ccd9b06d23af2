"""What may leave the outbox: nothing that a replica of the witness log still waits for, unless it waits too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OUTBOX_BOUND = 100_000
_COPIES = 2
"""Replicas that must have a record on disk whatever else is the case."""


@dataclass(frozen=True, slots=True)
class Trimming:
    """A rule for every stream."""

    nodes: int
    """Replicas that there are: one that comes later misses nothing, as nothing is dropped before they are known."""
    bound: int = OUTBOX_BOUND
    """Records of a stream in the outbox from which on two replicas suffice."""

    def dispensable(self, sizes: Sequence[int], whole: int) -> int:
        """Up to which index records may be dropped.

        `sizes` is how much each known replica has on disk, `whole` how many records the stream has.
        """
        best = sorted(sizes, reverse=True)
        all_have = best[-1] if len(best) >= self.nodes else 0
        copies = min(_COPIES, self.nodes)
        enough_have = best[copies - 1] if len(best) >= copies else 0
        # Beyond the bound, and no further: who lags behind by less than that finds everything here.
        return max(all_have, min(enough_have, whole - self.bound))


ONE_REPLICA = Trimming(1)
TWO_REPLICAS = Trimming(2)
