"""The gatekeeper under attack, for a moment; docs/hardening.md has the long run."""

from __future__ import annotations

from pathlib import Path

from .hostile import Siege
from .hostile_udp import besiege
from .mutation import MUTATIONS


def test_20_000_mutated_datagrams_while_guardians_work() -> None:
    report = Siege(seed=4).run(20_000)
    assert report.good, report
    assert report.guardian_requests_answered == 400
    assert report.mutations.keys() == MUTATIONS.keys()
    # It was no attack if nothing got through to be decided.
    assert {"ARQ confirmed", "RRQ confirmed", "ARQ INVALID_SIGNATURE"} <= report.results.keys()


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = (Siege(seed=5).run(500) for _ in range(2))
    assert first.results == second.results


def test_2_000_mutated_datagrams_by_udp(tmp_path: Path) -> None:
    report = besiege(2_000, seed=4, folder=tmp_path)
    assert report.good, report
    assert report.guardian_requests_answered == 80
