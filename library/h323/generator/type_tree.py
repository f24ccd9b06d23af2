"""What pycrate knows of the ASN.1 modules, as plain values that the writers can go through."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import Any

PARAMETERISED = {"SIGNED", "ENCRYPTED", "HASHED", "PwdCertToken"}
"""Types that differ by their parameter: named after the place they stand in, like those without a name."""

WIDTHS = {"IA5String": 8, "PrintableString": 8, "VisibleString": 8, "BMPString": 16}
NUMERIC = " 0123456789"


@dataclass
class Component:
    """A field of a SEQUENCE; `standard` is its name in the ASN.1, `name` the one in Python."""

    name: str
    type: str
    optional: bool
    standard: str


@dataclass
class Sequence:
    """A SEQUENCE: its root components and its extension additions."""

    name: str
    extensible: bool
    root: list[Component] = field(default_factory=list)
    additions: list[Component] = field(default_factory=list)


@dataclass
class Choice:
    """A CHOICE, by alternatives' names and types; `additions` is None where it isn't extensible."""

    name: str
    root: list[tuple[str, str]]
    additions: list[tuple[str, str]] | None


@dataclass
class SequenceOf:
    """A SEQUENCE OF with its bounds, None for none."""

    name: str
    item: str
    low: int
    high: int | None


@dataclass
class Leaf:
    """Any other type: which primitive of h323.per it is, that one's arguments, and the Python type of its values."""

    name: str
    kind: str
    arguments: tuple[Any, ...]
    python: str


Type = Sequence | Choice | SequenceOf | Leaf


def class_name(text: str) -> str:
    """TransportAddress, H221NonStandard: an ASN.1 name as a Python class's."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_ ]", text))


def snake_case(text: str) -> str:
    """An ASN.1 field's name as a Python one: conferenceID → conference_id, willSupplyUUIEs → will_supply_uuies."""
    text = text.replace("-", "_")
    for odd, even in (("UUIEs", "Uuies"), ("OIDs", "Oids"), ("GKis", "GkIs")):
        text = text.replace(odd, even)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text).lower()
    return text + "_" if keyword.iskeyword(text) else text


def _leaf_name(*parts: object) -> str:
    return "_" + re.sub(r"\W+", "_", "_".join(map(str, parts))).strip("_").lower()[:60]


class Tree:
    """All types reachable from the roots, each under one name."""

    def __init__(self) -> None:
        self.types: dict[str, Type] = {}
        self._modules: dict[str, str] = {}

    def add(self, obj: Any) -> str:
        """Add a top-level type; its name."""
        return self._visit(obj, obj._name)

    def needs(self, name: str) -> list[str]:
        """The types that a type is made of."""
        found = self.types[name]
        if isinstance(found, Sequence):
            return [one.type for one in (*found.root, *found.additions)]
        if isinstance(found, Choice):
            return [inner for _, inner in (*found.root, *(found.additions or []))]
        return [found.item] if isinstance(found, SequenceOf) else []

    def recursive(self) -> set[str]:
        """The types that can contain themselves."""
        return {name for name in self.types if name in self._reachable(name)}

    def _reachable(self, name: str) -> set[str]:
        seen: set[str] = set()
        waiting = self.needs(name)
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += self.needs(one)
        return seen

    def _visit(self, obj: Any, context: str) -> str:
        if obj.TYPE in ("SEQUENCE", "CHOICE"):
            return self._constructed(obj, context)
        if obj.TYPE == "SEQUENCE OF":
            item = self._visit(obj._cont, f"{context}-item")
            low, high = _size_bounds(obj)
            return self._keep(SequenceOf(_leaf_name("sequence_of", item, low, high), item, low, high))
        kind, arguments, python = _leaf(obj, context)
        return self._leaf(kind, arguments, python)

    def _leaf(self, kind: str, arguments: tuple[Any, ...], python: str) -> str:
        return self._keep(Leaf(_leaf_name(kind, *arguments), kind, arguments, python))

    def _keep(self, found: SequenceOf | Leaf) -> str:
        while self.types.setdefault(found.name, found) != found:
            found.name += "_"
        return found.name

    def _constructed(self, obj: Any, context: str) -> str:
        reference = getattr(obj, "_typeref", None)
        called = getattr(reference, "called", None)
        named = isinstance(called, tuple) and isinstance(called[1], str) and called[1] not in PARAMETERISED
        name = self._name(*called) if isinstance(called, tuple) and named else class_name(context)
        if name not in self.types:
            (self._sequence if obj.TYPE == "SEQUENCE" else self._choice)(obj, name)
        return name

    def _name(self, module: str, called: str) -> str:
        """The type's name; where two modules have one of the same name, the second bears the module's, too."""
        name = class_name(called)
        if self._modules.setdefault(name, module) != module:
            return class_name(module.split("-", maxsplit=1)[0].capitalize()) + name
        return name

    def _sequence(self, obj: Any, name: str) -> None:
        sequence = Sequence(name, obj._ext is not None)
        self.types[name] = sequence
        for target, keys in ((sequence.root, obj._root), (sequence.additions, obj._ext or [])):
            for key in keys:
                part = obj._cont[key]
                optional = bool(part._opt) or part._def is not None
                # A NULL component says something by being there: True, for None is what an absent one is.
                present = part.TYPE == "NULL"
                inner = self._leaf("present", (), "bool") if present else self._visit(part, f"{name}-{key}")
                target.append(Component(snake_case(key), inner, optional, key))

    def _choice(self, obj: Any, name: str) -> None:
        choice = Choice(name, [], None)
        self.types[name] = choice
        choice.root = [(key, self._visit(obj._cont[key], f"{name}-{key}")) for key in obj._root]
        if obj._ext is not None:
            choice.additions = [(key, self._visit(obj._cont[key], f"{name}-{key}")) for key in obj._ext]


def _leaf(obj: Any, context: str) -> tuple[str, tuple[Any, ...], str]:
    kind = obj.TYPE
    if kind == "INTEGER":
        return _integer(obj)
    if kind == "OCTET STRING":
        return "octet_string", _size_bounds(obj), "bytes"
    if kind == "BIT STRING":
        return "bit_string", _size_bounds(obj), "BitString"
    if kind in WIDTHS or kind == "NumericString":
        alphabet = "".join(sorted(obj._const_alpha.root)) if obj._const_alpha else None
        if kind == "NumericString":
            alphabet = alphabet or NUMERIC
        return "text", (*_size_bounds(obj), alphabet, WIDTHS.get(kind, 4)), "str"
    if kind == "ENUMERATED":
        return "enumerated", (tuple(obj._root), obj._ext is not None), "str"
    simple = {
        "BOOLEAN": ("boolean", "bool"),
        "NULL": ("null", "None"),
        "OBJECT IDENTIFIER": ("object_identifier", "str"),
        "GeneralString": ("general_string", "str"),
        "GeneralizedTime": ("general_string", "str"),
    }
    if kind in simple:
        name, python = simple[kind]
        return name, (), python
    if kind in ("OPEN_TYPE", "ANY"):
        # What is inside depends on another field; its octets are decoded by whoever knows.
        return "octet_string", (0, None), "bytes"
    raise NotImplementedError(f"{context}: no primitive for {kind}")


def check_text(low: int, high: int | None, alphabet: str | None, width: int) -> None:
    """Refuse strings that H.225.0 doesn't have, and we therefore don't: those too short to be aligned, odd alphabets.

    Raises:
        NotImplementedError: it is one (X.691 30.5).
    """
    bits = 4 if alphabet else width
    if high is not None and (high * bits < 16 or (low == high and high * bits == 16)):
        raise NotImplementedError(f"a string of {low}..{high} characters, which isn't aligned")
    if alphabet and not 8 < len(alphabet) <= 16:
        raise NotImplementedError(f"an alphabet of {len(alphabet)} characters")


def _integer(obj: Any) -> tuple[str, tuple[Any, ...], str]:
    low, high = _bounds(obj._const_val, low=None)
    if obj._const_val and obj._const_val.ext is not None:
        return "extensible_integer", (low, high), "int"
    if low is None:
        return "unconstrained_integer", (), "int"
    short = high is not None and high - low < 65_536
    return "integer" if short else "long_integer", (low, high), "int"


def _size_bounds(obj: Any) -> tuple[int, int | None]:
    if obj._const_sz is not None and obj._const_sz.ext is not None:
        raise NotImplementedError(f"an extensible size {obj._const_sz!r} of {obj._name}")
    low, high = _bounds(obj._const_sz)
    return low or 0, high


def _bounds(constraint: Any, low: int | None = 0) -> tuple[int | None, int | None]:
    if constraint is None or not constraint.root:
        return low, None
    values: list[int | None] = []
    for part in constraint.root:
        values += [part.lb, part.ub] if hasattr(part, "lb") else [part]
    known = [value for value in values if value is not None]
    return low if values[0] is None else min(known), None if None in values[1:] else max(known)
