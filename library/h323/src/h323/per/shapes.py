"""For each shape of type an encoder and a decoder, made once when the generated code is imported.

A shape is a pair of functions: `encode(writer, value)` raises EncodeError, `decode(reader)` raises DecodeError.
Clauses are those of X.691.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from h323.per.errors import DecodeError, EncodeError
from h323.per.reader import Reader
from h323.per.writer import Writer

Encode = Callable[[Writer, Any], None]
Decode = Callable[[Reader], Any]
Shape = tuple[Encode, Decode]


class BitString(NamedTuple):
    """A BIT STRING: its octets, the last one padded with zeros, and its length in bits."""

    octets: bytes
    length: int


def _check(value: object, low: int, high: int | None, what: str) -> int:
    if not isinstance(value, int) or value < low or (high is not None and value > high):
        raise EncodeError(f"{what} {value!r} is not within {low}..{'' if high is None else high}")
    return value


def integer(low: int | None, high: int | None) -> Shape:
    """INTEGER (11.5, 13)."""
    if low is None:
        return _unconstrained()
    if high is None or high - low >= 65_536:
        return _long_integer(low, high)
    return _short_integer(low, high)


def _short_integer(low: int, high: int) -> Shape:
    span = high - low + 1
    count = 16 if span > 256 else 8 if span == 256 else (span - 1).bit_length()
    aligned = span >= 256

    def encode(writer: Writer, value: Any) -> None:
        if value.__class__ is not int or not low <= value <= high:
            _check(value, low, high, "the number")
        if aligned:
            writer.align()
        writer.bits(value - low, count)

    def decode(reader: Reader) -> int:
        if aligned:
            reader.align()
        value = reader.bits(count) + low
        if value > high:
            raise DecodeError(f"the number {value} is above {high}")
        return value

    return encode, decode


def _long_integer(low: int, high: int | None) -> Shape:
    """A number with its length in octets before it (11.5.7.4, 11.7)."""
    most = None if high is None else ((high - low).bit_length() + 7) // 8
    encode_length, decode_length = _short_integer(1, most) if most is not None else (Writer.length, Reader.length)

    def encode(writer: Writer, value: Any) -> None:
        offset = _check(value, low, high, "the number") - low
        octets = offset.to_bytes((offset.bit_length() + 7) // 8 or 1, "big")
        encode_length(writer, len(octets))
        writer.octets(octets)

    def decode(reader: Reader) -> int:
        value = int.from_bytes(reader.octets(decode_length(reader)), "big") + low
        if high is not None and value > high:
            raise DecodeError(f"the number {value} is above {high}")
        return value

    return encode, decode


def _unconstrained() -> Shape:
    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, int):
            raise EncodeError(f"{value!r} is not a number")
        octets = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
        writer.length(len(octets))
        writer.octets(octets)

    def decode(reader: Reader) -> int:
        return int.from_bytes(reader.octets(reader.length()), "big", signed=True)

    return encode, decode


def extensible_integer(low: int, high: int) -> Shape:
    """INTEGER with an extensible constraint (13.1): a bit says whether the value is outside it."""
    encode_inside, decode_inside = integer(low, high)
    encode_outside, decode_outside = _unconstrained()

    def encode(writer: Writer, value: Any) -> None:
        inside = isinstance(value, int) and low <= value <= high
        writer.bits(not inside, 1)
        (encode_inside if inside else encode_outside)(writer, value)

    def decode(reader: Reader) -> Any:
        return decode_outside(reader) if reader.bits(1) else decode_inside(reader)

    return encode, decode


def _size(low: int, high: int | None) -> Shape:
    """The count before a string or list (11.9); a fixed one isn't written."""
    if high is None or high >= 65_536:
        return Writer.length, Reader.length
    return _short_integer(low, high)


def boolean() -> Shape:
    """BOOLEAN (12)."""
    return (lambda writer, value: writer.bits(1 if value else 0, 1)), (lambda reader: reader.bits(1) == 1)


def null() -> Shape:
    """NULL (24): no bits at all."""
    return (lambda _writer, _value: None), (lambda _reader: None)


def present() -> Shape:
    """NULL as a component of a SEQUENCE: no bits, and True where it stands."""
    return (lambda _writer, _value: None), (lambda _reader: True)


def octet_string(low: int, high: int | None) -> Shape:
    """OCTET STRING (17), bytes."""
    encode_size, decode_size = _size(low, high)
    packed = low == high and low <= 2

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, bytes):
            raise EncodeError(f"{value!r} is not bytes")
        encode_size(writer, _check(len(value), low, high, "the length"))
        if packed:
            writer.bits(int.from_bytes(value, "big"), 8 * low)
        elif value:
            writer.octets(value)

    def decode(reader: Reader) -> bytes:
        count = decode_size(reader)
        if packed:
            return reader.bits(8 * low).to_bytes(low, "big")
        if count < low:
            raise DecodeError(f"{count} octets, where {low} are the least")
        return reader.octets(count) if count else b""

    return encode, decode


def bit_string(low: int, high: int | None) -> Shape:
    """BIT STRING (16), a BitString."""
    encode_size, decode_size = _size(low, high)
    packed = high is not None and high <= 16 and low == high

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, BitString) or len(value.octets) != (value.length + 7) // 8:
            raise EncodeError(f"{value!r} is not a bit string")
        encode_size(writer, _check(value.length, low, high, "the length"))
        if not packed and value.length:
            writer.align()
        writer.bits(int.from_bytes(value.octets, "big") >> (-value.length & 7), value.length)

    def decode(reader: Reader) -> BitString:
        count = decode_size(reader)
        if not packed and count:
            reader.align()
        return BitString((reader.bits(count) << (-count & 7)).to_bytes((count + 7) // 8, "big"), count)

    return encode, decode


def text(low: int, high: int | None, alphabet: str | None, width: int) -> Shape:
    """A known-multiplier character string (30.5): `width` bits a character, or an index into a small alphabet."""
    encode_size, decode_size = _size(low, high)
    if alphabet is not None:
        return _alphabet_text(low, high, alphabet, (encode_size, decode_size))
    codec, most = ("utf-16-be", 0xFFFF) if width == 16 else ("latin-1", 0x7F)
    unaligned = high is not None and (high * width < 16 or (low == high and high * width == 16))

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, str) or (value and ord(max(value)) > most):
            raise EncodeError(f"{value!r} is not text of this type")
        encode_size(writer, _check(len(value), low, high, "the length"))
        octets = value.encode(codec, "surrogatepass")
        if unaligned:
            writer.bits(int.from_bytes(octets, "big"), 8 * len(octets))
        elif octets:
            writer.octets(octets)

    def decode(reader: Reader) -> str:
        count = decode_size(reader)
        if count < low:
            raise DecodeError(f"{count} characters, where {low} are the least")
        size = count * width // 8
        octets = reader.bits(size * 8).to_bytes(size, "big") if unaligned else reader.octets(size) if count else b""
        if width == 16:
            # BMPString knows no surrogate pairs: each 16 bits are one character, whatever its value.
            return "".join([chr(octets[i] << 8 | octets[i + 1]) for i in range(0, size, 2)])
        value = octets.decode(codec)
        if not value.isascii():
            raise DecodeError("a character outside IA5")
        return value

    return encode, decode


def _alphabet_text(low: int, high: int | None, alphabet: str, size: Shape) -> Shape:
    encode_size, decode_size = size
    letters = "".join(sorted(alphabet))
    width = 1
    while 1 << width < len(letters):
        width *= 2
    index = {letter: i for i, letter in enumerate(letters)}
    if ord(letters[-1]) < 1 << width:
        index = {letter: ord(letter) for letter in letters}
    letter_of = {i: letter for letter, i in index.items()}
    unaligned = high is not None and (high * width < 16 or (low == high and high * width == 16))

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, str) or not set(value) <= index.keys():
            raise EncodeError(f"{value!r} has characters other than {letters!r}")
        encode_size(writer, _check(len(value), low, high, "the length"))
        if value and not unaligned:
            writer.align()
        for letter in value:
            writer.bits(index[letter], width)

    def decode(reader: Reader) -> str:
        count = decode_size(reader)
        if count < low:
            raise DecodeError(f"{count} characters, where {low} are the least")
        if count and not unaligned:
            reader.align()
        try:
            return "".join([letter_of[reader.bits(width)] for _ in range(count)])
        except KeyError:
            raise DecodeError(f"a character other than {letters!r}") from None

    return encode, decode


def general_string() -> Shape:
    """GeneralString and its kind (30.6): octets behind a length, taken as Latin-1."""
    encode_octets, decode_octets = octet_string(0, None)

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, str) or (value and ord(max(value)) > 0xFF):
            raise EncodeError(f"{value!r} is not text of this type")
        encode_octets(writer, value.encode("latin-1"))

    return encode, lambda reader: decode_octets(reader).decode("latin-1")


def object_identifier() -> Shape:
    """OBJECT IDENTIFIER (23), dotted text; its content octets are those of BER (X.690 8.19)."""
    known: dict[str, bytes] = {}
    names: dict[bytes, str] = {}

    def encode(writer: Writer, value: Any) -> None:
        octets = known.get(value)
        if octets is None:
            octets = _oid_octets(value)
            if len(known) < 256:
                known[value] = octets
        writer.length(len(octets))
        writer.octets(octets)

    def decode(reader: Reader) -> str:
        octets = reader.octets(reader.length())
        name = names.get(octets)
        if name is None:
            name = _oid_name(octets)
            if len(names) < 256:
                names[octets] = name
        return name

    return encode, decode


def _oid_octets(value: object) -> bytes:
    arcs = [int(arc) for arc in value.split(".") if arc.isdigit()] if isinstance(value, str) else []
    if len(arcs) < 2 or ".".join(map(str, arcs)) != value or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39):
        raise EncodeError(f"{value!r} is not an object identifier")
    octets = bytearray()
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        octets += bytes(reversed(groups))
    return bytes(octets)


def _oid_name(octets: bytes) -> str:
    if not octets or octets[-1] & 0x80 or len(octets) > 128:
        raise DecodeError("an object identifier that ends inside an arc")
    arcs, arc, fresh = [], 0, True
    for octet in octets:
        if fresh and octet == 0x80:
            raise DecodeError("an object identifier with a padded arc")
        arc = arc << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def enumerated(names: tuple[str, ...], *, extensible: bool) -> Shape:
    """ENUMERATED (14), the identifier; extension values are unknown to us."""
    encode_index, decode_index = _short_integer(0, len(names) - 1)
    index = {name: i for i, name in enumerate(names)}

    def encode(writer: Writer, value: Any) -> None:
        if value not in index:
            raise EncodeError(f"{value!r} is not one of {', '.join(names)}")
        if extensible:
            writer.bits(0, 1)
        encode_index(writer, index[value])

    def decode(reader: Reader) -> str:
        if extensible and reader.bits(1):
            raise DecodeError(f"an unknown enumeration value {reader.small()}")
        return names[decode_index(reader)]

    return encode, decode


def sequence_of(item: Shape, low: int, high: int | None) -> Shape:
    """SEQUENCE OF (20), a tuple."""
    encode_size, decode_size = _size(low, high)
    encode_item, decode_item = item

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, tuple):
            raise EncodeError(f"{value!r} is not a tuple")
        encode_size(writer, _check(len(value), low, high, "the length"))
        for element in value:
            encode_item(writer, element)

    def decode(reader: Reader) -> tuple[Any, ...]:
        return tuple([decode_item(reader) for _ in range(decode_size(reader))])

    return encode, decode


def choice(root: Mapping[str, Shape], extension: Mapping[str, Shape] | None) -> Shape:
    """CHOICE (23), a pair of the alternative's name and its value. `extension` is None where it isn't extensible."""
    extensible = extension is not None
    encode_index, decode_index = _short_integer(0, len(root) - 1)
    roots = list(root.items())
    additions = list((extension or {}).items())
    places = {name: (i, False, shape[0]) for i, (name, shape) in enumerate(roots)}
    places |= {name: (i, True, shape[0]) for i, (name, shape) in enumerate(additions)}

    def encode(writer: Writer, value: Any) -> None:
        try:
            name, inner = value
            index, added, encode_inner = places[name]
        except (TypeError, ValueError, KeyError):
            raise EncodeError(f"{value!r} is not one of the alternatives {', '.join(places)}") from None
        if extensible:
            writer.bits(added, 1)
        if not added:
            encode_index(writer, index)
            encode_inner(writer, inner)
            return
        writer.small(index)
        writer.open_type(encode_open(encode_inner, inner))

    def decode(reader: Reader) -> tuple[str, Any]:
        if not extensible or not reader.bits(1):
            name, (_, decode_inner) = roots[decode_index(reader)]
            return name, decode_inner(reader)
        index = reader.small()
        if index >= len(additions):
            raise DecodeError(f"an unknown alternative {index} of an extended choice")
        name, (_, decode_inner) = additions[index]
        return name, decode_open(reader, decode_inner)

    return encode, decode


def encode_open(encode: Encode, value: object) -> bytes:
    """The complete encoding of a value, for an open type."""
    writer = Writer()
    encode(writer, value)
    return writer.finish()


def decode_open(reader: Reader, decode: Decode) -> Any:
    """The value inside an open type."""
    outer = reader.open()
    value = decode(reader)
    reader.close(outer)
    return value
