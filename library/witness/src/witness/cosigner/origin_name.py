"""What files of a log are called."""

from __future__ import annotations

from urllib.parse import quote

from witness.errors import WitnessError

_MOST = 150


class OriginNameError(WitnessError):
    """An origin that no file can be named after."""


def file_name(origin: str) -> str:
    """A name in which a person knows the origin, and which no other origin has.

    Raises:
        OriginNameError: it would be too long.
    """
    # quote() leaves "-" as it is; evidence files have it after the name.
    name = quote(origin, safe="").replace("-", "%2D")
    if len(name) > _MOST:
        raise OriginNameError(f"the origin {origin[:50]}… is too long")
    return name
