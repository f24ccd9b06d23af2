"""Datagrams written as hexadecimal digits, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from gatekeeper.decode.packets import Datagram

_LONGEST_LINE = 400_000
"""Characters: three for each octet of the largest datagram, and more."""
_SEPARATORS = re.compile(r"0x|[\s:,_-]", re.IGNORECASE)
_NO_DIGIT = re.compile(r"[^0-9a-fA-F]")


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that isn't hexadecimal."""

    number: int
    problem: str


def parse_line(text: str, number: int) -> Datagram | BadLine | None:
    """The datagram that a line says, in digits with or without blanks, colons or 0x; None for a blank or # line."""
    digits = _SEPARATORS.sub("", text.partition("#")[0])
    wrong = _NO_DIGIT.search(digits)
    if wrong is not None:
        return BadLine(number, f"{wrong.group()!a} is not a hexadecimal digit")
    if len(digits) % 2:
        return BadLine(number, f"{len(digits)} digits: half an octet is missing")
    return Datagram(number, None, None, None, bytes.fromhex(digits)) if digits else None


def read_lines(start: bytes, stream: BinaryIO) -> Iterator[Datagram | BadLine]:
    """The datagrams of a text of which the first octets have been read."""
    for number, line in enumerate(_lines(start, stream), 1):
        if len(line) > _LONGEST_LINE:
            yield BadLine(number, f"longer than {_LONGEST_LINE} characters; nothing is read behind it")
            return
        found = parse_line(line.decode("latin-1"), number)
        if found is not None:
            yield found


def _lines(start: bytes, stream: BinaryIO) -> Iterable[bytes]:
    """Lines of bounded length."""
    *whole, begun = start.split(b"\n")
    yield from whole
    while True:
        line = begun + stream.readline(_LONGEST_LINE + 1)
        if not line:
            return
        begun = b""
        yield line
