"""Acknowledged decisions in a file: whole lines, on disk in batches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from terminal.errors import TerminalError
from terminal.probe.decision import Decision


class DecisionLog:
    """Appends; what the file held before stays."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            TerminalError: it can't be written.
        """
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from error

    async def write(self, decisions: Iterable[Decision]) -> None:
        """Have these on disk. The waiting is done in a thread, since it may take longer than the next probe has time.

        Raises:
            TerminalError: they could not be written in full.
        """
        octets = "".join(decision.line for decision in decisions).encode()
        if octets:
            await asyncio.to_thread(self._write, octets)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, octets: bytes) -> None:
        try:
            rest = memoryview(octets)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> TerminalError:
        return TerminalError(f"--log {self._path} cannot be written ({error.strerror}); name another file")
