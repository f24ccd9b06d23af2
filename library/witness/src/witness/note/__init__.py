"""Signed notes (C2SP signed-note) and timestamped cosignatures (C2SP tlog-cosignature)."""

from witness.note.errors import NoteError
from witness.note.keys import Algorithm, Cosigner, Signer, Verifier, generate_skey, parse_skeys, parse_vkey
from witness.note.signed import (
    Note,
    OpenedNote,
    Signature,
    VerifiedSignature,
    add_signatures,
    cosign_note,
    open_note,
    parse_note,
    parse_signature_lines,
    sign_note,
)

__all__ = [
    "Algorithm",
    "Cosigner",
    "Note",
    "NoteError",
    "OpenedNote",
    "Signature",
    "Signer",
    "VerifiedSignature",
    "Verifier",
    "add_signatures",
    "cosign_note",
    "generate_skey",
    "open_note",
    "parse_note",
    "parse_signature_lines",
    "parse_skeys",
    "parse_vkey",
    "sign_note",
]
