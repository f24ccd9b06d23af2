"""A second compiler, from the standard's own text, makes the same octets of the same values, and we read all of its."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from h323.asn1.encoders import e_RasMessage
from h323.asn1.schema import TYPES
from h323.per.schema import Choice, Component, Sequence
from h323.per.values import Value
from h323.per.writer import Writer
from h323.ras import DecodeError, RasMessage, decode, decode_clear_token, encode, encode_clear_token

from .erlang.compiler import H235, RAS, build, encodings, reencodings
from .erlang.samples import Sample, Sampler

SIZES = ((0, 0.0), (5, 0.5), (20, 0.2), (40, 0.5), (80, 0.9), (150, 0.3), (300, 1.0))


@pytest.fixture(scope="module", autouse=True)
def _erlang() -> None:
    reason = build()
    if reason is not None:
        pytest.fail(reason, pytrace=False)


def samples(sampler: Sampler, root: str, rounds: int) -> Iterator[Sample]:
    yield from sampler.directed(root)
    for _ in range(rounds):
        for budget, density in SIZES:
            yield sampler.sample(root, budget, density)


def message(sample: Sample) -> RasMessage:
    """Ours is the message without its alternative's name."""
    value: RasMessage = sample.value[1]
    return value


def by_erlang(version: str, made: list[Sample], folder: Path) -> list[bytes]:
    return encodings(version, RAS, "RasMessage", [one.term for one in made], folder)


def test_every_message_and_type_has_the_same_octets(tmp_path: Path) -> None:
    sampler = Sampler(4)
    made = list(samples(sampler, "RasMessage", 500))
    assert sampler.reachable("RasMessage") <= sampler.seen.keys()
    for sample, octets in zip(made, by_erlang("7", made, tmp_path), strict=True):
        assert encode(message(sample)).hex() == octets.hex(), sample.value
        assert decode(octets) == message(sample)


def test_every_clear_token_has_the_same_octets(tmp_path: Path) -> None:
    sampler = Sampler(5)
    made = list(samples(sampler, "ClearToken", 30))
    assert sampler.reachable("ClearToken") <= sampler.seen.keys()
    theirs = encodings("7", H235, "ClearToken", [one.term for one in made], tmp_path)
    for sample, octets in zip(made, theirs, strict=True):
        assert encode_clear_token(sample.value).hex() == octets.hex(), sample.value
        assert decode_clear_token(octets) == sample.value


def opened(value: Any) -> Any:
    """The value with what open types hold read, too: what counts of it is its value, not the version that it is of."""
    if isinstance(value, tuple):
        return tuple(map(opened, value))
    if not isinstance(value, Value):
        return value
    fields = {name: opened(getattr(value, name)) for name in value.__slots__}
    if "to_be_signed" in fields and type(value).__name__ != "H235KeyCertProtectedKey":
        fields["to_be_signed"] = opened(decode_clear_token(fields["to_be_signed"]))
    return type(value), fields


@pytest.mark.parametrize("keep", [0, 2, 6])
def test_messages_of_an_earlier_version_have_the_same_value(tmp_path: Path, keep: int) -> None:
    sampler = Sampler(keep, keep=keep)
    made = list(samples(sampler, "RasMessage", 20))
    for sample, octets in zip(made, by_erlang(str(keep), made, tmp_path), strict=True):
        assert opened(decode(octets)) == opened(message(sample)), octets.hex()


def test_messages_of_a_later_version_have_the_same_value(tmp_path: Path) -> None:
    sampler = Sampler(8, newer=True)
    made = list(samples(sampler, "RasMessage", 20))
    for sample, octets in zip(made, by_erlang("newer", made, tmp_path), strict=True):
        assert opened(decode(octets)) == opened(message(sample)), octets.hex()


def additions_of_messages() -> dict[str, tuple[Component, ...]]:
    messages = TYPES["RasMessage"]
    assert isinstance(messages, Choice)
    types = {name: TYPES[inner] for name, inner in messages.root}
    return {name: one.additions for name, one in types.items() if isinstance(one, Sequence) and one.additions}


def without_additions(value: Any, additions: tuple[Component, ...]) -> Any:
    return replace(value, **{part.attribute: None for part in additions})


def root_size(name: str, value: Any) -> int:
    """How many bits the message takes without its extension additions."""
    writer = Writer()
    e_RasMessage(writer, (name, value))
    return 8 * len(writer.out) + writer.count


def with_bitmap(octets: bytes, start: int, known: int, size: int) -> bytes:
    """The message with an extension bitmap of another size; at the bit `start` is the size of the one it has."""
    bits = f"{int.from_bytes(octets, 'big'):0{8 * len(octets)}b}"
    bitmap = bits[start + 7 : start + 7 + known].ljust(size, "0")
    assert "1" not in bitmap[size:]
    if size <= 64:
        head = f"{bits[:start]}{size - 1:07b}{bitmap[:size]}"
    else:
        head = f"{bits[:start]}1"
        head = f"{head}{'0' * (-len(head) % 8)}{size:08b}{bitmap}"
    head += "0" * (-len(head) % 8)
    return int(head, 2).to_bytes(len(head) // 8, "big") + octets[(start + 7 + known + 7) // 8 :]


def test_extension_bitmaps_of_any_size_have_the_same_value(tmp_path: Path) -> None:
    """Some stacks trim its trailing zeros; others' versions have more additions than ours."""
    sampler = Sampler(9)
    additions = additions_of_messages()
    made = [one for one in samples(sampler, "RasMessage", 20) if one.value[0] in additions]
    sizes = set()
    for sample, octets in zip(made, by_erlang("7", made, tmp_path), strict=True):
        name, value = sample.value
        present = [i for i, part in enumerate(additions[name]) if getattr(value, part.attribute) is not None]
        if present:
            known, start = len(additions[name]), root_size(name, without_additions(value, additions[name]))
            for size in {*range(present[-1] + 1, known + 3), 64, 65, 127}:
                assert decode(with_bitmap(octets, start, known, size)) == value
                sizes.add((name, size - known))
    assert len(sizes) > 300


def spoilt(chance: random.Random, octets: bytes) -> bytes:
    changed = bytearray(octets)
    for _ in range(chance.choice((1, 1, 2, 4))):
        changed[chance.randrange(len(changed))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(changed)


def has_open_type(value: Any) -> bool:
    """Whether a SIGNED{} is in the value: Erlang looks into what it signs, and makes it anew."""
    if isinstance(value, Value):
        return "to_be_signed" in value.__slots__ or any(has_open_type(getattr(value, name)) for name in value.__slots__)
    return isinstance(value, tuple) and any(map(has_open_type, value))


def test_whatever_octets_both_read_have_the_same_value(tmp_path: Path) -> None:
    sampler, chance = Sampler(10), random.Random(10)
    good = [encode(message(one)) for one in samples(sampler, "RasMessage", 20)]
    mutated = [spoilt(chance, octets) for octets in good for _ in range(4)]
    compared = 0
    for octets, theirs in zip(mutated, reencodings(RAS, "RasMessage", mutated, tmp_path), strict=True):
        try:
            ours = decode(octets)
        except DecodeError:
            continue
        if theirs is not None and not has_open_type(ours):
            assert encode(ours).hex() == theirs.hex(), octets.hex()
            compared += 1
    assert compared > 1_000
