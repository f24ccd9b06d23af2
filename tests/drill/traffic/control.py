"""The load, seen from the process that asks for it."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, final

from .report import TrafficReport, read_report

ROOT = Path(__file__).resolve().parents[3]
_TO_BEGIN = 60.0
_TO_ANSWER = 30.0
_TO_STOP = 60.0
"""Seconds; only when to stop waiting."""


class TrafficError(Exception):
    """The load has failed, or doesn't answer."""


@final
class TrafficProcess:
    """Begins the load; when the with statement is left, the load has ended."""

    def __init__(self, arguments: Sequence[str], *, log: Path | None = None) -> None:
        """Start it with these arguments and return when it runs; `log` takes its stderr.

        Raises:
            TrafficError: it can't begin.
        """
        self._errors: IO[bytes] | None = log.open("ab") if log is not None else None
        command = [sys.executable, "-m", "tests.drill.traffic", *arguments]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0
        )
        self._said = b""
        self._awaiting_settled = False
        try:
            self.scheduling = str(self._hear("ready", _TO_BEGIN)["scheduling"])
        except TrafficError:
            self._end(0.0)
            raise

    def __enter__(self) -> TrafficProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, kindly at first."""
        del kind, error, trace
        self._end(_TO_STOP)

    def _end(self, patience: float) -> None:
        """End of input is the load's sign to stop."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for file in (self._process.stdout, self._errors):
            if file is not None:
                file.close()

    def mark(self, name: str) -> float:
        """Begin a new interval; its time, Unix seconds.

        Raises:
            TrafficError: it has failed.
        """
        return float(self._ask("marked", {"do": "mark", "name": name})["time"])

    def settled(self, timeout: float, *, probes: int = 100, requests: int = 20) -> float | None:
        """Wait until everybody is served again; the seconds since the load was asked for it, None after `timeout`.

        After None, call it again to wait on, or ask something else: then the load waits for it no longer.

        Raises:
            TrafficError: it has failed.
        """
        if not self._awaiting_settled:
            self._say({"do": "settled", "probes": probes, "requests": requests})
            self._awaiting_settled = True
        said = self._next("settled", timeout)
        if said is None:
            return None
        self._awaiting_settled = False
        return float(said["seconds"])

    def report(self) -> TrafficReport:
        """What was seen since the last mark.

        Raises:
            TrafficError: it has failed.
        """
        return read_report(self._ask("report", {"do": "report"}))

    def stop(self) -> int:
        """End it; how many held calls were lost in the whole run.

        Raises:
            TrafficError: it has failed.
        """
        self._awaiting_settled = False
        self._say({"do": "stop"})
        return int(self._hear("stopped", _TO_STOP)["held_lost"])

    def _ask(self, event: str, question: Mapping[str, object]) -> Mapping[str, Any]:
        self._awaiting_settled = False
        self._say(question)
        return self._hear(event, _TO_ANSWER)

    def _say(self, question: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
        except OSError as error:
            raise TrafficError("the load has ended") from error

    def _hear(self, event: str, timeout: float) -> Mapping[str, Any]:
        said = self._next(event, timeout)
        if said is None:
            raise TrafficError(f"the load has not said {event!r} within {timeout} s")
        return said

    def _next(self, event: str, timeout: float) -> Mapping[str, Any] | None:
        deadline = time.monotonic() + timeout
        # What nobody waits for any more may have been said just before it was asked otherwise.
        while True:
            line = self._line(deadline)
            if line is None:
                return None
            said: dict[str, Any] = json.loads(line)
            if event == "settled" or said["event"] != "settled":
                break
        if said["event"] != event:
            raise TrafficError(str(said.get("why", f"{event!r} expected, got {said}")))
        return said

    def _line(self, deadline: float) -> bytes | None:
        assert self._process.stdout is not None
        while b"\n" not in self._said:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            octets = self._process.stdout.read(65_536)
            if not octets:
                raise TrafficError("the load has ended; its stderr says why")
            self._said += octets
        line, _, self._said = self._said.partition(b"\n")
        return line
