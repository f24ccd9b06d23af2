"""What the command line names as input: a capture, a text of hexadecimal lines, or hexadecimal digits themselves."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from gatekeeper.decode.capture import MAGIC_SIZE, frames, is_capture
from gatekeeper.decode.hexadecimal import BadLine, parse_line, read_lines
from gatekeeper.decode.packets import Datagram, Other, packet

Item: TypeAlias = Datagram | Other | BadLine

STANDARD_INPUT = "-"
_LONGEST_PATH = 4_096
_TEXT = re.compile(rb"[\t\r\n\x20-\x7e]*")
_FOREIGN = {b"\x1f\x8b": "compressed; write: gunzip -c FILE | h323-decode -"}


class InputError(ValueError):
    """The input can't be used; the text says what to give."""


@dataclass(frozen=True, slots=True)
class Input:
    """Items, and how far through the input they are."""

    items: Iterator[Item]
    progress: Callable[[], float | None]
    """From 0 to 1; None where the size isn't known."""


@contextmanager
def open_input(name: str) -> Iterator[Input]:
    """The items of a file, of standard input ("-"), or of hexadecimal digits.

    Raises:
        InputError: it can't be opened, or is nothing of the kind. Reading on may raise CaptureError.
    """
    if name == STANDARD_INPUT:
        yield _stream_input(sys.stdin.buffer, "standard input")
    elif _is_path(name):
        with _open(name) as stream:
            yield _stream_input(stream, name)
    else:
        yield _digits_input(name)


def _open(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}; give a file that can be read") from error


def _is_path(name: str) -> bool:
    try:
        return len(name) <= _LONGEST_PATH and Path(name).exists()
    except (OSError, ValueError):
        return False


def _digits_input(text: str) -> Input:
    found = parse_line(text, 1)
    if not isinstance(found, Datagram):
        raise InputError(f"{text[:80]!a}: no such file, and not a datagram in hexadecimal digits")
    return Input(iter((found,)), lambda: None)


def _stream_input(stream: BinaryIO, name: str) -> Input:
    try:
        start = _first_octets(stream)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}; give a capture, or hexadecimal lines") from error
    if not start:
        raise InputError(f"{name}: empty; nothing was captured, or nothing was written yet")
    if is_capture(start):
        return Input(map(packet, frames(start, stream)), _progress(stream))
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise InputError(f"{name}: {what}")
    if not _TEXT.fullmatch(start):
        raise InputError(f"{name}: neither pcap nor pcapng nor hexadecimal text; give one of them")
    return Input(read_lines(start, stream), _progress(stream))


def _first_octets(stream: BinaryIO) -> bytes:
    start = b""
    while len(start) < MAGIC_SIZE:
        piece = stream.read(MAGIC_SIZE - len(start))
        if not piece:
            break
        start += piece
    return start


def _progress(stream: BinaryIO) -> Callable[[], float | None]:
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return lambda: None
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return lambda: None
    return lambda: min(1.0, stream.tell() / status.st_size)
