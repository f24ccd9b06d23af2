"""Aligned PER (X.691) at run time: bits in and out, and one encoder and decoder for each shape of type."""

from h323.per.errors import DecodeError, EncodeError
from h323.per.reader import Reader
from h323.per.writer import Writer

__all__ = ["DecodeError", "EncodeError", "Reader", "Writer"]
