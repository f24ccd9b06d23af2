"""RAS messages and H.235 ClearTokens to and from aligned PER."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from h323.asn1 import codec
from h323.asn1.types import ClearToken, RasMessage
from h323.per import DecodeError, EncodeError, Reader, Writer
from h323.per.shapes import Encode

MAXIMUM_SIZE = 65_507
"""Octets in a UDP datagram over IPv4."""


ValueT = TypeVar("ValueT")


def decode(datagram: bytes) -> RasMessage:
    """The message in a RAS datagram (H.225.0 7, annex H).

    Octets after the message are ignored, as some stacks pad theirs. Extension bitmaps may be of any length.

    Raises:
        DecodeError: the octets are not a RAS message.
    """
    named: tuple[str, RasMessage] = _decode(codec.d_RasMessage, datagram)
    return named[1]


def encode(message: RasMessage) -> bytes:
    """The datagram of a RAS message.

    Raises:
        EncodeError: a component is missing, of a wrong type, or outside its constraint.
    """
    name = codec.RAS_MESSAGES.get(type(message))
    if name is None:
        raise EncodeError(f"{type(message).__name__} is not a RAS message")
    return _encode(codec.e_RasMessage, (name, message))


def decode_clear_token(octets: bytes) -> ClearToken:
    """The ClearToken in an open type such as the toBeSigned of a SIGNED{} (H.235.0 annex A).

    Raises:
        DecodeError: the octets are not a ClearToken.
    """
    return _decode(codec.d_ClearToken, octets)


def encode_clear_token(token: ClearToken) -> bytes:
    """The complete encoding of a ClearToken.

    Raises:
        EncodeError: see `encode`.
    """
    return _encode(codec.e_ClearToken, token)


def _decode(shape: Callable[[Reader], ValueT], octets: bytes) -> ValueT:
    if len(octets) > MAXIMUM_SIZE:
        raise DecodeError(f"{len(octets)} octets, more than a datagram holds")
    try:
        return shape(Reader(octets))
    except RecursionError:
        raise DecodeError("nested too deeply") from None


def _encode(shape: Encode, value: object) -> bytes:
    writer = Writer()
    try:
        shape(writer, value)
    except RecursionError:
        raise EncodeError("nested too deeply") from None
    return writer.finish()
