"""Times as people type them and as records have them, in UTC."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone


def parse_time(text: str) -> datetime:
    """An ISO 8601 date or time; UTC where it says no offset.

    Raises:
        ValueError: it is neither.
    """
    # Python 3.10 doesn't know the Z.
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time if time.tzinfo is not None else time.replace(tzinfo=timezone.utc)


def time_argument(text: str) -> datetime:
    """The same of an argument.

    Raises:
        argparse.ArgumentTypeError: it is neither.
    """
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: 2026-11-24 or 2026-11-24T15:04:05 (UTC)") from error
