"""Every message of the standard has a short name, and no two the same."""

from __future__ import annotations

from h323.asn1.schema import TYPES
from h323.per.schema import Choice
from h323.ras import decode
from h323.ras.names import SHORT_NAMES, alternative


def test_every_message_has_a_name_of_its_own() -> None:
    root = TYPES["RasMessage"]
    assert isinstance(root, Choice)
    assert list(SHORT_NAMES) == [name for name, _ in (*root.root, *(root.additions or ()))]
    assert len(set(SHORT_NAMES.values())) == len(SHORT_NAMES)


def test_the_vectors_are_named_so(vectors: dict[str, bytes]) -> None:
    for name, octets in vectors.items():
        short = SHORT_NAMES[alternative(decode(octets))]
        assert (short, name) == ("ACS", "ACFSeq") or short == name.partition("-")[0]
