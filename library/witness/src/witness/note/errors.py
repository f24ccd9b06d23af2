"""What is wrong with a note or a key."""

from witness.errors import WitnessError


class NoteError(WitnessError):
    """A note that can't be trusted or read, or a key that is none."""
