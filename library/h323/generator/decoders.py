"""Writes decoders.py: straight-line functions from octets and a position in bits to a value and the next position."""

from __future__ import annotations

from .source import digits, digits_name, indented, notice
from .type_tree import Choice, Component, Leaf, Sequence, SequenceOf, Tree, check_text

# What one octet, two and three hold at any offset within the first.
_ONE_BIT, _TWO_OCTETS, _THREE_OCTETS = 1, 9, 17
_INLINE = ("boolean", "present", "integer", "octet_string", "text")


def decoders_module(tree: Tree) -> str:
    """The source of the decoders."""
    return "\n".join(_Decoders(tree).lines()) + "\n"


def bit_field(target: str, count: int) -> list[str]:
    """Read `count` bits at p into a variable, without moving p."""
    mask = (1 << count) - 1
    if count == 0:
        return [f"{target} = 0"]
    if count == _ONE_BIT:
        return [f"{target} = data[p >> 3] >> (~p & 7) & 1"]
    if count <= _TWO_OCTETS:
        return ["q = p >> 3", f"{target} = (data[q] << 8 | data[q + 1]) >> ({16 - count} - (p & 7)) & {mask}"]
    if count <= _THREE_OCTETS:
        octets = "data[q] << 16 | data[q + 1] << 8 | data[q + 2]"
        return ["q = p >> 3", f"{target} = ({octets}) >> ({24 - count} - (p & 7)) & {mask}"]
    return [f"{target} = bits(data, p, {count})"]


def whole_number(target: str, low: int, high: int) -> list[str]:
    """Read a constrained whole number (X.691 11.5)."""
    span = high - low + 1
    offset = f" + {low}" if low else ""
    if span == 1:
        return [f"{target} = {low}"]
    if span < 256:
        count = (span - 1).bit_length()
        lines = [*bit_field(target, count), f"p += {count}"]
        if low:
            lines.append(f"{target} += {low}")
    elif span == 256:
        lines = ["q = p + 7 >> 3", f"{target} = data[q]{offset}", "p = q + 1 << 3"]
    else:
        lines = ["q = p + 7 >> 3", f"{target} = (data[q] << 8 | data[q + 1]){offset}", "p = q + 2 << 3"]
    if span & (span - 1) or 256 < span < 65_536:
        lines += [f"if {target} > {high}:", f"    raise above({target}, {high})"]
    return lines


def count_of(target: str, low: int, high: int | None) -> list[str]:
    """Read the count before a list."""
    if high is not None and high < 65_536:
        return whole_number(target, low, high)
    lines = [
        "q = p + 7 >> 3",
        f"{target} = data[q]",
        f"if {target} > 127:",
        f"    {target}, q = long_length(data, q)",
        "p = q + 1 << 3",
    ]
    if low:
        lines += [f"if {target} < {low}:", f"    raise DecodeError(f'{{{target}}} items, where {low} are the least')"]
    return lines


def string(low: int, high: int | None, reading: list[str], nothing: str) -> list[str]:
    """Read the count of a string's parts, and by `reading` those, which begin at the octet q."""
    lines = count_of("count", low, high)
    if high is not None and high - low < 255:
        # The string is aligned, its count isn't; an empty string isn't either (X.691 11.9.3.3).
        aligned = ["q = p + 7 >> 3", *reading]
        return [*lines, *aligned] if low else [*lines, "if count:", *indented(aligned), "else:", f"    {nothing}"]
    octets = 2 if high is not None and high - low >= 256 and high < 65_536 else 1
    return [*(line for line in lines if line != f"p = q + {octets} << 3"), f"q += {octets}", *reading]


class _Decoders:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._recursive = tree.recursive()

    def lines(self) -> list[str]:
        types = self._tree.types.values()
        lines = [
            notice("Aligned PER to values: d_X(data, p) is the value at the bit p and the bit behind it."),
            "from __future__ import annotations",
            "",
            "from typing import Any",
            "",
            "from h323.asn1 import types",
            "from h323.per import primitives",
            "from h323.per.errors import DecodeError",
            "from h323.per.reader import (",
            "    above, addition, bits, check_depth, d_null, extensions, long_length, no_alternative, open_boolean,",
            "    open_type, skip, unknown_value,",
            ")",
            "from h323.per.values import under_construction",
            "",
            *(f"_{one.name} = under_construction(types.{one.name})" for one in types if isinstance(one, Sequence)),
            "",
            *digits(self._tree),
        ]
        for found in types:
            lines += self._definition(found)
        lines.append("")
        for found in types:
            if isinstance(found, Choice):
                lines += self._tables(found)
        return lines

    def _definition(self, found: Sequence | Choice | SequenceOf | Leaf) -> list[str]:
        if isinstance(found, Leaf) and found.kind == "null":
            return ["", "", f"d_{found.name} = d_null"]
        if isinstance(found, Leaf) and found.kind not in _INLINE:
            arguments = ", ".join(map(repr, found.arguments))
            return ["", "", f"d_{found.name} = primitives.decode_{found.kind}({arguments})"]
        depth = ", depth: int = 0" if found.name in self._recursive else ""
        kind = "Any"
        if isinstance(found, Sequence):
            kind, body = f"types.{found.name}", self._sequence(found)
        elif isinstance(found, Choice):
            body = self._choice(found)
        elif isinstance(found, SequenceOf):
            body = self._sequence_of(found)
        else:
            kind, body = found.python, [*self._into("value", found.name), "return value, p"]
        return ["", "", f"def d_{found.name}(data: bytes, p: int{depth}) -> tuple[{kind}, int]:", *indented(body)]

    def _depth(self, name: str, depth: str = "depth") -> str:
        """What a function of a recursive type says when it calls that of another."""
        return f", {depth}" if name in self._recursive else ""

    def _into(self, target: str, name: str, caller: str = "") -> list[str]:
        """Read a value of the type, inline where that is short."""
        found = self._tree.types[name]
        if isinstance(found, Leaf) and found.kind == "boolean":
            return [f"{target} = data[p >> 3] >> (~p & 7) & 1 == 1", "p += 1"]
        if isinstance(found, Leaf) and found.kind == "present":
            return [f"{target} = True"]
        if isinstance(found, Leaf) and found.kind == "integer":
            return self._number(target, found)
        if isinstance(found, Leaf) and found.kind == "octet_string":
            return _octets(target, *found.arguments)
        if isinstance(found, Leaf) and found.kind == "text" and not caller:
            return _text(target, digits_name(found), *found.arguments)
        depth = self._depth(name) if caller in self._recursive else ""
        return [f"{target}, p = d_{name}(data, p{depth})"]

    def _number(self, target: str, found: Leaf) -> list[str]:
        low, high = found.arguments
        return [*whole_number("number", low, high), f"{target} = number"]

    def _may_be_unknown(self, name: str) -> bool:
        found = self._tree.types[name]
        if isinstance(found, Choice):
            return found.additions is not None
        return isinstance(found, Leaf) and found.kind == "enumerated" and bool(found.arguments[1])

    def _sequence(self, found: Sequence) -> list[str]:
        optional = [one for one in found.root if one.optional]
        head = len(optional) + found.extensible
        lines = [f"value: Any = _{found.name}()"]
        if head:
            lines += [*bit_field("head", head), f"p += {head}"]
        for one in found.root:
            reading = self._into(f"value.{one.name}", one.type, found.name)
            if one.optional:
                flag = 1 << len(optional) - 1 - optional.index(one)
                lines += [f"if head & {flag}:", *indented(reading), "else:", f"    value.{one.name} = None"]
            else:
                lines += reading
                if self._may_be_unknown(one.type):
                    lines += [f"if value.{one.name} is None:", f'    raise unknown_value("{one.name}")']
        if found.extensible:
            lines += self._additions(found, 1 << len(optional))
        return [*lines, f"value.__class__ = types.{found.name}", "return value, p"]

    def _additions(self, found: Sequence, flag: int) -> list[str]:
        names = "".join(f"value.{one.name} = " for one in found.additions)
        lines = [names + "None"] if names else []
        known = len(found.additions)
        inner = [f"additions, unknown, p = extensions(data, p, {known})"]
        for i, one in enumerate(found.additions):
            inner += [f"if additions & {1 << known - 1 - i}:", f"    {self._opened(found, one)}"]
        return [*lines, f"if head & {flag}:", *indented([*inner, "if unknown:", "    p = skip(data, p, unknown)"])]

    def _opened(self, found: Sequence, one: Component) -> str:
        inner = self._tree.types[one.type]
        if isinstance(inner, Leaf) and inner.kind == "boolean":
            return f"value.{one.name}, p = open_boolean(data, p)"
        if isinstance(inner, Leaf) and inner.kind == "present":
            return f"value.{one.name}, p = True, skip(data, p, 1)"
        depth = self._depth(one.type) if found.name in self._recursive else ""
        return f"value.{one.name}, p = open_type(data, p, d_{one.type}{depth})"

    def _sequence_of(self, found: SequenceOf) -> list[str]:
        item = found.item
        lines = [*count_of("count", found.low, found.high), "values = []", "for _ in range(count):"]
        lines += indented(self._into("value", item, found.name))
        if self._may_be_unknown(item):
            lines += ["    if value is not None:", "        values.append(value)"]
            if found.low:
                lines += [f"if len(values) < {found.low}:", f'    raise unknown_value("{item}")']
        else:
            lines.append("    values.append(value)")
        return [*lines, "return tuple(values), p"]

    def _choice(self, found: Choice) -> list[str]:
        width = (len(found.root) - 1).bit_length()
        head = width + (found.additions is not None)
        lines = ["check_depth(depth)"] if found.name in self._recursive else []
        lines += bit_field("index", head)
        if found.additions is not None:
            lines += [f"if index & {1 << width}:", f"    return addition(data, p + 1, {found.name}_ADDITIONS)"]
        lines.append(f"p += {head}")
        for i, (key, inner) in enumerate(found.root):
            if inner in self._recursive and found.name in self._recursive:
                lines += [f"if index == {i}:", f"    value, p = d_{inner}(data, p, depth + 1)"]
                lines.append(f'    return ("{key}", value), p')
        count = len(found.root)
        if count < 1 << width:
            lines += [f"if index >= {count}:", f"    raise no_alternative(index, {count})"]
        if self._only_nulls(found):
            return [*lines, f"return {found.name}_ROOT[index], p"]
        lines += [f"name, decode = {found.name}_ROOT[index]", "value, p = decode(data, p)"]
        if any(self._may_be_unknown(inner) for _, inner in found.root):
            lines += ["if value is None and decode is not d_null:", "    raise unknown_value(name)"]
        return [*lines, "return (name, value), p"]

    def _only_nulls(self, found: Choice) -> bool:
        """Whether the root's alternatives have no values, like those of reasons: the pairs are always the same."""
        types = [self._tree.types[inner] for _, inner in found.root]
        return all(isinstance(one, Leaf) and one.kind == "null" for one in types)

    def _tables(self, found: Choice) -> list[str]:
        values = ["None" if self._only_nulls(found) else f"d_{inner}" for _, inner in found.root]
        pairs = [f'    ("{key}", {value}),' for (key, _), value in zip(found.root, values, strict=True)]
        lines = ["", f"{found.name}_ROOT: Any = (", *pairs, ")"]
        if found.additions is not None:
            lines += [f"{found.name}_ADDITIONS: tuple[Any, ...] = ("]
            lines += [*(f'    ("{key}", d_{inner}),' for key, inner in found.additions), ")"]
        return lines


def _octets(target: str, low: int, high: int | None) -> list[str]:
    """OCTET STRING (X.691 17); up to two octets of fixed length are not aligned."""
    if low == high and low <= 2:
        return [*bit_field("number", 8 * low), f"p += {8 * low}", f'{target} = number.to_bytes({low}, "big")']
    if low == high:
        return ["q = p + 7 >> 3", f"p = q + {low} << 3", f"{target} = data[q:q + {low}]"]
    return string(low, high, ["p = q + count << 3", f"{target} = data[q:q + count]"], f'{target} = b""')


def _text(target: str, alphabet_name: str, low: int, high: int | None, alphabet: str | None, width: int) -> list[str]:
    """A known-multiplier character string (X.691 30.5)."""
    check_text(low, high, alphabet, width)
    if alphabet:
        assert low, "an empty string has no digits"
        reading = ["number = bits(data, q << 3, 4 * count)", "p = (q << 3) + 4 * count"]
        reading.append(f"{target} = {alphabet_name}.text(number, count)")
    elif width == 16:
        reading = ["p = q + 2 * count << 3", f"{target} = primitives.bmp_text(data[q:p >> 3])"]
    else:
        reading = ["p = q + count << 3", f"{target} = primitives.ia5_text(data[q:p >> 3])"]
    return string(low, high, reading, f'{target} = ""')
