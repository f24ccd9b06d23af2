"""One stream of the log in its copies: gapless each, and the same octets as far as the shortest of them reaches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .finding import Violation

Record = Mapping[str, Any]
_INDEX = '{"index": '


@dataclass(slots=True)
class _Copy:
    """One node's."""

    next: int = -1
    """Index of the record that comes next; -1 as long as nothing was read."""
    early: dict[int, str] = field(default_factory=dict)
    """Lines that were read before their predecessors: around midnight neighbours may be in different files."""


class Copies:
    """Takes lines of any copy in the order of its files, gives each record once, in the order of the indices."""

    def __init__(self, stream: str, nodes: Iterable[str]) -> None:
        self.stream = stream
        self.violations: list[Violation] = []
        self.compared = 0
        self._copies = {node: _Copy() for node in nodes}
        self._lines: dict[int, tuple[str, int]] = {}
        """Lines that not all copies have yet, and how many have them."""
        self._next = -1

    def shortest(self) -> int:
        """All copies have the records before this index."""
        return min(copy.next for copy in self._copies.values())

    def longest(self) -> int:
        """At least one copy has the records before this index."""
        return max(copy.next for copy in self._copies.values())

    def take(self, node: str, lines: Iterable[str]) -> list[Record]:
        """The records that no copy had before."""
        copy = self._copies[node]
        fresh: list[Record] = []
        for line in lines:
            index = _index(line)
            if index is None:
                self._violate("unreadable", f"{node} has a line in {self.stream} without an index: {line[:80]!r}", None)
                continue
            if copy.next < 0:
                copy.next = index
                self._begin(node, index)
            if index < copy.next or index in copy.early:
                self._violate("doubled", f"{node} has record {index} of {self.stream} twice", index)
                continue
            copy.early[index] = line
            while copy.next in copy.early:
                fresh += self._compare(node, copy.next, copy.early.pop(copy.next))
                copy.next += 1
        return fresh

    def gaps(self) -> list[Violation]:
        """What is missing in the middle, now that nothing more is to be read."""
        return [
            Violation("gap", f"{node} lacks record {copy.next} of {self.stream}, and has later ones", index=copy.next)
            for node, copy in self._copies.items()
            if copy.early
        ]

    def _begin(self, node: str, index: int) -> None:
        if self._next >= 0 and index != self._next - len(self._lines):
            self._violate("gap", f"{node} begins with record {index} of {self.stream}, another copy elsewhere", index)
        if self._next < 0:
            self._next = index

    def _compare(self, node: str, index: int, line: str) -> list[Record]:
        others = len(self._copies) - 1
        known = self._lines.get(index)
        if known is None and index < self._next:
            return []  # this copy begins where the others didn't; said already
        if known is None:
            self._next = index + 1
            if others:
                self._lines[index] = (line, others)
            else:
                self.compared += 1
            return self._parse(node, index, line)
        first, missing = known
        if line != first:
            self._violate("copies differ", f"record {index} of {self.stream} is another one on {node}", index)
        if missing > 1:
            self._lines[index] = (first, missing - 1)
        else:
            del self._lines[index]
            self.compared += 1
        return []

    def _parse(self, node: str, index: int, line: str) -> list[Record]:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict) and type(record.get("epoch")) is int and isinstance(record.get("node"), str):
            return [record]
        self._violate("unreadable", f"record {index} of {self.stream} on {node} makes no sense: {line[:80]!r}", index)
        return []

    def _violate(self, kind: str, text: str, index: int | None) -> None:
        self.violations.append(Violation(kind, text, index=index))


def _index(line: str) -> int | None:
    """The journal puts it first: no need to read the whole line of every copy."""
    number = line[len(_INDEX) :].partition(",")[0] if line.startswith(_INDEX) else ""
    return int(number) if number.isascii() and number.isdigit() else None
