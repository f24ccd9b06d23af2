"""Two gatekeepers of one machine, one of which has a clock that can be stepped: a stand-in, for that process alone."""

from __future__ import annotations

import struct
from pathlib import Path

from .guardian import guardian
from .running import Node, free_port, serving, until

STAND_IN = """
import mmap, struct, time
with open({path!r}, "rb") as file:
    page = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
right = time.time
time.time = lambda: right() + struct.unpack_from("d", page)[0]
"""


class SteppedClock:
    """Seconds that one process's clock is ahead."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._path = folder / "offset"
        self._path.write_bytes(bytes(8))
        (folder / "sitecustomize.py").write_text(STAND_IN.format(path=str(self._path)))
        self.environment = {"PYTHONPATH": str(folder)}

    def step(self, seconds: float) -> None:
        with self._path.open("r+b") as file:
            file.write(struct.pack("d", seconds))


def test_where_nobody_can_tell_whose_clock_is_wrong_both_say_so_and_nobody_gives_up(tmp_path: Path) -> None:
    ports = (free_port(), free_port())
    store = {"kind": "sqlite", "path": str(tmp_path / "state.sqlite"), "nodes": 2}
    first, second = (
        Node(tmp_path / name, name, store, {"alternates": [{"address": "127.0.0.1", "port": other}]}, port)
        for name, port, other in (("gk1", *ports), ("gk2", *reversed(ports)))
    )
    clock = SteppedClock(tmp_path / "clock")
    with serving(first, clock.environment), serving(second, active=False), guardian("alice", first.port) as alice:
        alice.register()
        until(lambda: first.status()["peer"] is not None, "they hear of each other")
        assert first.says(clock_doubt=None)
        clock.step(3600.0)
        until(lambda: "3600 s ahead of gk2's" in str(first.status()["clock_doubt"]), "the first doubts")
        until(lambda: "3600 s behind gk1's" in str(second.status()["clock_doubt"]), "the second doubts")
        assert 'h323_gatekeeper_clock_offset_seconds{instance="gk1"} 36' in first.metrics()
        assert first.says(active=True, fit=True, trouble=None)
        assert second.says(active=False, fit=True, trouble=None)
        clock.step(0.0)
        until(lambda: first.says(clock_doubt=None) and second.says(clock_doubt=None), "they agree again")
        alice.ask(alice.admission())
