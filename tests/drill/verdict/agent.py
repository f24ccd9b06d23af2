"""Runs on a host, by `python3 -c` with this file's text: says what is new in its copy of the log, and the state.

It needs nothing but the host's own Python. The log is ASCII (the journal escapes everything else).
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PATIENCE = 5.0


def read(asked: dict[str, Any], say: Callable[[str], object]) -> None:
    """Of each file that has grown (or shrunk), a line of JSON and then what is new; in the end, the state."""
    left: int = asked["most"]
    for stream, pattern in asked["streams"].items():
        for path in sorted(Path(asked["directory"]).glob(pattern)):
            size, offset = path.stat().st_size, asked["offsets"].get(str(path), 0)
            octets = _complete_lines(path, min(size, offset), max(0, min(left, size - offset)))
            left -= len(octets)
            if octets or size < offset:
                head = {"stream": stream, "path": str(path), "size": size, "octets": len(octets)}
                say(json.dumps(head) + "\n" + octets.decode("ascii", "replace"))
    if asked["socket"]:
        say(json.dumps(_state(asked["socket"])) + "\n")


def _complete_lines(path: Path, offset: int, most: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        octets = file.read(most)
    return octets[: octets.rfind(b"\n") + 1]


def _state(path: str) -> dict[str, Any]:
    try:
        return {"status": _ask(path, "/status"), "calls": _ask(path, "/calls").get("calls")}
    except (OSError, ValueError, http.client.HTTPException) as error:
        return {"status": None, "calls": None, "why": str(error)}


def _ask(path: str, what: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection("localhost", timeout=_PATIENCE)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(_PATIENCE)
        connection.sock.connect(path)
        connection.request("GET", what)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


if __name__ == "__main__":
    read(json.loads(sys.argv[1]), sys.stdout.write)
