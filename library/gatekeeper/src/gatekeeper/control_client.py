"""Asks a running gatekeeper at its control socket."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

_TIMEOUT = 5.0


class NotRunningError(Exception):
    """Nobody answers at the control socket; the text says where to look."""


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(str(self._path))


def ask(path: Path, what: str) -> dict[str, object]:
    """The JSON object at `what`, e.g. /status.

    Raises:
        NotRunningError: there is no answer.
    """
    connection = _Connection(path)
    try:
        connection.request("GET", what)
        answer: dict[str, object] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        advice = "is the gatekeeper running? See 'systemctl status h323-gatekeeper-*', or name its socket with --socket"
        raise NotRunningError(f"{path}: {reason}; {advice}") from error
    finally:
        connection.close()
    return answer
