"""Aligned PER (X.691) at run time: what the generated encoders and decoders of h323.asn1 call."""

from h323.per.errors import DecodeError, EncodeError

__all__ = ["DecodeError", "EncodeError"]
