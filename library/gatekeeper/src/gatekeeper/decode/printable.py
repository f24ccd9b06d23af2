"""Text out of a capture, fit for a terminal: nothing in it may move the cursor, change colours or turn the line."""

from __future__ import annotations

from datetime import datetime, timezone

_MICROSECONDS = 1_000


def printable(text: str) -> str:
    """The text with what can't be printed as an escape: control characters, surrogates, directions of writing."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def utc(nanoseconds: int, separator: str = "T", end: str = "Z") -> str:
    """A time of a capture, with microseconds."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%d}{separator}{moment:%H:%M:%S}.{fraction // _MICROSECONDS:06d}{end}"


def milliseconds(nanoseconds: int) -> str:
    """A span of time for people."""
    return f"{nanoseconds / 1_000_000:.1f} ms" if abs(nanoseconds) < 10**10 else f"{nanoseconds / 10**9:.1f} s"
