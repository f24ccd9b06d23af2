"""Bundles of entries: each record behind its length in 2 octets, big-endian (C2SP tlog-tiles, "Log entries")."""

from __future__ import annotations

from collections.abc import Iterable

from witness.errors import WitnessError

MAX_ENTRY_OCTETS = 65_535
_LENGTH_OCTETS = 2


class BundleError(WitnessError):
    """Octets that are no bundle of so many entries, or a record that fits into none."""


def encode_entries(records: Iterable[bytes]) -> bytes:
    """The bundle of these records.

    Raises:
        BundleError: one is longer than MAX_ENTRY_OCTETS.
    """
    parts = []
    for record in records:
        if len(record) > MAX_ENTRY_OCTETS:
            raise BundleError(f"a record of {len(record)} octets: a bundle takes {MAX_ENTRY_OCTETS} at most")
        parts += [len(record).to_bytes(_LENGTH_OCTETS, "big"), record]
    return b"".join(parts)


def decode_entries(octets: bytes, width: int) -> list[bytes]:
    """The `width` records of a bundle.

    Raises:
        BundleError: it has more or fewer, or ends within one.
    """
    records: list[bytes] = []
    at = 0
    while at < len(octets) and len(records) < width:
        begin = at + _LENGTH_OCTETS
        at = begin + int.from_bytes(octets[at:begin], "big")
        records.append(octets[begin:at])
    if at != len(octets) or len(records) != width:
        raise BundleError(f"{len(octets)} octets are no bundle of {width} entries")
    return records
