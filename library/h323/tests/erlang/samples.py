"""Values of every ASN.1 type of the codec, each as ours and as Erlang's term."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from operator import eq
from typing import Any, NamedTuple

from h323.asn1 import types as python_types
from h323.asn1.schema import TYPES
from h323.per.schema import Choice, Component, Leaf, Schema, Sequence, SequenceOf, Type
from h323.per.values import BitString
from h323.ras import encode_clear_token

from .term import ABSENT, FALSE, NULL, TRUE, Atom, Bits, Term

UNKNOWN = 2
"""Extension additions that each SEQUENCE of the version "newer" has and we don't know."""
OIDS = ("0.0.8.2250.0.7", "0.0.8.235.0.2.1", "1.3.101.112", "2.999.3", "1.39", "0.0", "2.16383.16384.4294967295")
BMP = "aZ09 .@\0\x7f\xe9\u0416\u4e2d\ud800\udfff\ufeff\uffff"


class Sample(NamedTuple):
    """One value, twice."""

    value: Any
    term: Term


class Sampler:
    """Makes values that favour what earlier ones hadn't.

    `keep` is how many extension additions each type keeps (None for all), `newer` adds unknown ones.
    """

    def __init__(self, seed: int, *, keep: int | None = None, newer: bool = False) -> None:
        self._types = {name: _of_version(one, keep) for name, one in TYPES.items()}
        self.seen: Counter[tuple[str, object]] = Counter()
        self._chance = random.Random(seed)
        self._newer = newer
        self._costs = _costs(self._types)
        self._route: dict[str, object] = {}
        self._forced: dict[str, Callable[[str], bool]] = {}
        self._budget = 0
        self._density = 0.0

    def sample(self, root: str, budget: int, density: float) -> Sample:
        """A value of about `budget` parts, in which an optional component is there with probability `density`."""
        self._budget, self._density = budget, density
        self._route, self._forced = {}, {}
        return self._make(root)

    def directed(self, root: str) -> Iterator[Sample]:
        """For every type within `root`: all of its optional components, none, and each alone; each alternative."""
        routes = self._routes(root)
        for name, route in routes.items():
            for wanted in _wishes(self._types[name]):
                self._budget, self._density = 0, 0.0
                self._route, self._forced = dict(route), {name: wanted}
                yield self._make(root)

    def reachable(self, root: str) -> set[tuple[str, object]]:
        """Everything that `seen` can come to contain."""
        found: set[tuple[str, object]] = set()
        for name in self._routes(root):
            one = self._types[name]
            if isinstance(one, Sequence):
                optional = [part.name for part in (*one.root, *one.additions) if part.optional or part in one.additions]
                found |= {(name, (part, there)) for part in optional for there in (True, False)}
            elif isinstance(one, Choice):
                found |= {(name, key) for key, _ in _alternatives(one)}
            elif isinstance(one, Leaf) and one.kind == "enumerated":
                found |= {(name, key) for key in _names(one)}
        return found

    def _routes(self, root: str) -> dict[str, dict[str, object]]:
        """For each type below the root, which component of which type leads to it."""
        routes: dict[str, dict[str, object]] = {root: {}}
        waiting = [root]
        while waiting:
            name = waiting.pop(0)
            for step, inner in _steps(self._types[name]):
                if inner not in routes:
                    routes[inner] = {**routes[name], name: step}
                    waiting.append(inner)
        return routes

    def _make(self, name: str) -> Sample:
        self._budget -= 1
        one = self._types[name]
        if isinstance(one, Sequence):
            return self._sequence(name, one)
        if isinstance(one, Choice):
            return self._choice(name, one)
        if isinstance(one, SequenceOf):
            return self._sequence_of(name, one)
        if one.kind == "enumerated":
            return self._enumerated(name, _names(one))
        made: Sample = getattr(self, f"_{one.kind}")(*one.arguments)
        return made

    def _there(self, name: str, part: Component, step: object) -> bool:
        if step == part.name:
            return True
        if name in self._forced:
            return self._forced[name](part.name)
        return self._budget > 0 and self._chance.random() < self._density

    def _sequence(self, name: str, one: Sequence) -> Sample:
        step = self._route.pop(name, None)
        fields: dict[str, Any] = {}
        terms: list[Term] = [Atom("r")]
        for part in (*one.root, *one.additions):
            if part.optional or part in one.additions:
                there = self._there(name, part, step)
                self.seen[name, (part.name, there)] += 1
                if not there:
                    terms.append(ABSENT)
                    continue
            made = self._part(name, part)
            fields[part.attribute] = made.value
            terms.append(made.term)
        if one.extensible and self._newer:
            terms += self._unknown()
        return Sample(getattr(python_types, name)(**fields), tuple(terms))

    def _part(self, name: str, part: Component) -> Sample:
        if part.name != "toBeSigned":
            return self._make(part.type)
        if name == "H235KeyCertProtectedKey":
            return self._key_signed_material()
        # The open type holds a ClearToken, which Erlang puts there itself.
        made = self._make("ClearToken")
        return Sample(encode_clear_token(made.value), made.term)

    def _key_signed_material(self) -> Sample:
        """KeySignedMaterial (H.235.0) is no type of ours: generalId "a", mrandom 1, encrptval with everything empty."""
        params = self._types["Params"]
        assert isinstance(params, Sequence)
        absent = len(params.root) + len(params.additions) + UNKNOWN * self._newer
        encrypted = (Atom("r"), (0, 0), (Atom("r"), *[ABSENT] * absent), b"")
        octets = bytes.fromhex("00000061010101000000")
        return Sample(octets, (Atom("r"), [(0, 0, 0, 97)], 1, ABSENT, ABSENT, encrypted))

    def _unknown(self) -> list[Term]:
        octets: Term = self._chance.randbytes(self._chance.choice((0, 1, 130))) if self._likely() else ABSENT
        return [octets, self._chance.choice((TRUE, FALSE)) if self._likely() else ABSENT]

    def _likely(self) -> bool:
        return self._chance.random() < 0.3

    def _choice(self, name: str, one: Choice) -> Sample:
        alternatives = _alternatives(one)
        step = self._route.pop(name, None)
        wanted = self._forced.get(name)
        if step is not None:
            key, inner = next(pair for pair in alternatives if pair[0] == step)
        elif wanted is not None:
            key, inner = next(pair for pair in alternatives if wanted(pair[0]))
            del self._forced[name]
        elif self._budget <= 0:
            key, inner = min(alternatives, key=lambda pair: self._costs[pair[1]])
        else:
            self._chance.shuffle(alternatives)
            key, inner = min(alternatives, key=lambda pair: self.seen[name, pair[0]])
        self.seen[name, key] += 1
        made = self._make(inner)
        return Sample((key, made.value), (Atom(key), made.term))

    def _sequence_of(self, name: str, one: SequenceOf) -> Sample:
        count = low = one.low
        if self._route.pop(name, None) is not None:
            count = max(1, low)
        elif self._budget > 0:
            most = 300 if self._costs[one.item] == 1 and self._chance.random() < 0.02 else 3
            count = self._chance.choice((low, low + 1, low + self._chance.randrange(most)))
            count = min(count, one.high or count)
        made = [self._make(one.item) for _ in range(count)]
        return Sample(tuple(item.value for item in made), [item.term for item in made])

    def _enumerated(self, name: str, names: tuple[str, ...]) -> Sample:
        chosen = min(names, key=lambda key: self.seen[name, key])
        self.seen[name, chosen] += 1
        return Sample(chosen, Atom(chosen))

    def _boolean(self) -> Sample:
        value = self._chance.random() < 0.5
        return Sample(value, TRUE if value else FALSE)

    def _present(self) -> Sample:
        return Sample(value=True, term=NULL)

    def _null(self) -> Sample:
        return Sample(None, NULL)

    def _integer(self, low: int, high: int) -> Sample:
        value = self._chance.choice((low, high, low + 1, high - 1, self._chance.randint(low, high)))
        return Sample(value, value)

    def _long_integer(self, low: int, high: int | None) -> Sample:
        top = 2**70 if high is None else high
        size = self._chance.randrange(top.bit_length() + 1)
        value = min(max(low + (1 << size) - self._chance.randrange(2), low), top)
        return Sample(value, value)

    def _extensible_integer(self, low: int, high: int) -> Sample:
        value = self._chance.choice((low, high, high + 1, low - 1, 2**40))
        return Sample(value, value)

    def _unconstrained_integer(self) -> Sample:
        edge = 1 << self._chance.randrange(70)
        value = self._chance.choice((0, edge, edge - 1, -edge, -edge - 1))
        return Sample(value, value)

    def _count(self, low: int, high: int | None) -> int:
        """A length, often at the edge of what a bound or one octet can say."""
        if self._budget <= 0 and self._chance.random() < 0.8:
            return min(low + self._chance.randrange(3), low + 2 if high is None else high)
        edges = [low, low + 1, low + self._chance.randrange(20), *((127, 128, 129, 300) if self._likely() else ())]
        if high is not None:
            edges = [count for count in (*edges, high, high - 1) if low <= count <= high]
        return self._chance.choice(edges)

    def _octet_string(self, low: int, high: int | None) -> Sample:
        value = self._chance.randbytes(self._count(low, high))
        return Sample(value, value)

    def _bit_string(self, low: int, high: int | None) -> Sample:
        count = self._count(low, high)
        octets = (self._chance.getrandbits(count) << -count % 8).to_bytes((count + 7) // 8, "big") if count else b""
        return Sample(BitString(octets, count), Bits(octets, count))

    def _text(self, low: int, high: int | None, alphabet: str | None, width: int) -> Sample:
        letters = alphabet or (BMP if width == 16 else "".join(map(chr, range(128))))
        value = "".join(self._chance.choices(letters, k=self._count(low, high)))
        if width == 16:
            return Sample(value, [(0, 0, *divmod(ord(letter), 256)) for letter in value])
        return Sample(value, [ord(letter) for letter in value])

    def _general_string(self) -> Sample:
        value = "".join(chr(self._chance.randrange(256)) for _ in range(self._count(0, None)))
        return Sample(value, [ord(letter) for letter in value])

    def _object_identifier(self) -> Sample:
        value = self._chance.choice(OIDS)
        return Sample(value, tuple(int(arc) for arc in value.split(".")))


def _of_version(one: Type, keep: int | None) -> Type:
    if isinstance(one, Sequence):
        return one._replace(additions=one.additions[:keep])
    if isinstance(one, Choice) and one.additions is not None:
        return one._replace(additions=one.additions[:keep])
    return one


def _alternatives(one: Choice) -> list[tuple[str, str]]:
    return [*one.root, *(one.additions or ())]


def _names(one: Leaf) -> tuple[str, ...]:
    names, _ = one.arguments
    assert isinstance(names, tuple)
    return names


def _steps(one: Type) -> list[tuple[str, str]]:
    """The components or alternatives of a type by name, and the types that they lead to."""
    if isinstance(one, Sequence):
        return [(part.name, part.type) for part in (*one.root, *one.additions)]
    if isinstance(one, Choice):
        return _alternatives(one)
    return [("item", one.item)] if isinstance(one, SequenceOf) else []


def _wishes(one: Type) -> Iterator[Callable[[str], bool]]:
    """What directed samples want of a type: a test of its components' or alternatives' names."""
    if isinstance(one, Sequence):
        yield lambda _: True
        yield lambda _: False
    if isinstance(one, (Sequence, Choice)):
        for name, _ in _steps(one):
            yield partial(eq, name)


def _costs(types: Schema) -> dict[str, int]:
    """How many parts the smallest value of each type has."""
    costs = dict.fromkeys(types, 1_000_000)
    while True:
        before = dict(costs)
        for name, one in types.items():
            costs[name] = _cost(one, costs)
        if costs == before:
            return costs


def _cost(one: Type, costs: dict[str, int]) -> int:
    if isinstance(one, Sequence):
        return 1 + sum(costs[part.type] for part in one.root if not part.optional)
    if isinstance(one, Choice):
        return 1 + min(costs[inner] for _, inner in _alternatives(one))
    return 1 + one.low * costs[one.item] if isinstance(one, SequenceOf) else 1
