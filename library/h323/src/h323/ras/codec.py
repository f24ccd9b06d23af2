"""RAS messages and H.235 ClearTokens to and from aligned PER."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from h323.asn1.decoders import d_ClearToken, d_RasMessage
from h323.asn1.encoders import (
    RAS_MESSAGES,
    e__sequence_of_cryptoh323token_0_none,
    e_ClearToken,
    e_RasMessage,
)
from h323.asn1.types import ClearToken, CryptoH323Token, RasMessage
from h323.per.errors import DecodeError, EncodeError
from h323.per.reader import PADDING
from h323.per.writer import Encode, Writer

MAXIMUM_SIZE = 65_507
"""Octets in a UDP datagram over IPv4."""

DecodedT = TypeVar("DecodedT")


def decode(datagram: bytes) -> RasMessage:
    """The message in a RAS datagram (H.225.0 7, annex H).

    Octets after the message are ignored, as some stacks pad theirs. Extension bitmaps may be of any length; additions
    that H.225.0 version 7 doesn't know are skipped, such alternatives dropped from the list that they stand in.

    Raises:
        DecodeError: the octets are not a RAS message.
    """
    decoded = _decode(d_RasMessage, datagram)
    if decoded is None:
        raise DecodeError("a message that H.225.0 version 7 doesn't know")
    message: RasMessage = decoded[1]
    return message


def encode(message: RasMessage) -> bytes:
    """The datagram of a RAS message.

    Raises:
        EncodeError: a component is missing, of a wrong type, or outside its constraint.
    """
    return _encode(e_RasMessage, (_name(message), message), Writer())


def _name(message: RasMessage) -> str:
    name = RAS_MESSAGES.get(type(message))
    if name is None:
        raise EncodeError(f"{type(message).__name__} is not a RAS message")
    return name


def encode_with_crypto_tokens(message: RasMessage, crypto_tokens: bytes) -> tuple[bytes, int]:
    """As `encode`, with the result of `encode_crypto_tokens` as the message's cryptoTokens, whatever its own are.

    Returns:
        The datagram, and at which of its octets the crypto tokens begin.

    Raises:
        EncodeError: see `encode`; or the message has no cryptoTokens (a sequence of ACFs has none of its own).
    """
    writer = Writer(crypto_tokens)
    datagram = _encode(e_RasMessage, (_name(message), message), writer)
    if isinstance(message, tuple) or writer.crypto_tokens is not None:
        raise EncodeError(f"{type(message).__name__} has no cryptoTokens")
    # Newer messages are open types themselves, whose length, one or two octets, is put before them when it is known.
    at = writer.crypto_tokens_at
    while not datagram.startswith(crypto_tokens, at):
        at += 1
    return datagram, at


def encode_crypto_tokens(tokens: tuple[CryptoH323Token, ...]) -> bytes:
    """The encoding of a cryptoTokens component.

    Raises:
        EncodeError: see `encode`.
    """
    return _encode(e__sequence_of_cryptoh323token_0_none, tokens, Writer())


def decode_clear_token(octets: bytes) -> ClearToken:
    """The ClearToken in an open type such as the toBeSigned of a SIGNED{} (H.235.0 annex A).

    Raises:
        DecodeError: the octets are not a ClearToken.
    """
    return _decode(d_ClearToken, octets)


def encode_clear_token(token: ClearToken) -> bytes:
    """The complete encoding of a ClearToken.

    Raises:
        EncodeError: see `encode`.
    """
    return _encode(e_ClearToken, token, Writer())


def _decode(decoder: Callable[[bytes, int], tuple[DecodedT, int]], octets: bytes) -> DecodedT:
    size = len(octets)
    if size > MAXIMUM_SIZE:
        raise DecodeError(f"{size} octets, more than a datagram holds")
    try:
        value, end = decoder(bytes(octets) + PADDING, 0)
    except (IndexError, RecursionError):
        raise DecodeError(f"ends after {size} octets, inside a field, or is nested too deeply") from None
    if end > 8 * size:
        raise DecodeError(f"ends after {size} octets, inside a field")
    return value


def _encode(encoder: Encode, value: object, writer: Writer) -> bytes:
    try:
        encoder(writer, value)
        return writer.finish()
    except EncodeError:
        raise
    except RecursionError:
        raise EncodeError("nested too deeply") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EncodeError(f"a value of a wrong type: {error}") from error
