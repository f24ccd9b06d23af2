"""Writes types.py: the Python values of the ASN.1 types."""

from __future__ import annotations

from dataclasses import replace

from .source import indented, notice
from .type_tree import Choice, Leaf, Sequence, SequenceOf, Tree


def types_module(tree: Tree) -> str:
    """The source of the values' types."""
    lines = [
        notice("The values of H.225.0 RAS and H.235 types: a SEQUENCE is a dataclass, a CHOICE a pair."),
        "from __future__ import annotations",
        "",
        "from dataclasses import dataclass",
        "from typing import Literal, TypeAlias",
        "",
        "from h323.per.values import BitString, Value",
    ]
    for found in tree.types.values():
        if isinstance(found, Sequence):
            lines += ["", "", *_dataclass(tree, found)]
    lines.append("")
    for found in tree.types.values():
        if isinstance(found, Choice):
            lines += ["", f'{found.name}: TypeAlias = "{_union(tree, found)}"']
    return "\n".join(lines) + "\n"


def _annotation(tree: Tree, name: str) -> str:
    found = tree.types[name]
    if isinstance(found, Leaf):
        return found.python
    return f"tuple[{_annotation(tree, found.item)}, ...]" if isinstance(found, SequenceOf) else name


def _union(tree: Tree, choice: Choice) -> str:
    pairs = [*choice.root, *(choice.additions or [])]
    if choice.name == "RasMessage":
        return " | ".join(_annotation(tree, inner) for _, inner in pairs)
    return " | ".join(f"tuple[Literal['{key}'], {_annotation(tree, inner)}]" for key, inner in pairs)


def _dataclass(tree: Tree, sequence: Sequence) -> list[str]:
    """A dataclass with its methods spelled out: what @dataclass would compile at each import takes 1 ms a class."""
    fields = [*sequence.root, *(replace(one, optional=True) for one in sequence.additions)]
    typed = [f"{one.name}: {_annotation(tree, one.type)}{' | None' if one.optional else ''}" for one in fields]
    slots = "".join(f'"{one.name}", ' for one in fields)
    head = [
        "@dataclass(frozen=True, init=False, repr=False, eq=False)",
        f"class {sequence.name}(Value):",
        f'    """{sequence.name} (SEQUENCE)."""',
        "",
        f"    __slots__ = ({slots.rstrip()})" if fields else "    __slots__ = ()",
    ]
    if not fields:
        return head
    parameters = [f"{text}{' = None' if one.optional else ''}," for one, text in zip(fields, typed, strict=True)]
    body = [
        *typed,
        "",
        "def __init__(",
        *indented(["self,", "*,", *parameters]),
        ") -> None:",
        *indented(["put = object.__setattr__", *(f'put(self, "{one.name}", {one.name})' for one in fields)]),
    ]
    return head + [line.rstrip() for line in indented(body)]
