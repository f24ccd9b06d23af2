"""Encoders and decoders of the types without components that generated code doesn't spell out itself.

`encode_X(…)` makes a function of a Writer and a value, `decode_X(…)` one of the octets and a position in bits
(h323.per.reader). Of character strings only the characters are here. Clauses are those of X.691.
"""

from __future__ import annotations

# The functions behind str.encode and bytes.decode, without the search for them, which takes longer than they do.
from codecs import utf_16_be_decode, utf_16_be_encode
from typing import Any

from h323.per.errors import DecodeError, EncodeError, outside, unfit
from h323.per.reader import Decode, above, bits, length, small
from h323.per.values import BitString
from h323.per.writer import Encode, Writer

_MOST_REMEMBERED = 256


def _encode_number(low: int, high: int) -> Encode:
    """A constrained whole number of at most two octets (11.5); its caller has checked it."""
    span = high - low + 1
    count = 16 if span > 256 else 8 if span == 256 else (span - 1).bit_length()

    def encode(writer: Writer, value: Any) -> None:
        if span >= 256:
            writer.align()
        writer.bits(value - low, count)

    return encode


def _decode_number(low: int, high: int) -> Decode:
    span = high - low + 1
    count = 16 if span > 256 else 8 if span == 256 else (span - 1).bit_length()

    def decode(data: bytes, p: int) -> tuple[int, int]:
        if span >= 256:
            p = p + 7 & ~7
        value = bits(data, p, count) + low
        if value > high:
            raise above(value, high)
        return value, p + count

    return decode


def _encode_size(low: int, high: int | None) -> Encode:
    """The count before a string (11.9); a fixed one takes no bits."""
    encode_count = Writer.length if high is None else _encode_number(low, high)

    def encode(writer: Writer, count: int) -> None:
        if count < low or (high is not None and count > high):
            raise outside(count, low, high)
        encode_count(writer, count)

    return encode


def _decode_size(low: int, high: int | None) -> Decode:
    if high is not None:
        return _decode_number(low, high)

    def decode(data: bytes, p: int) -> tuple[int, int]:
        count, p = length(data, p)
        if count < low:
            raise DecodeError(f"a length of {count}, where {low} is the least")
        return count, p

    return decode


def encode_long_integer(low: int, high: int | None) -> Encode:
    """INTEGER of more than two octets, its length before it (11.5.7.4, 11.7)."""
    encode_length = Writer.length if high is None else _encode_number(1, _octets_for(high - low))

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, int) or value < low or (high is not None and value > high):
            raise outside(value, low, high)
        octets = (value - low).to_bytes(_octets_for(value - low), "big")
        encode_length(writer, len(octets))
        writer.octets(octets)

    return encode


def decode_long_integer(low: int, high: int | None) -> Decode:
    """See `encode_long_integer`."""
    decode_length = length if high is None else _decode_number(1, _octets_for(high - low))

    def decode(data: bytes, p: int) -> tuple[int, int]:
        count, p = decode_length(data, p)
        octet = p + 7 >> 3
        value = int.from_bytes(data[octet : octet + count], "big") + low
        if high is not None and value > high:
            raise above(value, high)
        return value, octet + count << 3

    return decode


def _octets_for(number: int) -> int:
    return number.bit_length() + 7 >> 3 or 1


def encode_unconstrained_integer() -> Encode:
    """INTEGER without bounds (11.8): two's complement."""

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, int):
            raise unfit(value, "a number")
        octets = value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, "big", signed=True)
        writer.length(len(octets))
        writer.octets(octets)

    return encode


def decode_unconstrained_integer() -> Decode:
    """See `encode_unconstrained_integer`."""

    def decode(data: bytes, p: int) -> tuple[int, int]:
        count, p = length(data, p)
        return int.from_bytes(data[p >> 3 : (p >> 3) + count], "big", signed=True), p + 8 * count

    return decode


def encode_extensible_integer(low: int, high: int) -> Encode:
    """INTEGER with an extensible constraint (13.1): a bit says whether the value is outside it."""
    encode_inside, encode_outside = _encode_number(low, high), encode_unconstrained_integer()

    def encode(writer: Writer, value: Any) -> None:
        inside = isinstance(value, int) and low <= value <= high
        writer.bits(not inside, 1)
        (encode_inside if inside else encode_outside)(writer, value)

    return encode


def decode_extensible_integer(low: int, high: int) -> Decode:
    """See `encode_extensible_integer`."""
    decode_inside, decode_outside = _decode_number(low, high), decode_unconstrained_integer()

    def decode(data: bytes, p: int) -> tuple[int, int]:
        return (decode_outside if bits(data, p, 1) else decode_inside)(data, p + 1)

    return decode


def encode_bit_string(low: int, high: int | None) -> Encode:
    """BIT STRING (16), a BitString; up to 16 bits of fixed length are not aligned."""
    encode_size = _encode_size(low, high)
    packed = high is not None and high <= 16 and low == high

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, BitString) or len(value.octets) != value.length + 7 >> 3:
            raise unfit(value, "a bit string")
        encode_size(writer, value.length)
        if not packed and value.length:
            writer.align()
            if not value.length & 7:
                writer.out += value.octets
                return
        writer.bits(int.from_bytes(value.octets, "big") >> (-value.length & 7), value.length)

    return encode


def decode_bit_string(low: int, high: int | None) -> Decode:
    """See `encode_bit_string`."""
    decode_size = _decode_size(low, high)
    packed = high is not None and high <= 16 and low == high

    def decode(data: bytes, p: int) -> tuple[BitString, int]:
        count, p = decode_size(data, p)
        if not packed and count:
            p = p + 7 & ~7
        if not p & 7 and not count & 7:
            return BitString(data[p >> 3 : p + count >> 3], count), p + count
        number = bits(data, p, count) << (-count & 7)
        return BitString(number.to_bytes(count + 7 >> 3, "big"), count), p + count

    return decode


def bmp_octets(value: Any) -> bytes:
    """BMPString (30.5): 16 bits a character.

    Raises:
        EncodeError: it isn't text, or has characters outside the Basic Multilingual Plane.
    """
    if value.__class__ is not str:
        raise unfit(value, "text")
    octets, _ = utf_16_be_encode(value, "surrogatepass")
    if len(octets) != 2 * len(value):
        raise unfit(value, "text of 16-bit characters")
    return octets


def bmp_text(octets: bytes) -> str:
    """See `bmp_octets`. There are no surrogate pairs: each 16 bits are one character, whatever its value."""
    try:
        value, _ = utf_16_be_decode(octets, "strict", True)
    except UnicodeDecodeError:
        value = ""
    if 2 * len(value) == len(octets):
        return value
    return "".join([chr(int.from_bytes(octets[i : i + 2], "big")) for i in range(0, len(octets), 2)])


def ia5_octets(value: Any) -> bytes:
    """IA5String, and the other strings of at most 128 characters' repertoire (30.5).

    Raises:
        EncodeError: it isn't text, or has other characters.
    """
    if value.__class__ is not str or not value.isascii():
        raise unfit(value, "ASCII text")
    octets: bytes = value.encode("ascii")
    return octets


def ia5_text(octets: bytes) -> str:
    """See `ia5_octets`.

    Raises:
        DecodeError: there are other characters.
    """
    if not octets.isascii():
        raise DecodeError("a character outside IA5")
    return octets.decode("ascii")


class Digits:
    """The characters of a string with an alphabet of 9 to 16, such as telephone digits: four bits each (30.5.2)."""

    def __init__(self, letters: str) -> None:
        self._letters = letters
        self._to_hex = {ord(letter): f"{i:x}" for i, letter in enumerate(letters)}
        self._from_hex = {ord(f"{i:x}"): letter for i, letter in enumerate(letters)}
        self._beyond = {f"{i:x}" for i in range(len(letters), 16)}

    def number(self, value: Any) -> int:
        """The characters as one number.

        Raises:
            EncodeError: it isn't text of this alphabet.
        """
        if value.__class__ is not str or value.strip(self._letters):
            raise unfit(value, f"text of the characters {self._letters!r}")
        return int(value.translate(self._to_hex), 16)

    def text(self, number: int, count: int) -> str:
        """The characters that a number of `count` times four bits stands for.

        Raises:
            DecodeError: it has some that the alphabet hasn't.
        """
        digits = f"{number:0{count}x}"
        if not self._beyond.isdisjoint(digits):
            raise DecodeError(f"a character other than {self._letters!r}")
        return digits.translate(self._from_hex)


def encode_general_string() -> Encode:
    """GeneralString and its kind (30.6): octets behind a length, taken as Latin-1."""

    def encode(writer: Writer, value: Any) -> None:
        if not isinstance(value, str) or (value and max(value) > "\xff"):
            raise unfit(value, "text of its character set")
        writer.length(len(value))
        writer.octets(value.encode("latin-1"))

    return encode


def decode_general_string() -> Decode:
    """See `encode_general_string`."""

    def decode(data: bytes, p: int) -> tuple[str, int]:
        count, p = length(data, p)
        return data[p >> 3 : (p >> 3) + count].decode("latin-1"), p + 8 * count

    return decode


def encode_object_identifier() -> Encode:
    """OBJECT IDENTIFIER (23), dotted text; its content octets are those of BER (X.690 8.19)."""
    remembered: dict[str, bytes] = {}
    """With the octet of their length."""

    def encode(writer: Writer, value: Any) -> None:
        octets = remembered.get(value)
        if octets is None:
            octets = _oid_octets(value)
            if len(octets) > 127:
                raise EncodeError("an object identifier of more than 127 octets")
            octets = bytes((len(octets), *octets))
            if len(remembered) < _MOST_REMEMBERED:
                remembered[value] = octets
        writer.octets(octets)

    return encode


def decode_object_identifier() -> Decode:
    """See `encode_object_identifier`."""
    remembered: dict[bytes, str] = {}

    def decode(data: bytes, p: int) -> tuple[str, int]:
        octet = p + 7 >> 3
        count = data[octet]
        if count > 127:
            raise DecodeError("an object identifier of more than 127 octets")
        end = octet + 1 + count
        octets = data[octet + 1 : end]
        value = remembered.get(octets)
        if value is None:
            value = _oid_text(octets)
            if len(remembered) < _MOST_REMEMBERED:
                remembered[octets] = value
        return value, end << 3

    return decode


def _oid_octets(value: object) -> bytes:
    text = value if isinstance(value, str) and value.isascii() else ""
    arcs = [int(arc) for arc in text.split(".") if arc.isdigit()]
    if len(arcs) < 2 or ".".join(map(str, arcs)) != text or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39):
        raise EncodeError(f"{value!r:.80} is not an object identifier")
    octets = bytearray()
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        rest, groups = arc >> 7, [arc & 0x7F]
        while rest:
            groups.append(rest & 0x7F | 0x80)
            rest >>= 7
        octets += bytes(reversed(groups))
    return bytes(octets)


def _oid_text(octets: bytes) -> str:
    if not octets or octets[-1] & 0x80:
        raise DecodeError("an object identifier that is empty or ends inside an arc")
    arcs: list[int] = []
    arc, fresh = 0, True
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


def encode_enumerated(names: tuple[str, ...], extensible: bool) -> Encode:
    """ENUMERATED (14), the identifier."""
    index = {name: i for i, name in enumerate(names)}
    encode_index = _encode_number(0, len(names) - 1)

    def encode(writer: Writer, value: Any) -> None:
        if value not in index:
            raise unfit(value, f"one of {', '.join(names)}")
        if extensible:
            writer.bits(0, 1)
        encode_index(writer, index[value])

    return encode


def decode_enumerated(names: tuple[str, ...], extensible: bool) -> Decode:
    """See `encode_enumerated`; an extension value is unknown to us, None."""
    decode_index = _decode_number(0, len(names) - 1)

    def decode(data: bytes, p: int) -> tuple[str | None, int]:
        if extensible:
            p += 1
            if bits(data, p - 1, 1):
                return None, small(data, p)[1]
        index, p = decode_index(data, p)
        return names[index], p

    return decode
