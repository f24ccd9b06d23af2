"""Many small things in one value: a transaction costs by its keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gatekeeper.store.interface import Record

_LENGTH = 4
"""Octets of an answer's length."""


def streams(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Records by their stream, in order."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.stream, []).append(record)
    return found


def join_lines(records: Iterable[Record]) -> bytes:
    """The chunk of a stream's records: their lines as they will stand in the log."""
    return b"\n".join([record.line for record in records])


def split_lines(stream: str, end: int, chunk: bytes, start: int) -> list[Record]:
    """The records of a chunk that ends before the index `end`, from index `start` on."""
    lines = chunk.split(b"\n")
    first = end - len(lines)
    skipped = max(0, start - first)
    return [Record(stream, first + skipped + number, line) for number, line in enumerate(lines[skipped:])]


def join_answers(answers: Iterable[bytes]) -> bytes:
    """The chunk of these answers."""
    return b"".join([len(octets).to_bytes(_LENGTH, "big") + octets for octets in answers])


def split_answers(chunk: bytes) -> Iterator[bytes]:
    """The answers of a chunk."""
    at = 0
    while at < len(chunk):
        start = at + _LENGTH
        at = start + int.from_bytes(chunk[at:start], "big")
        yield chunk[start:at]
