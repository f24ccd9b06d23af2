"""A note: a text and lines of signatures over it (C2SP signed-note)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from witness.note import strict_base64
from witness.note.errors import NoteError
from witness.note.keys import KEY_ID_OCTETS, Cosigner, Signer, Verifier, is_name

MAX_OCTETS = 1_000_000
MAX_SIGNATURES = 100
_DASH = "\u2014 "


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    """4 octets."""
    signature: bytes
    """What follows the key ID; of a cosignature it begins with the time."""

    @property
    def line(self) -> str:
        """As it stands in a note, with its newline."""
        return f"{_DASH}{self.name} {strict_base64.encode(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note whose signatures nobody has checked."""

    text: str
    """Ends in a newline."""
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The note's octets."""
        return (self.text + "\n" + "".join(each.line for each in self.signatures)).encode()


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature by a known key that was found right."""

    verifier: Verifier
    signature: Signature
    timestamp: int | None
    """When it was cosigned, in seconds since 1970 (UTC); None for a plain signature."""


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note that at least one known key has signed, and every known key that did has signed rightly."""

    note: Note
    verified: tuple[VerifiedSignature, ...]
    """In the note's order; a key that signed more than once occurs more than once."""

    @property
    def text(self) -> str:
        """What was signed."""
        return self.note.text


def parse_note(octets: bytes) -> Note:
    """Read a note, and believe nothing of it.

    Raises:
        NoteError: it is none.
    """
    if len(octets) > MAX_OCTETS:
        raise NoteError(f"a note of more than {MAX_OCTETS} octets")
    whole = _printable(octets)
    # The text may have empty lines of its own: the last one ends it.
    text, separator, lines = whole.rpartition("\n\n")
    if not separator:
        raise NoteError("a note without signatures")
    return Note(text + "\n", _signatures(lines))


def parse_signature_lines(octets: bytes) -> tuple[Signature, ...]:
    """Read signature lines without a note, as a cosigner answers them.

    Raises:
        NoteError: they are none.
    """
    if len(octets) > MAX_OCTETS:
        raise NoteError(f"signature lines of more than {MAX_OCTETS} octets")
    return _signatures(_printable(octets))


def open_note(octets: bytes, verifiers: Iterable[Verifier]) -> OpenedNote:
    """Read a note and check every signature by a known key; those by unknown keys mean nothing.

    Raises:
        NoteError: it is no note, a known key's signature is wrong, or no known key has signed it.
    """
    note = parse_note(octets)
    known = {(each.name, each.key_id): each for each in verifiers}
    verified = []
    for signature in note.signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is not None:
            timestamp = verifier.verify(note.text, signature.signature)
            verified.append(VerifiedSignature(verifier, signature, timestamp))
    if not verified:
        raise NoteError("no known key has signed this note")
    return OpenedNote(note, tuple(verified))


def sign_note(text: str, signer: Signer) -> Note:
    """The note of this text, signed.

    Raises:
        NoteError: the text has control characters, or doesn't end in a newline.
    """
    if not text.endswith("\n"):
        raise NoteError("a note's text ends in a newline")
    _printable(text.encode())
    verifier = signer.verifier
    return Note(text, (Signature(verifier.name, verifier.key_id, signer.sign(text)),))


def cosign_note(text: str, cosigner: Cosigner, timestamp: int) -> Signature:
    """The cosignature over a checkpoint's text, at a time in seconds since 1970 (UTC)."""
    verifier = cosigner.verifier
    return Signature(verifier.name, verifier.key_id, cosigner.cosign(text, timestamp))


def add_signatures(note: Note, signatures: Iterable[Signature]) -> Note:
    """The note with these signatures too; of two by one key the later one stays."""
    merged = {(each.name, each.key_id): each for each in (*note.signatures, *signatures)}
    return Note(note.text, tuple(merged.values()))


def _printable(octets: bytes) -> str:
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise NoteError("a note that is not UTF-8") from error
    if any(each < " " and each != "\n" for each in text):
        raise NoteError("a note with control characters")
    return text


def _signatures(lines: str) -> tuple[Signature, ...]:
    if not lines.endswith("\n"):
        raise NoteError("the last signature line has no end")
    split = lines[:-1].split("\n", MAX_SIGNATURES)
    if len(split) > MAX_SIGNATURES:
        raise NoteError(f"a note with more than {MAX_SIGNATURES} signatures")
    return tuple(_signature(line) for line in split)


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not is_name(name):
        raise NoteError("a malformed signature line")
    try:
        octets = strict_base64.decode(encoded)
    except ValueError as error:
        raise NoteError(f"a malformed signature line: {error}") from error
    if len(octets) <= KEY_ID_OCTETS:
        raise NoteError("a signature line without a signature")
    return Signature(name, octets[:KEY_ID_OCTETS], octets[KEY_ID_OCTETS:])
