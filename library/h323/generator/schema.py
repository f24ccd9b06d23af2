"""Writes schema.py: the types as plain data, for whoever looks at a message field by field (h323.per.dissection)."""

from __future__ import annotations

from .source import notice
from .type_tree import Choice, Component, Leaf, Sequence, SequenceOf, Tree, Type


def schema_module(tree: Tree) -> str:
    """The source of the schema."""
    recursive = ", ".join(repr(name) for name in sorted(tree.recursive()))
    lines = [
        notice("The types of H.225.0 RAS and H.235 as plain data, by name."),
        "from __future__ import annotations",
        "",
        "from h323.per.schema import Choice, Component, Leaf, Schema, Sequence, SequenceOf",
        "",
        "TYPES: Schema = {",
    ]
    for name, found in tree.types.items():
        lines += [f"    {name!r}: {_constructor(found)},"]
    return "\n".join([*lines, "}", "", f"RECURSIVE = frozenset(({recursive}))"]) + "\n"


def _constructor(found: Type) -> str:
    if isinstance(found, Sequence):
        return f"Sequence({found.extensible}, {_components(found.root)}, {_components(found.additions)})"
    if isinstance(found, Choice):
        additions = None if found.additions is None else tuple(found.additions)
        return f"Choice({tuple(found.root)!r}, {additions!r})"
    if isinstance(found, SequenceOf):
        return f"SequenceOf({found.item!r}, {found.low!r}, {found.high!r})"
    assert isinstance(found, Leaf)
    return f"Leaf({found.kind!r}, {found.arguments!r})"


def _components(components: list[Component]) -> str:
    inner = "".join(f"Component({one.standard!r}, {one.name!r}, {one.type!r}, {one.optional}), " for one in components)
    return f"({inner.rstrip()})"
