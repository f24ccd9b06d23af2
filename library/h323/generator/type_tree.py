"""What pycrate knows of the ASN.1 modules, as plain values that the writer can go through."""

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
    """A field of a SEQUENCE."""

    name: str
    asn1_name: str
    type: str
    optional: bool


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
class Plain:
    """Any other type: the expression that makes its shape, and the Python type of its values."""

    name: str
    shape: str
    python: str


def class_name(text: str) -> str:
    """TransportAddress, H221NonStandard: an ASN.1 name as a Python class's."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_ ]", text))


def snake_case(text: str) -> str:
    """RequestSeqNum → request_seq_num, conferenceID → conference_id, willSupplyUUIEs → will_supply_uuies."""
    text = text.replace("-", "_")
    for odd, even in (("UUIEs", "Uuies"), ("OIDs", "Oids"), ("GKis", "GkIs")):
        text = text.replace(odd, even)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text).lower()
    return text + "_" if keyword.iskeyword(text) else text


class Tree:
    """All types reachable from the roots, each under one name."""

    def __init__(self) -> None:
        self.types: dict[str, Sequence | Choice | Plain] = {}
        self._by_shape: dict[str, str] = {}
        self._modules: dict[str, str] = {}

    def add(self, obj: Any) -> str:
        """Add a top-level type; its name."""
        return self._visit(obj, obj._name)

    def _visit(self, obj: Any, context: str) -> str:
        reference = getattr(obj, "_typeref", None)
        called = reference.called[1] if reference is not None and isinstance(reference.called, tuple) else None
        named = isinstance(called, str) and called not in PARAMETERISED
        if obj.TYPE in ("SEQUENCE", "CHOICE"):
            name = self._name(*reference.called) if named else class_name(context)
            if name not in self.types:
                (self._sequence if obj.TYPE == "SEQUENCE" else self._choice)(obj, name)
            return name
        return self._plain(*self._shape(obj, context))

    def _name(self, module: str, called: str) -> str:
        """The type's name; where two modules have one of the same name, the second bears the module's, too."""
        name = class_name(called)
        if self._modules.setdefault(name, module) != module:
            return class_name(module.split("-", maxsplit=1)[0].capitalize()) + name
        return name

    def _plain(self, shape: str, python: str) -> str:
        if shape not in self._by_shape:
            name = "_" + re.sub(r"\W+", "_", shape).strip("_").lower()[:60]
            while name in self.types:
                name += "_"
            self._by_shape[shape] = name
            self.types[name] = Plain(name, shape, python)
        return self._by_shape[shape]

    def _sequence(self, obj: Any, name: str) -> None:
        sequence = Sequence(name, obj._ext is not None)
        self.types[name] = sequence
        for target, keys in ((sequence.root, obj._root), (sequence.additions, obj._ext or [])):
            for key in keys:
                part = obj._cont[key]
                optional = bool(part._opt) or part._def is not None
                # A NULL component says something by being there: True, for None is what an absent one is.
                present = part.TYPE == "NULL"
                inner = self._plain("present()", "bool") if present else self._visit(part, f"{name}-{key}")
                target.append(Component(snake_case(key), key, inner, optional))

    def _choice(self, obj: Any, name: str) -> None:
        choice = Choice(name, [], None)
        self.types[name] = choice
        choice.root = [(key, self._visit(obj._cont[key], f"{name}-{key}")) for key in obj._root]
        if obj._ext is not None:
            choice.additions = [(key, self._visit(obj._cont[key], f"{name}-{key}")) for key in obj._ext]

    def _shape(self, obj: Any, context: str) -> tuple[str, str]:
        kind = obj.TYPE
        if kind == "SEQUENCE OF":
            item = self._visit(obj._cont, f"{context}-item")
            low, high = _size_bounds(obj)
            return f"sequence_of({item}, {low}, {high})", f"tuple[{item}, ...]"
        if kind == "INTEGER":
            function = "extensible_integer" if obj._const_val and obj._const_val.ext is not None else "integer"
            return "{}({}, {})".format(function, *_bounds(obj._const_val, low=None)), "int"
        if kind in ("OCTET STRING", "BIT STRING"):
            low, high = _size_bounds(obj)
            function, python = ("octet_string", "bytes") if kind == "OCTET STRING" else ("bit_string", "BitString")
            return f"{function}({low}, {high})", python
        if kind in WIDTHS or kind == "NumericString":
            low, high = _size_bounds(obj)
            alphabet = "".join(sorted(obj._const_alpha.root)) if obj._const_alpha else None
            if kind == "NumericString":
                alphabet = alphabet or NUMERIC
            return f"text({low}, {high}, {alphabet!r}, {WIDTHS.get(kind, 4)})", "str"
        if kind == "ENUMERATED":
            names = tuple(obj._root)
            return f"enumerated({names!r}, extensible={obj._ext is not None})", "str"
        simple = {
            "BOOLEAN": ("boolean()", "bool"),
            "NULL": ("null()", "None"),
            "OBJECT IDENTIFIER": ("object_identifier()", "str"),
            "GeneralString": ("general_string()", "str"),
            "GeneralizedTime": ("general_string()", "str"),
        }
        if kind in simple:
            return simple[kind]
        if kind in ("OPEN_TYPE", "ANY"):
            # What is inside depends on another field; its octets are decoded by whoever knows.
            return "octet_string(0, None)", "bytes"
        raise NotImplementedError(f"{context}: no shape for {kind}")


def _size_bounds(obj: Any) -> tuple[int | None, int | None]:
    if obj._const_sz is not None and obj._const_sz.ext is not None:
        raise NotImplementedError(f"an extensible size {obj._const_sz!r} of {obj._name}")
    return _bounds(obj._const_sz)


def _bounds(constraint: Any, low: int | None = 0) -> tuple[int | None, int | None]:
    if constraint is None or not constraint.root:
        return low, None
    values = []
    for part in constraint.root:
        values += [part.lb, part.ub] if hasattr(part, "lb") else [part]
    least = low if None in values[:1] else min(value for value in values if value is not None)
    return least, None if None in values[1:] else max(values)
