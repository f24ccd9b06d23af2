"""The load generator: a bounded number of datagrams over loopback, as fast as they are answered or at a given rate."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from h323.ras import DecodeError, decode

_BUFFER = 4 * 1024 * 1024
_LARGEST = 65_535
_PATIENCE = 2.0
"""Seconds without any answer after which what is outstanding counts as lost."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    sent: int
    seconds: float
    answers: tuple[bytes, ...]
    latencies: tuple[float, ...]
    """Seconds, sorted; only of a paced run."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.answers) / self.seconds if self.answers else 0.0

    def percentile(self, part: float) -> float:
        """Milliseconds within which this part of the requests was answered; a lost one never was."""
        at = int(part * self.sent)
        return self.latencies[at] * 1e3 if at < len(self.latencies) else float("inf")

    def kinds(self) -> dict[str, int]:
        """How many answers of each message there are."""
        return dict(Counter(_kind(answer) for answer in self.answers))


def _kind(answer: bytes) -> str:
    try:
        return type(decode(answer)).__name__
    except DecodeError:
        return "echo"


class Load:
    """One socket, behind which all endpoints are."""

    def __init__(self) -> None:
        self._link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._link.bind(("127.0.0.1", 0))
        self._link.setblocking(False)
        self.port: int = self._link.getsockname()[1]

    def close(self) -> None:
        """Close the socket."""
        self._link.close()

    def _aim(self, port: int) -> socket.socket:
        """The socket, with nothing left in it of what went before."""
        with contextlib.suppress(BlockingIOError):
            while self._link.recv(_LARGEST):
                pass
        self._link.connect(("127.0.0.1", port))
        return self._link

    def flood(self, port: int, datagrams: Sequence[bytes], window: int) -> Outcome:
        """Send all, with so many unanswered at any time."""
        link = self._aim(port)
        answers: list[bytes] = []
        began = last = time.monotonic()
        sent = 0
        while len(answers) < len(datagrams):
            while sent < len(datagrams) and sent - len(answers) < window:
                link.send(datagrams[sent])
                sent += 1
            try:
                answers.append(link.recv(_LARGEST))
            except BlockingIOError:
                if not select.select([link], [], [], _PATIENCE)[0]:
                    break
            else:
                last = time.monotonic()
        return Outcome(sent, last - began, tuple(answers), ())

    def pace(self, port: int, datagrams: Sequence[bytes], rate: float) -> Outcome:
        """Send at this rate, whatever is answered.

        Times count from when a request should have left, so that a late generator doesn't flatter.
        """
        link = self._aim(port)
        arrived: list[tuple[float, bytes]] = []
        began = time.monotonic()
        sent = 0
        while len(arrived) < len(datagrams):
            wait = began + sent / rate - time.monotonic() if sent < len(datagrams) else _PATIENCE
            if wait <= 0:
                link.send(datagrams[sent])
                sent += 1
            elif select.select([link], [], [], wait)[0]:
                arrived.append((time.monotonic(), link.recv(_LARGEST)))
            elif sent == len(datagrams):
                break
        seconds = time.monotonic() - began
        due = {_sequence(datagram): began + number / rate for number, datagram in enumerate(datagrams)}
        latencies = sorted(moment - due[_sequence(answer)] for moment, answer in arrived)
        return Outcome(sent, seconds, tuple(answer for _, answer in arrived), tuple(latencies))


def _sequence(datagram: bytes) -> int:
    """The requestSeqNum, by which an answer finds its request: of one run no two have the same."""
    number: int = getattr(decode(datagram), "request_seq_num", 0)
    return number
