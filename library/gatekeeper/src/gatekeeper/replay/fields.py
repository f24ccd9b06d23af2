"""The fields of a record, each of the type that it must have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from gatekeeper.core.effects import Address

_Kind = TypeVar("_Kind")
_LARGEST = 2**53
_LARGEST_PORT = 65_535


class RecordError(ValueError):
    """A record says something that no gatekeeper writes; the text says what."""


class Fields:
    """One record's. Every method raises RecordError where the field is of another type, or is missing and needed."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def _take(self, name: str, kind: type[_Kind]) -> _Kind | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise RecordError(f"{name} is not {kind.__name__}")
        return value

    def text(self, name: str) -> str | None:
        """Text, None where there is none."""
        return self._take(name, str)

    def number(self, name: str) -> int | None:
        """A whole number from 0 on."""
        value = self._take(name, int)
        if value is not None and not 0 <= value <= _LARGEST:
            raise RecordError(f"{name} is out of range")
        return value

    def flag(self, name: str) -> bool:
        """True or false; false where there is nothing."""
        return bool(self._take(name, bool))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty where there is none."""
        values = self._take(name, list) or []
        if not all(isinstance(value, str) for value in values):
            raise RecordError(f"{name} is not a list of texts")
        return tuple(values)

    def needed_text(self, name: str) -> str:
        """Text that must be there."""
        return self._needed(name, self.text(name))

    def needed_number(self, name: str) -> int:
        """A number that must be there."""
        return self._needed(name, self.number(name))

    def octets(self, name: str) -> bytes:
        """Of hexadecimal digits."""
        try:
            return bytes.fromhex(self.needed_text(name))
        except ValueError as error:
            raise RecordError(f"{name} is not hexadecimal") from error

    def address(self, name: str) -> Address:
        """Of HOST:PORT."""
        return address_of(self.needed_text(name))

    def inner(self, name: str) -> Fields:
        """An object."""
        return Fields(self._needed(name, self._take(name, dict)))

    def objects(self, name: str) -> tuple[Fields, ...]:
        """A list of objects."""
        values = self._take(name, list) or []
        if not all(isinstance(value, dict) for value in values):
            raise RecordError(f"{name} is not a list of objects")
        return tuple(map(Fields, values))

    def unix(self) -> float:
        """The record's time, in Unix seconds."""
        try:
            return datetime.fromisoformat(self.needed_text("time")).timestamp()
        except (ValueError, OverflowError, OSError) as error:
            raise RecordError("time is not a time") from error

    def _needed(self, name: str, value: _Kind | None) -> _Kind:
        if value is None:
            raise RecordError(f"{name} is missing")
        return value


def address_of(text: str) -> Address:
    """HOST:PORT, or [HOST]:PORT for IPv6.

    Raises:
        RecordError: it is something else.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or len(port) > len(str(_LARGEST_PORT)):
        raise RecordError("not an address")
    return host.removeprefix("[").removesuffix("]"), int(port)
