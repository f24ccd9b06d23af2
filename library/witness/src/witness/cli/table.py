"""Records as rows, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping

_COLUMNS = (("time", 23), ("index", 9), ("type", 18), ("guardian", 28), ("call", 8), ("source", 21))
_GUARDIAN = "if://guardian/"


def header() -> str:
    """The columns' names."""
    return "  ".join(f"{name.upper():{width}}" for name, width in _COLUMNS) + "  REASON"


def row(line: bytes) -> str:
    """One record; a line that is none is shown as it is, without what could steer a terminal."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return ascii(line.decode(errors="replace"))
    cells = (
        _text(record, "time")[:23],
        _text(record, "index"),
        _text(record, "msg_type", "event"),
        _text(record, "terminal_id", "claimed_terminal_id").removeprefix(_GUARDIAN),
        _text(record, "call_identifier")[:8],
        _text(record, "source"),
    )
    row = "  ".join(f"{cell:{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
    reason = ": ".join(filter(None, (_text(record, "reason", "cause"), _text(record, "detail"))))
    return f"{row}  {reason}".rstrip()


def _text(record: Mapping[str, object], *names: str) -> str:
    """The first of these fields that there is, printable."""
    value = next((record[name] for name in names if record.get(name) is not None), "")
    text = str(value)
    return text if text.isprintable() else ascii(text)[1:-1]
