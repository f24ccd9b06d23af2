"""The two things that can go wrong with a message."""


class DecodeError(ValueError):
    """These octets are not an aligned PER encoding of the expected type."""


class EncodeError(ValueError):
    """This value has no encoding: a field is missing, of another type, or outside its constraint."""
