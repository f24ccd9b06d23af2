"""ASN.1 types as plain data. The generated codec doesn't need them; they are for showing messages to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias


class Component(NamedTuple):
    """A field of a SEQUENCE."""

    name: str
    """As the standard writes it: conferenceID."""
    attribute: str
    """As Python does: conference_id."""
    type: str
    optional: bool


class Sequence(NamedTuple):
    """A SEQUENCE: its root components and its extension additions."""

    extensible: bool
    root: tuple[Component, ...]
    additions: tuple[Component, ...]


class Choice(NamedTuple):
    """A CHOICE, by alternatives' names and types; `additions` is None where it isn't extensible."""

    root: tuple[tuple[str, str], ...]
    additions: tuple[tuple[str, str], ...] | None


class SequenceOf(NamedTuple):
    """A SEQUENCE OF with its bounds; None for no upper one."""

    item: str
    low: int
    high: int | None


class Leaf(NamedTuple):
    """Any other type: which primitive of h323.per it is, and that one's arguments."""

    kind: str
    arguments: tuple[object, ...]


Type: TypeAlias = Sequence | Choice | SequenceOf | Leaf
Schema: TypeAlias = Mapping[str, Type]
