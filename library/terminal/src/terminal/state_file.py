"""What a terminal remembers between two commands: its registration and its calls."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from terminal.core import Call
from terminal.durable_file import replace_file
from terminal.errors import TerminalError

_MODE = 0o600


@dataclass(frozen=True, slots=True)
class State:
    """A terminal's state."""

    endpoint_identifier: str | None = None
    calls: tuple[Call, ...] = ()
    """In the order of their admission."""


def default_state_file(name: str) -> Path:
    """Where the state of the guardian of this name is kept (XDG Base Directory Specification, XDG_STATE_HOME)."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "guardian-terminal" / f"{name}.json"


def load_state(path: Path) -> State:
    """The state in the file; an empty one where there is no file.

    Raises:
        TerminalError: it can't be read, or holds something else.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        calls = tuple(Call.of(bytes.fromhex(one["conference"]), bytes.fromhex(one["call"])) for one in fields["calls"])
        return State(fields["endpoint_identifier"], calls)
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TerminalError(f"{path} is not a state file of guardian-terminal; remove it and register anew") from error


def save_state(path: Path, state: State) -> None:
    """Write the state.

    Raises:
        TerminalError: the file can't be written.
    """
    fields = {
        "endpoint_identifier": state.endpoint_identifier,
        "calls": [{"conference": one.conference_id.hex(), "call": one.call_identifier.hex()} for one in state.calls],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TerminalError(f"{path.parent} cannot be made ({error.strerror}); name another file as --state") from error
    replace_file(path, (json.dumps(fields, indent=2) + "\n").encode(), _MODE)
