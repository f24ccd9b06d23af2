"""Reads on one host, in one command, what is new in its copy of the log, and the gatekeeper's state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .hosts import HostError, Hosts

STREAMS = {"h323_ras": "h323_witness/h323_ras_*.jsonl", "failover": "ha/failover_*.jsonl"}
"""The files of each stream, within the log's directory."""

_MOST_AT_ONCE = 4 * 1024 * 1024
"""Octets."""

_AGENT = Path(__file__).with_name("agent.py").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class State:
    """What the gatekeeper on a node says of itself."""

    status: Mapping[str, Any] | None
    """None where it doesn't run."""
    calls: tuple[Mapping[str, Any], ...] | None
    """None where it is not active."""

    @property
    def active(self) -> bool:
        """Whether it says that it is active."""
        return self.status is not None and bool(self.status["active"])


@dataclass(slots=True)
class Read:
    """What one reading has brought."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    """New complete lines by stream, file by file."""
    cut: list[str] = field(default_factory=list)
    """Files that are shorter than what was read of them already."""
    state: State | None = None
    more: bool = False
    """There was too much to read all of it."""


class Reader:
    """Remembers how far each file was read."""

    def __init__(self, hosts: Hosts, node: str, directory: str, socket: str) -> None:
        self._hosts = hosts
        self._directory = directory
        self._socket = socket
        self._offsets: dict[str, int] = {}
        self.node = node

    def read(self) -> Read:
        """Read what is new, and the state.

        Raises:
            HostError: the host can't be reached, or what it printed makes no sense.
        """
        asked = {
            "directory": self._directory,
            "streams": STREAMS,
            "offsets": self._offsets,
            "most": _MOST_AT_ONCE,
            "socket": self._socket,
        }
        printed = self._hosts.run(self.node, ["python3", "-c", _AGENT, json.dumps(asked)])
        try:
            return self._sort(printed)
        except (ValueError, KeyError, TypeError) as error:
            raise HostError(f"{self.node} printed what makes no sense: {error!r}") from error

    def _sort(self, printed: str) -> Read:
        read, at, octets = Read(), 0, 0
        while at < len(printed):
            end = printed.index("\n", at)
            head = json.loads(printed[at:end])
            at = end + 1
            if "status" in head:
                calls = head["calls"]
                read.state = State(head["status"], None if calls is None else tuple(calls))
                continue
            text = printed[at : at + head["octets"]]
            at += head["octets"]
            octets += head["octets"]
            path = head["path"]
            read.lines.setdefault(head["stream"], []).extend(text.splitlines())
            if head["size"] < self._offsets.get(path, 0):
                read.cut.append(path)
            self._offsets[path] = self._offsets.get(path, 0) + head["octets"]
        # A line or so may be left of what was wanted, where it was not complete.
        read.more = octets > _MOST_AT_ONCE // 2
        return read
