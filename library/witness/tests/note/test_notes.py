"""Signed notes and their keys, against Go's own example and against what must not be taken for a note."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witness.note import (
    Algorithm,
    Cosigner,
    Note,
    NoteError,
    Signature,
    Signer,
    Verifier,
    add_signatures,
    cosign_note,
    generate_skey,
    open_note,
    parse_note,
    parse_signature_lines,
    parse_skeys,
    parse_vkey,
    sign_note,
)

# The example in the documentation of Go's golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
LOG = Signer("council.example/h323_ras", bytes(range(32)))
WIT1 = Cosigner("wit1.council.example", bytes(range(1, 33)))
TEXT = "council.example/h323_ras\n1\nthe root\n"
NOW = 1_795_000_000


def cosigned() -> Note:
    return add_signatures(sign_note(TEXT, LOG), [cosign_note(TEXT, WIT1, NOW)])


def test_go_s_own_example() -> None:
    opened = open_note(PETERS_NOTE, [parse_vkey(PETER)])
    assert opened.text.endswith("your problem is.\n")
    assert opened.note.encode() == PETERS_NOTE
    assert parse_vkey(PETER).vkey == PETER


def test_a_cosigned_note_says_when() -> None:
    opened = open_note(cosigned().encode(), [LOG.verifier, WIT1.verifier])
    assert [(each.verifier, each.timestamp) for each in opened.verified] == [
        (LOG.verifier, None),
        (WIT1.verifier, NOW),
    ]


def test_a_key_is_known_by_its_text() -> None:
    for key in (LOG, WIT1):
        assert parse_vkey(key.verifier.vkey) == key.verifier
    keys = parse_skeys(f"{LOG.skey}\n\n{WIT1.skey}\n")
    assert {name: type(key) for name, key in keys.items()} == {
        "council.example/h323_ras": Signer,
        "wit1.council.example": Cosigner,
    }
    assert [key.skey for key in keys.values()] == [LOG.skey, WIT1.skey]


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_new_key_can_be_used(algorithm: Algorithm) -> None:
    texts = [generate_skey("name", algorithm) for _ in range(2)]
    assert texts[0] != texts[1]
    assert parse_skeys(texts[0])["name"].verifier.algorithm is algorithm


def test_signatures_by_unknown_keys_mean_nothing() -> None:
    other = Signer(LOG.verifier.name, bytes(32))
    stranger = Signature("stranger", b"\1\2\3\4", b"?")
    note = add_signatures(cosigned(), [*sign_note(TEXT, other).signatures, stranger])
    assert len(note.signatures) == 4
    assert len(open_note(note.encode(), [LOG.verifier, WIT1.verifier]).verified) == 2
    with pytest.raises(NoteError, match="no known key"):
        open_note(note.encode(), [Verifier("else", Algorithm.ED25519, bytes(32))])


def test_a_later_cosignature_takes_the_earlier_one_s_place() -> None:
    note = add_signatures(cosigned(), [cosign_note(TEXT, WIT1, NOW + 5)])
    assert [each.timestamp for each in open_note(note.encode(), [LOG.verifier, WIT1.verifier]).verified] == [
        None,
        NOW + 5,
    ]


def test_a_known_key_s_wrong_signature_spoils_the_note() -> None:
    wrong = Signature(LOG.verifier.name, LOG.verifier.key_id, bytes(64))
    note = Note(TEXT, (*cosigned().signatures, wrong))
    with pytest.raises(NoteError, match="wrong"):
        open_note(note.encode(), [LOG.verifier, WIT1.verifier])


def test_every_changed_bit_of_a_note_is_noticed() -> None:
    octets = cosigned().encode()
    for at in range(len(octets)):
        for bit in range(8):
            changed = octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :]
            try:
                opened = open_note(changed, [LOG.verifier, WIT1.verifier])
            except NoteError:
                continue
            # What named the key was changed, so that this signature is a stranger's. The other one stands.
            assert opened.text == TEXT
            assert len(opened.verified) == 1


def test_a_cosignature_can_t_be_moved_in_time_or_taken_for_a_signature() -> None:
    signature = WIT1.cosign(TEXT, NOW)
    assert WIT1.verifier.verify(TEXT, signature) == NOW
    later = (NOW + 1).to_bytes(8, "big") + signature[8:]
    with pytest.raises(NoteError):
        WIT1.verifier.verify(TEXT, later)
    with pytest.raises(NoteError):
        Verifier("x", Algorithm.ED25519, WIT1.verifier.public_key).verify(TEXT, signature[8:])
    with pytest.raises(NoteError, match="malformed"):
        WIT1.verifier.verify(TEXT, b"\x80" + signature[1:])


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"text\n",
        b"text\n\n",
        "text\n\n— name".encode(),
        "text\n\n— name\n".encode(),
        "text\n\n— name AAAA\n".encode(),
        "text\n\n— name AAAAAAA\n".encode(),
        "text\n\n— name AAAAAAB=\n".encode(),
        "text\n\n— na+me AAAAAAA=\n".encode(),
        "text\n\n— na\u00a0me AAAAAAA=\n".encode(),
        "text\n\n—  AAAAAAA=\n".encode(),
        b"text\n\n- name AAAAAAA=\n",
        "te\rxt\n\n— name AAAAAAA=\n".encode(),
        "te\txt\n\n— name AAAAAAA=\n".encode(),
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        ("text\n\n" + "— name AAAAAAA=\n" * 101).encode(),
        ("x" * 1_000_000 + "\n\n— name AAAAAAA=\n").encode(),
    ],
)
def test_what_is_no_note(octets: bytes) -> None:
    with pytest.raises(NoteError):
        parse_note(octets)


def test_a_text_may_have_empty_lines() -> None:
    note = sign_note("one\n\n\ntwo\n\n", LOG)
    assert open_note(note.encode(), [LOG.verifier]).text == "one\n\n\ntwo\n\n"


def test_as_many_signatures_as_the_specification_demands() -> None:
    keys = [Signer(f"log{number}", bytes([number]) * 32) for number in range(16)]
    note = add_signatures(Note(TEXT, ()), [each for key in keys for each in sign_note(TEXT, key).signatures])
    assert len(open_note(note.encode(), [key.verifier for key in keys]).verified) == 16


@given(st.binary(max_size=200))
def test_octets_are_a_note_or_an_error(octets: bytes) -> None:
    for given_octets in (octets, "text\n\n— name ".encode() + base64.b64encode(octets) + b"\n"):
        try:
            note = parse_note(given_octets)
        except NoteError:
            continue
        assert note.encode() == given_octets


@given(st.text(max_size=100))
def test_a_text_is_a_key_or_an_error(text: str) -> None:
    with contextlib.suppress(NoteError):
        assert parse_vkey(text).vkey == text
    with contextlib.suppress(NoteError):
        assert not parse_skeys(text) or "PRIVATE+KEY+" in text


@pytest.mark.parametrize("at", range(len(LOG.verifier.vkey)))
def test_a_mistyped_key_is_noticed(at: int) -> None:
    vkey = LOG.verifier.vkey
    with pytest.raises(NoteError):
        parse_vkey(vkey[:at] + chr(ord(vkey[at]) ^ 1) + vkey[at + 1 :])


def test_an_error_does_not_show_a_private_key() -> None:
    with pytest.raises(NoteError) as raised:
        parse_skeys(LOG.skey[:-1] + "!")
    assert LOG.skey[40:60] not in str(raised.value)
    assert raised.value.__cause__ is None


def test_two_private_keys_of_one_name() -> None:
    with pytest.raises(NoteError, match="two keys"):
        parse_skeys(f"{LOG.skey}\n{Signer(LOG.verifier.name, bytes(32)).skey}\n")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\x01b"])
def test_what_names_no_key(name: str) -> None:
    with pytest.raises(NoteError):
        Signer(name, bytes(32))


def test_what_can_t_be_signed() -> None:
    for text in ("no newline", "a tab\t\n"):
        with pytest.raises(NoteError):
            sign_note(text, LOG)


def test_a_cosigner_s_answer() -> None:
    line = cosign_note(TEXT, WIT1, NOW)
    assert parse_signature_lines(line.line.encode()) == (line,)
    with pytest.raises(NoteError):
        parse_signature_lines(b"")
