"""Asks a running gatekeeper at its control socket."""

from __future__ import annotations

import http
import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path

_TIMEOUT = 5.0


class NotRunningError(Exception):
    """Nobody answers at the control socket; the text says where to look."""


class RefusedError(Exception):
    """The gatekeeper answers that it doesn't do it; the text says why."""


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
    return _exchange(path, "GET", what, None)[1]


def request(path: Path, what: str, fields: Mapping[str, object] | None = None) -> dict[str, object]:
    """The JSON object at `what` or, with `fields`, the answer to a POST of them.

    Raises:
        NotRunningError: there is no answer.
        RefusedError: the answer is no.
    """
    status, answer = _exchange(path, "GET" if fields is None else "POST", what, fields)
    if status != http.HTTPStatus.OK:
        raise RefusedError(str(answer.get("error", f"HTTP status {status}")))
    return answer


def _exchange(path: Path, method: str, what: str, fields: Mapping[str, object] | None) -> tuple[int, dict[str, object]]:
    connection = _Connection(path)
    try:
        connection.request(method, what, None if fields is None else json.dumps(fields))
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        advice = "is the gatekeeper running? See 'systemctl status h323-gatekeeper-*', or name its socket with --socket"
        raise NotRunningError(f"{path}: {reason}; {advice}") from error
    finally:
        connection.close()
    return response.status, answer
