"""Can the folders that this node needs be written? Asked before a write fails: no record is to find it out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_SMALL = 10
"""Of a small file system, one part in so many is reserve enough."""
_MEGABYTE = 1_000_000


def disk_trouble(folders: Iterable[Path], reserve: int) -> str | None:
    """What is wrong with a folder's file system, in a sentence; None while each has `reserve` octets left.

    It may wait for a disk that doesn't answer.
    """
    return next(filter(None, (_trouble(folder, reserve) for folder in folders)), None)


def _trouble(folder: Path, reserve: int) -> str | None:
    try:
        told = os.statvfs(folder)
    except OSError as error:
        return f"{folder}: {error.strerror}; see whether its disk is there"
    if told.f_flag & os.ST_RDONLY:
        return f"{folder} is on a file system that is read-only; see what the kernel says of its disk"
    free, size = told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize
    least = min(reserve, size // _SMALL)
    if free < least:
        return f"{folder} has {free // _MEGABYTE} MB left, less than the reserve of {least // _MEGABYTE} MB; make room"
    if told.f_files and not told.f_favail:
        return f"{folder} is on a file system that takes no more files; make room"
    return None
