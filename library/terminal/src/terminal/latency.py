"""Percentiles of measured times."""

from __future__ import annotations

from collections.abc import Sequence


def percentile_ms(seconds: Sequence[float], percent: int) -> float:
    """The smallest of the times that at least `percent` per cent of them don't exceed, in ms; 0 where there's none."""
    if not seconds:
        return 0.0
    rank = -(-len(seconds) * percent // 100)
    return round(sorted(seconds)[max(rank, 1) - 1] * 1000, 1)
