"""The two things that can go wrong with a message, and how they are said."""

from __future__ import annotations


class DecodeError(ValueError):
    """These octets are not an aligned PER encoding of the expected type."""


class EncodeError(ValueError):
    """This value has no encoding: a field is missing, of another type, or outside its constraint."""


def unfit(value: object, expected: str) -> EncodeError:
    """A value of another type than the field's."""
    return EncodeError(f"{type(value).__name__} {value!r:.80} where {expected} should be")


def outside(number: object, low: int, high: int | None) -> EncodeError:
    """A number, or a length, outside its constraint."""
    return EncodeError(f"{number!r} is not within {low}..{'' if high is None else high}")
