"""What keepalived says of the virtual router on this host, by its notify FIFO: a second witness beside netlink.

keepalived.conf(5), `vrrp_notify_fifo`: a line such as `INSTANCE "council" MASTER 200` at each change. keepalived keeps
the FIFO open for reading and writing and never waits for a reader: what nobody reads stays in the pipe, and what no
longer fits is lost. When its last process ends, the reader sees the end of the file.
docs/decisions/0013-virtual-address.md.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

LOGGER = logging.getLogger(__name__)
_LONGEST_LINE = 256
_LINE = re.compile(rb'INSTANCE "([!-~]{1,64})" ([A-Z_]{1,32}) ([0-9]{1,3})')
_CHUNK = 4_096
_LOOK = 0.5
PATIENCE = 1.0
"""Seconds for which the two witnesses may disagree: one of them always hears of a change first."""


class VrrpState(Enum):
    """What keepalived says of its instance, or that it can't be known."""

    MASTER = "MASTER"
    BACKUP = "BACKUP"
    FAULT = "FAULT"
    """Held back, for example by the track file."""
    STOP = "STOP"
    """keepalived has been stopped."""
    UNKNOWN = "UNKNOWN"
    """Nothing has been heard since this process or that of keepalived began, or keepalived was killed."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One line: the state that an instance has now. Other events than states are no notices."""

    instance: str
    state: VrrpState
    priority: int


class NoticeParser:
    """Takes the octets of the FIFO as they come. What is no notice is passed over; no more than a line is kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, octets: bytes) -> list[Notice]:
        """The notices that these octets complete."""
        *lines, self._rest = (self._rest + octets).split(b"\n")
        if lines and self._skipping:
            # The end of a line that was too long.
            del lines[0]
            self._skipping = False
        if len(self._rest) > _LONGEST_LINE:
            self._rest, self._skipping = b"", True
        return [notice for notice in map(_notice, lines) if notice is not None]


_TOLD = {state.value: state for state in VrrpState if state is not VrrpState.UNKNOWN}


def _notice(line: bytes) -> Notice | None:
    match = _LINE.fullmatch(line) if len(line) <= _LONGEST_LINE else None
    if match is None:
        return None
    name, state, priority = (part.decode("ascii") for part in match.groups())
    return Notice(name, _TOLD[state], int(priority)) if state in _TOLD else None


class VirtualRouter:
    """The state of one instance, by what is read of the FIFO."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._parser = NoticeParser()
        self.state = VrrpState.UNKNOWN
        self.transitions = 0
        """How often this node became MASTER or ceased to be."""

    def read(self, octets: bytes) -> None:
        """Take in octets of the FIFO."""
        for notice in self._parser.feed(octets):
            if notice.instance == self._instance:
                self._become(notice.state)

    def ended(self) -> None:
        """The last process of keepalived has closed the FIFO; if it said STOP before, all is said."""
        self._parser = NoticeParser()
        if self.state is not VrrpState.STOP:
            self._become(VrrpState.UNKNOWN)

    def overflowed(self) -> None:
        """The pipe was full, so that the newest lines may have been lost."""
        self._become(VrrpState.UNKNOWN)

    def _become(self, state: VrrpState) -> None:
        if state is self.state:
            return
        LOGGER.info("keepalived: %s, before %s", state.value, self.state.value)
        self.transitions += VrrpState.MASTER in (state, self.state)
        self.state = state


class Agreement:
    """Compares what the kernel and what keepalived say of the virtual address. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._what: str | None = None
        self._since = 0.0

    def compare(self, state: VrrpState, *, present: bool, keepalived_runs: bool, now: float) -> str | None:
        """In one sentence what they have disagreed on for more than a second; None while they agree."""
        what = _disagreement(state, present=present, keepalived_runs=keepalived_runs)
        if what != self._what:
            self._what, self._since = what, now
        return what if now - self._since > PATIENCE else None


def _disagreement(state: VrrpState, *, present: bool, keepalived_runs: bool) -> str | None:
    if present and not keepalived_runs:
        return "this host has the virtual address, but no keepalived holds it: the other host may have it, too"
    if present and state in (VrrpState.BACKUP, VrrpState.FAULT):
        return f"this host has the virtual address, but keepalived says {state.value}: the other host may have it, too"
    if not present and state is VrrpState.MASTER:
        return "keepalived says MASTER, but this host does not have the virtual address: somebody has taken it away"
    return None


class VrrpNotify:
    """Reads the FIFO in the event loop, and looks for one that isn't there yet."""

    def __init__(self, path: Path, instance: str, present: Callable[[], bool]) -> None:
        """Listen at `path` for what becomes of `instance`; `present` says whether the kernel has the address."""
        self._path = path
        self._present = present
        self._agreement = Agreement()
        self._fifo: int | None = None
        self._capacity = 0
        self._keepalived_runs = False
        self._told: str | None = None
        self.router = VirtualRouter(instance)

    @property
    def doubt(self) -> str | None:
        """In one sentence what is to be seen to: kernel and keepalived have disagreed for more than a second."""
        return self._agreement.compare(
            self.router.state, present=self._present(), keepalived_runs=self._keepalived_runs, now=time.monotonic()
        )

    async def watch(self) -> None:
        """Read until cancelled."""
        try:
            while True:
                if self._fifo is None:
                    self._open()
                self._log(self.doubt)
                await asyncio.sleep(_LOOK)
        finally:
            self._close()

    def _log(self, doubt: str | None) -> None:
        if doubt != self._told:
            LOGGER.warning("%s", doubt or "kernel and keepalived agree again on the virtual address")
            self._told = doubt

    def _open(self) -> None:
        try:
            fifo = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            # keepalived is set up after the gatekeeper: until then nothing is known.
            return
        if not stat.S_ISFIFO(os.fstat(fifo).st_mode):
            os.close(fifo)
            return
        self._fifo, self._capacity = fifo, fcntl.fcntl(fifo, fcntl.F_GETPIPE_SZ)
        asyncio.get_running_loop().add_reader(fifo, self._changed)
        # What was written before anybody listened. The kernel tells the event loop of writers that go from now on, not
        # of those that never were.
        self._keepalived_runs = self._read()
        if not self._keepalived_runs:
            self.router.ended()

    def _close(self) -> None:
        if self._fifo is not None:
            asyncio.get_running_loop().remove_reader(self._fifo)
            os.close(self._fifo)
            self._fifo = None

    def _changed(self) -> None:
        self._keepalived_runs = self._read()
        if not self._keepalived_runs:
            self.router.ended()
            # An end is told again and again; opened anew the FIFO is silent until somebody writes. Nothing is missed.
            self._close()
            self._open()

    def _read(self) -> bool:
        """Read what there is, at most a pipe full; whether somebody has the FIFO open for writing."""
        taken = 0
        while self._fifo is not None and taken < self._capacity:
            try:
                octets = os.read(self._fifo, _CHUNK)
            except BlockingIOError:
                break
            if not octets:
                return False
            taken += len(octets)
            self.router.read(octets)
        if taken > self._capacity // 2:
            # Nobody has read for long. keepalived doesn't wait: the newest lines may have found no room.
            self.router.overflowed()
        return True
