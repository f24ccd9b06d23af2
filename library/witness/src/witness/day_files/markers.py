"""Two small files in a stream's folder, for whoever removes old days and whoever wonders where they are.

`shipped` says up to where an archive has the records; `retained` from where on they are kept here. Nothing is proved by
them: what is not here, tiles stand for. `retained` tells a retention that was meant from records that went missing.
"""

from __future__ import annotations

import json
from pathlib import Path

from witness.durable_file import replace_durably
from witness.errors import WitnessError

SHIPPED, RETAINED = "shipped", "retained"
_MAX_OCTETS = 10_000


class MarkerError(WitnessError):
    """A marker that says nothing."""


def read_marker(folder: Path, name: str, stream: str) -> int:
    """The number of records of this stream in a marker; 0 if there is none.

    Raises:
        MarkerError: it can't be read.
    """
    path = folder / name
    try:
        with path.open("rb") as file:
            octets = file.read(_MAX_OCTETS)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise MarkerError(f"{path} cannot be read: {error.strerror}") from error
    try:
        size = json.loads(octets)[stream]
    except (ValueError, KeyError, TypeError, RecursionError):
        size = None
    if type(size) is not int or size < 0:
        raise MarkerError(f'{path} is not of the form {{"{stream}": RECORDS}}; remove it if nobody knows why')
    return size


def write_marker(folder: Path, name: str, stream: str, size: int) -> None:
    """Put a marker there for good.

    Raises:
        OSError: the disk refuses.
    """
    replace_durably(folder / name, f"{json.dumps({stream: size})}\n".encode())
