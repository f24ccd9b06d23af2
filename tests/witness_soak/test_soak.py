"""Writers, log services, cosigner and shipper are killed at random: no committed record is lost, doubled or moved."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from witness.day_files.streams import RAS_STREAM, STREAMS

from tests.witness_soak.council import council, line_of
from tests.witness_soak.soak import Soak, SoakError, require_lines

# Each of the eight processes as often.
KILLS = 24


def test_services_that_are_killed_at_random_lose_nothing(tmp_path: Path) -> None:
    with council(tmp_path) as made:
        soak = Soak(made, seed=1)
        office = asyncio.run(soak.run(KILLS))
        made.stop()
        soak.check(office)
        assert soak.killed == {each.name: KILLS // 8 for each in (*made.processes, made.shipper)}
        assert all(office.lines.values())


LINES = [line_of(RAS_STREAM, index, "gk1", "") for index in range(4)]


@pytest.mark.parametrize(
    "found",
    [LINES[:3], LINES[1:], [*LINES, LINES[3]], [LINES[0], LINES[2], LINES[1], LINES[3]], [*LINES[:3], b"{}"], []],
)
def test_what_is_lost_doubled_or_moved_would_be_seen(tmp_path: Path, found: list[bytes]) -> None:
    stream = STREAMS[RAS_STREAM]
    path = stream.day_file(tmp_path, "20260101")
    path.parent.mkdir()
    path.write_bytes(b"".join(line + b"\n" for line in LINES))
    require_lines(tmp_path, stream, LINES)
    path.write_bytes(b"".join(line + b"\n" for line in found))
    with pytest.raises(SoakError):
        require_lines(tmp_path, stream, LINES)
