"""What the values of ASN.1 types have in common."""

from __future__ import annotations

from typing import Any, NamedTuple


class BitString(NamedTuple):
    """A BIT STRING: its octets, the last one padded with zeros, and its length in bits."""

    octets: bytes
    length: int


class Value:
    """Base of the dataclasses that stand for SEQUENCEs; their fields are their slots."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.__class__, *(getattr(self, name) for name in self.__slots__)))

    def __repr__(self) -> str:
        """Without the absent fields, of which a RAS message has some twenty."""
        given = ((name, getattr(self, name)) for name in self.__slots__)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given if value is not None)})"


def under_construction(kind: type[Value]) -> Any:
    """A mutable class with the layout of the frozen `kind`.

    A decoder fills the fields of an object of this class one by one, and then sets its __class__ to `kind`: that is
    ten times as fast as a frozen object with its thirty keyword arguments.
    """
    return type(f"_{kind.__name__}", (Value,), {"__slots__": kind.__slots__})
