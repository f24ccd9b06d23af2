"""A cosigner that dies by kill -9 at one of the places between a request and its answer: --config FILE PLACE COUNT."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from witness.cosigner.memory import Memory
from witness.cosigner.service import CosignerService
from witness.cosigner.settings import load_settings
from witness.durable_file import replace_durably, replace_file


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _draft(path: Path, octets: bytes) -> None:
    """Half of the file's new octets, under the passing name."""
    path.with_name(f".{path.name}.new").write_bytes(octets[: len(octets) // 2])
    _die()


def _renamed(path: Path, octets: bytes) -> None:
    replace_file(path, octets)
    _die()


def _kept(path: Path, octets: bytes) -> None:
    replace_durably(path, octets)
    _die()


_DEATHS: Mapping[str, Callable[[Path, bytes], None]] = {
    "before": lambda _path, _octets: _die(),
    "draft": _draft,
    "renamed": _renamed,
    "kept": _kept,
}


def _replacing(place: str, count: int) -> Callable[[Path, bytes], None]:
    """Replaces so many files, and dies at the next one."""
    left = [count]

    def replace(path: Path, octets: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            _DEATHS[place](path, octets)
        replace_durably(path, octets)

    return replace


def _serving() -> None:
    sys.stdout.write("INFO serving\n")
    sys.stdout.flush()


def main() -> None:
    _, config, place, count = sys.argv[1:]
    settings = load_settings(Path(config))
    service = CosignerService(settings, Memory(settings.state, _replacing(place, int(count))))
    asyncio.run(service.run(_serving))


if __name__ == "__main__":
    main()
