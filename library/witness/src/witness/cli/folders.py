"""Which folders and which policy the arguments mean."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from witness.day_files.listing import stream_in
from witness.day_files.streams import RAS_STREAM, STREAMS, Stream
from witness.errors import WitnessError
from witness.policy import MAX_OCTETS, Policy, PolicyError, parse_policy

POLICY = "policy"


class InputError(WitnessError):
    """Arguments that lead nowhere."""


@dataclass(frozen=True, slots=True)
class Place:
    """One stream's folder."""

    stream: Stream
    folder: Path


def streams_below(directory: Path, name: str | None) -> list[Place]:
    """The streams of a folder, or the one of this name.

    Raises:
        InputError: there are none.
    """
    if not directory.is_dir():
        raise InputError(f"{directory} is no folder; name a stream's folder or the one above all three")
    try:
        below = [Place(stream, directory / stream.folder) for stream in STREAMS.values()]
        if any(place.folder.is_dir() for place in below):
            return [place for place in below if name in {None, place.stream.name}]
        stream = stream_in(directory)
    except OSError as error:
        raise InputError(f"{directory} cannot be read ({error.strerror}); be somebody who may read it") from error
    if stream is None:
        names = ", ".join(each.folder for each in STREAMS.values())
        raise InputError(f"{directory} has no day files, and none of the folders {names}; name one that has")
    if name not in {None, stream.name}:
        raise InputError(f"{directory} is the folder of {stream.name}, not of {name}")
    return [Place(stream, directory)]


def one_stream(directory: Path, name: str | None) -> Place:
    """The stream that is meant where it can be one only: of all three, the one with the requests.

    Raises:
        InputError: there is none.
    """
    places = streams_below(directory, name)
    return next((place for place in places if place.stream.name == RAS_STREAM), places[0])


def read_input(path: Path, most: int) -> bytes:
    """A file that somebody has named.

    Raises:
        InputError: it can't be read, or has more octets.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    if len(octets) > most:
        raise InputError(f"{path} has more than {most} octets: that is not what was meant")
    return octets


def load_policy(path: Path) -> Policy:
    """The policy of a file.

    Raises:
        InputError: it can't be read.
        PolicyError: it is none.
    """
    try:
        return parse_policy(read_input(path, MAX_OCTETS))
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error


def policy_for(place: Place, given: Path | None) -> tuple[Path, Policy]:
    """The policy that was given, or the folder's own, and where it is.

    Raises:
        InputError: there is none, or it can't be read.
        PolicyError: it is none.
    """
    path = given if given is not None else place.folder / POLICY
    if given is None and not path.is_file():
        raise InputError(f"{place.folder} has no policy of its own; give one with --policy FILE")
    return path, load_policy(path)


def warn_of_own_policy() -> None:
    """Say that the folder's own policy proves little."""
    print(
        "h323-witness: WARNING: no --policy was given, so the folder's own is used. Whoever made this folder could"
        " write any policy into it: this finds accidents, not fraud. An auditor brings his own.",
        file=sys.stderr,
    )
