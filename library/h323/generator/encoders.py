"""Writes encoders.py: straight-line functions that put a value into a Writer."""

from __future__ import annotations

from .source import digits, digits_name, indented, notice
from .type_tree import Choice, Component, Leaf, Sequence, SequenceOf, Tree, check_text

_ALIGN = ("if w.count:", "    w.align()")
_INLINE = ("boolean", "present", "null", "integer", "octet_string", "text")


def encoders_module(tree: Tree) -> str:
    """The source of the encoders."""
    lines = [
        notice("Values to aligned PER: e_X(w, value) puts a value into the Writer w."),
        "from __future__ import annotations",
        "",
        "from typing import Any",
        "",
        "from h323.asn1 import types",
        "from h323.per import primitives",
        "from h323.per.errors import EncodeError, outside, unfit",
        "from h323.per.writer import Writer, add_alternative",
        "",
        *digits(tree),
    ]
    for found in tree.types.values():
        lines += _definition(tree, found)
    lines.append("")
    for found in tree.types.values():
        if isinstance(found, Choice):
            lines += _tables(found)
    return "\n".join(lines + _messages(tree)) + "\n"


def _bits(value: str, count: int) -> list[str]:
    return [f"w.pending = w.pending << {count} | {value}", f"w.count += {count}"]


def whole_number(value: str, low: int, high: int) -> list[str]:
    """Put a constrained whole number (X.691 11.5), of which is known that it is within its bounds."""
    span = high - low + 1
    offset = f"({value} - {low})" if low else value
    if span == 1:
        return []
    if span < 256:
        return _bits(offset, (span - 1).bit_length())
    return [*_ALIGN, f'w.out += {offset}.to_bytes({1 if span == 256 else 2}, "big")']


def count_of(value: str, low: int, high: int | None) -> list[str]:
    """Put the count before a string or list."""
    if high is None:
        check = [f"if {value} < {low}:", f"    raise outside({value}, {low}, None)"] if low else []
        short = [*_ALIGN, f"w.out.append({value})"]
        return [*check, f"if {value} < 128:", *indented(short), "else:", f"    w.length({value})"]
    check = [f"if not {low} <= {value} <= {high}:", f"    raise outside({value}, {low}, {high})"]
    return [*check, *whole_number(value, low, high)]


def _definition(tree: Tree, found: Sequence | Choice | SequenceOf | Leaf) -> list[str]:
    if isinstance(found, Leaf) and found.kind not in _INLINE:
        return ["", "", f"e_{found.name} = primitives.encode_{found.kind}({', '.join(map(repr, found.arguments))})"]
    if isinstance(found, Sequence):
        body = _sequence(tree, found)
    elif isinstance(found, Choice):
        body = _choice(found)
    elif isinstance(found, SequenceOf):
        body = _sequence_of(tree, found)
    else:
        body = _from(tree, "value", found.name) or ["return"]
    if isinstance(found, Leaf) and found.kind == "text":
        body = _text(digits_name(found), *found.arguments)
    return ["", "", f"def e_{found.name}(w: Writer, value: Any) -> None:", *indented(body)]


def _from(tree: Tree, value: str, name: str) -> list[str]:
    """Put a value of the type, inline where that is short."""
    found = tree.types[name]
    kind = found.kind if isinstance(found, Leaf) else ""
    if not isinstance(found, Leaf) or kind not in _INLINE or kind == "text":
        return [f"e_{name}(w, {value})"]
    if kind == "boolean":
        return [f"if {value}.__class__ is not bool:", f"    raise unfit({value}, 'a boolean')", *_bits(value, 1)]
    if kind == "present":
        return [f"if {value} is not True:", f"    raise unfit({value}, 'True')"]
    if kind == "null":
        return [f"if {value} is not None:", f"    raise unfit({value}, 'None')"]
    if kind == "integer":
        low, high = found.arguments
        check = [f"if not {low} <= number <= {high}:", f"    raise outside(number, {low}, {high})"]
        return [f"number = {value}", *check, *whole_number("number", low, high)]
    return _octets(value, *found.arguments)


def _octets(value: str, low: int, high: int | None) -> list[str]:
    lines = [f"octets = {value}", "if octets.__class__ is not bytes:", "    raise unfit(octets, 'bytes')"]
    if (low, high) == (0, None):
        return [*lines, "w.length(len(octets))", "w.out += octets"]
    lines += ["count = len(octets)", *count_of("count", low, high)]
    if low == high and low <= 2:
        return [*lines, *_bits('int.from_bytes(octets, "big")', 8 * low)]
    return [*lines, *_ALIGN, "w.out += octets"]


def _text(alphabet_name: str, low: int, high: int | None, alphabet: str | None, width: int) -> list[str]:
    """A known-multiplier character string (X.691 30.5)."""
    check_text(low, high, alphabet, width)
    put = "w.out += octets"
    if alphabet:
        convert = f"number = {alphabet_name}.number(value)"
        put = "w.bits(number, 4 * count)"
    else:
        convert = f"octets = primitives.{'bmp' if width == 16 else 'ia5'}_octets(value)"
    counting = [convert, "count = len(value)", *count_of("count", low, high)]
    return [*counting, *_ALIGN, put] if low else [*counting, "if count:", *indented([*_ALIGN, put])]


def _bitmap(target: str, components: list[Component], signed: Component | None, start: str = "0") -> list[str]:
    """Say in a number which components are there, the last one in the lowest bit: a test each is the fastest way."""
    lines = [f"{target} = {start}"]
    for i, one in enumerate(components):
        lines += [f"if {_present(one, signed)}:", f"    {target} |= {1 << len(components) - 1 - i}"]
    return lines


def _present(one: Component, signed: Component | None) -> str:
    there = f"value.{one.name} is not None"
    return f"{there} or w.crypto_tokens is not None" if one is signed else there


def _crypto_tokens(tree: Tree, found: Sequence) -> Component | None:
    """A RAS message's own cryptoTokens, which may be encoded beforehand; not those of what stands inside it."""
    messages = tree.types["RasMessage"]
    if not isinstance(messages, Choice):
        raise TypeError("RasMessage is not a CHOICE")
    if found.name not in {inner for _, inner in [*messages.root, *(messages.additions or [])]}:
        return None
    return next((one for one in [*found.root, *found.additions] if one.name == "crypto_tokens"), None)


def _putting(one: Component, putting: list[str], signed: Component | None, *, open_type: bool) -> list[str]:
    """Put an optional component; crypto tokens that were encoded beforehand go before the value's own."""
    if one is not signed:
        return [f"if value.{one.name} is not None:", *indented(putting)]
    ready = ["if w.crypto_tokens is not None:", f"    w.put_crypto_tokens(open_type={open_type})"]
    return [*ready, f"elif value.{one.name} is not None:", *indented(putting)]


def _sequence(tree: Tree, found: Sequence) -> list[str]:
    lines = [f"if value.__class__ is not types.{found.name}:", f"    raise unfit(value, '{found.name}')"]
    signed = _crypto_tokens(tree, found)
    optional = [one for one in found.root if one.optional]
    if found.additions:
        lines += _bitmap("additions", found.additions, signed)
    start = f"{1 << len(optional)} if additions else 0" if found.additions else "0"
    bits: list[tuple[str, int]] = []
    if optional:
        lines += _bitmap("head", optional, signed, start)
        bits.append(("head", len(optional) + found.extensible))
    elif found.extensible:
        bits.append((f"({start})", 1))
    for one in found.root:
        if not one.optional and _is_boolean(tree, one):
            # Flags that follow each other are put at once.
            lines += [f"if value.{one.name}.__class__ is not bool:", f"    raise unfit(value.{one.name}, 'a boolean')"]
            bits.append((f"value.{one.name}", 1))
            continue
        lines += _put_bits(bits)
        bits = []
        putting = _from(tree, f"value.{one.name}", one.type)
        lines += _putting(one, putting, signed, open_type=False) if one.optional else putting
    lines += _put_bits(bits)
    if found.additions:
        lines += _additions(tree, found.additions, signed)
    return _without_needless_alignment(lines)


def _is_boolean(tree: Tree, one: Component) -> bool:
    found = tree.types[one.type]
    return isinstance(found, Leaf) and found.kind == "boolean"


def _put_bits(fields: list[tuple[str, int]]) -> list[str]:
    """Put bit fields that follow each other, by one addition to what is pending."""
    if not fields:
        return []
    total = sum(count for _, count in fields)
    rest, parts = total, []
    for value, count in fields:
        rest -= count
        parts.append(f"{value} << {rest}" if rest else value)
    return _bits(" | ".join(parts), total)


_UNALIGNING = ("w.pending", "w.bits", "e_", "encode(")


def _without_needless_alignment(lines: list[str]) -> list[str]:
    """Leave out alignments where whole octets have just been put."""
    kept: list[str] = []
    depth: int | None = None
    """How far to the right the line stands that made the writer aligned; None where it isn't known to be."""
    for line in lines:
        here = len(line) - len(line.lstrip())
        if depth is not None and (here < depth or any(text in line for text in _UNALIGNING)):
            depth = None
        needless = depth is not None and line.strip() in map(str.strip, _ALIGN)
        if line.strip().startswith("w.out +="):
            depth = here
        if not needless:
            kept.append(line)
    return kept


def _additions(tree: Tree, additions: list[Component], signed: Component | None) -> list[str]:
    known = len(additions)
    lines = ["if not additions:", "    return"]
    # The bitmap's length is a normally small one (X.691 19.8, 11.9.3.4): seven bits up to 64 additions.
    assert known <= 64
    lines += _bits(f"{known - 1 << known} | additions", 7 + known)
    for one in additions:
        lines += _putting(one, [_opening(tree, one)], signed, open_type=True)
    return lines


def _opening(tree: Tree, one: Component) -> str:
    found = tree.types[one.type]
    if isinstance(found, Leaf) and found.kind in ("boolean", "present"):
        return f"w.open_{found.kind}(value.{one.name})"
    return f"w.open_type(e_{one.type}, value.{one.name})"


def _sequence_of(tree: Tree, found: SequenceOf) -> list[str]:
    return [
        "if value.__class__ is not tuple:",
        "    raise unfit(value, 'a tuple')",
        "length = len(value)",
        *count_of("length", found.low, found.high),
        "for item in value:",
        *indented(_from(tree, "item", found.item)),
    ]


def _choice(found: Choice) -> list[str]:
    width = (len(found.root) - 1).bit_length() + (found.additions is not None)
    additions = f"{found.name}_ADDITIONS" if found.additions is not None else "{}"
    return [
        "name, inner = value",
        f"place = {found.name}_ROOT.get(name)",
        "if place is None:",
        f"    return add_alternative(w, {additions}, value, '{found.name}')",
        "index, encode = place",
        *(_bits("index", width) if width else []),
        "encode(w, inner)",
        "return None",
    ]


def _tables(found: Choice) -> list[str]:
    lines = ["", f"{found.name}_ROOT: dict[str, Any] = {{"]
    lines += [*(f'    "{key}": ({i}, e_{inner}),' for i, (key, inner) in enumerate(found.root)), "}"]
    if found.additions is not None:
        lines += [f"{found.name}_ADDITIONS: dict[str, Any] = {{"]
        lines += [*(f'    "{key}": ({i}, e_{inner}),' for i, (key, inner) in enumerate(found.additions)), "}"]
    return lines


def _messages(tree: Tree) -> list[str]:
    ras = tree.types["RasMessage"]
    if not isinstance(ras, Choice):
        raise TypeError("RasMessage is not a CHOICE")
    lines = ["", "RAS_MESSAGES: dict[type[Any], str] = {"]
    for key, inner in [*ras.root, *(ras.additions or [])]:
        kind = f"types.{inner}" if isinstance(tree.types[inner], Sequence) else "tuple"
        lines.append(f'    {kind}: "{key}",')
    return [*lines, "}"]
