"""What a cosigner has cosigned of a log last: all that it has to remember."""

from __future__ import annotations

from dataclasses import dataclass

from witness.checkpoint import Checkpoint, parse_checkpoint
from witness.errors import WitnessError
from witness.note import Signature, Verifier, open_note


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that was cosigned."""

    checkpoint: Checkpoint
    octets: bytes
    """The note, with the log's signature and the cosignature, as it is kept."""
    cosignature: Signature
    timestamp: int
    """Of the cosignature, in seconds since 1970 (UTC)."""


def parse_cosigned(octets: bytes, origin: str, key: Verifier) -> Cosigned:
    """What was kept. Only the own signature is asked for: a log's key may have been replaced since.

    Raises:
        WitnessError: it is not what this key has cosigned of this log.
    """
    opened = open_note(octets, [key])
    checkpoint = parse_checkpoint(opened.text)
    own = opened.verified[-1]
    if checkpoint.origin != origin or own.timestamp is None:
        raise WitnessError(f"this is no cosigned checkpoint of {origin}")
    return Cosigned(checkpoint, octets, own.signature, own.timestamp)
