"""What the terminals were told, in a file that is only ever appended to: the claims that the verdict checks."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from h323.council import RefusalName
from h323.ras import AdmissionRequest, DisengageRequest, RegistrationRequest, UnregistrationRequest
from h323.ras.names import short_name
from terminal.core import Confirmed, Finished, NoAnswer, Outcome, Refused
from terminal.core.endpoint import Address
from terminal.errors import TerminalError
from terminal.probe.decision import request_digest

NONE = ""
"""The kind of an answer that never came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a request whose decision has to be durable, or the end of waiting for one."""

    time: float
    """When it arrived, Unix seconds."""
    sent: float
    """When the request was first sent, Unix seconds."""
    request: str
    kind: str
    terminal_id: str
    endpoint_identifier: str
    """The one that the request was made under; of an RRQ the one that was given."""
    call_identifier: str
    role: str
    request_digest: str
    """As `request_digest` of the gatekeeper's record, hexadecimal."""
    answered_from: str
    """The IP address that the answer came from; where none came, the one that was asked."""
    attempts: int
    reason: str = ""
    clean_up: bool = False

    @property
    def line(self) -> bytes:
        """One line of JSON."""
        fields = asdict(self)
        fields["from"] = fields.pop("answered_from")
        return json.dumps({name: value for name, value in fields.items() if value not in ("", False)}).encode() + b"\n"


def read_answer(line: bytes) -> Answer:
    """The answer in a line.

    Raises:
        ValueError, TypeError, KeyError: it's none.
    """
    fields = {"kind": NONE, "endpoint_identifier": "", "call_identifier": "", **json.loads(line)}
    fields["answered_from"] = fields.pop("from")
    return Answer(**fields)


def answer_of(
    finished: Finished, source: Address, peer: Address, arrived: float, *, terminal_id: str, role: str, clean_up: bool
) -> Answer:
    """The answer that a request from `source` got from `peer` at `arrived` (Unix seconds)."""
    message, outcome = finished.prepared.request.message, finished.outcome
    asked = getattr(message, "endpoint_identifier", None)
    given = getattr(outcome.message, "endpoint_identifier", None) if isinstance(outcome, Confirmed) else None
    call = message.call_identifier if isinstance(message, AdmissionRequest | DisengageRequest) else None
    return Answer(
        time=round(arrived, 6),
        sent=round(arrived - outcome.seconds, 6),
        request=short_name(message),
        kind=NONE if isinstance(outcome, NoAnswer) else short_name(outcome.message),
        terminal_id=terminal_id,
        endpoint_identifier=given or asked or "",
        call_identifier=call.guid.hex() if call is not None else "",
        role=role,
        request_digest=request_digest(finished.prepared.datagram, source),
        answered_from=peer[0],
        attempts=outcome.attempts,
        reason=reason_of(outcome),
        clean_up=clean_up,
    )


def reason_of(outcome: Outcome[Any]) -> str:
    """Why it was refused: the council's name, or H.225.0's where there is none; "" where it wasn't."""
    if not isinstance(outcome, Refused):
        return ""
    return outcome.name.value if outcome.name is not None else outcome.reason


def is_undecided(outcome: Outcome[Any]) -> bool:
    """Whether nothing was said about what was asked: no answer, or that the gatekeeper can't decide at the moment."""
    return isinstance(outcome, NoAnswer) or reason_of(outcome) == RefusalName.GATEKEEPER_ERROR.value


def is_unregistered(outcome: Outcome[Any]) -> bool:
    """Whether the gatekeeper says that it knows no registration of ours."""
    return reason_of(outcome) == RefusalName.NOT_REGISTERED.value


def is_durable(finished: Finished) -> bool:
    """Whether the answer speaks of something that a commit has made durable: any but a keepAlive's."""
    message = finished.prepared.request.message
    if isinstance(message, RegistrationRequest):
        return not message.keep_alive
    return isinstance(message, AdmissionRequest | DisengageRequest | UnregistrationRequest)


class AnswerLog:
    """Collects answers; `flush` appends them, in a thread: a disk may take longer than the next probe has time."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            TerminalError: it can't be written.
        """
        self._path = path
        self._lines: list[bytes] = []
        self._writing = asyncio.Lock()
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._unwritable(error) from error

    def note(self, answer: Answer) -> None:
        """One more."""
        self._lines.append(answer.line)

    async def flush(self) -> None:
        """Have in the file what was noted before this was called.

        Raises:
            TerminalError: it can't be written.
        """
        async with self._writing:
            lines, self._lines = self._lines, []
            if lines:
                await asyncio.to_thread(self._append, b"".join(lines))

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _append(self, octets: bytes) -> None:
        try:
            while octets:
                octets = octets[os.write(self._descriptor, octets) :]
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> TerminalError:
        return TerminalError(f"--answers {self._path} cannot be written ({error.strerror}); name another file")
