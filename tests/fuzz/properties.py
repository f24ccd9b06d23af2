"""What must hold for any octets whatever; each property takes them, and fails by an exception of its own."""

from __future__ import annotations

import contextlib

from h323.h235 import TokenError, password_key, read_hashed_token, read_token, verify, verify_hash
from h323.ras import DecodeError, decode, decode_clear_token, encode, encode_clear_token
from h323.ras.fault import find_fault

from library.gatekeeper.tests.core.zone import Terminal, Zone, guardian, private_key

_KEY = private_key("alice").public_key()
_PASSWORD = password_key("secret")
_MOST_MESSAGES = 4


def decoding(octets: bytes) -> None:
    """What decodes has an encoding with the same value, and only what doesn't has a fault to show."""
    try:
        message = decode(octets)
    except DecodeError:
        assert find_fault(octets) is not None, "refused, but without a fault"
        return
    assert find_fault(octets) is None, "accepted, but with a fault"
    assert decode(encode(message)) == message, "another value when encoded again"


def tokens(octets: bytes) -> None:
    """A token is read or refused, and neither signature nor hash holds that nobody made."""
    with contextlib.suppress(DecodeError, TokenError):
        token = read_token(decode(octets))
        assert token is None or not verify(octets, token, _KEY), "a forged signature"
    with contextlib.suppress(DecodeError, TokenError):
        hashed = read_hashed_token(decode(octets))
        assert hashed is None or not verify_hash(octets, hashed, _PASSWORD), "a forged hash"
    with contextlib.suppress(DecodeError):
        clear = decode_clear_token(octets)
        assert decode_clear_token(encode_clear_token(clear)) == clear, "another value when encoded again"


def receiving(octets: bytes) -> None:
    """The gatekeeper takes anything, raw and signed well by a guardian who abuses their key.

    The octets are up to four messages, each behind its length in two octets.
    """
    zone = Zone(guardian("alice"), guardian("eve"))
    eve = Terminal(zone, "eve", 103)
    eve.register()
    for part in messages_in(octets):
        for datagram in (part, signed_by(eve, part)):
            zone.settle(zone.gatekeeper.receive(datagram, eve.source, zone.now))
    zone.wait(61)
    assert zone.gatekeeper.registrations <= 1, "a stranger is registered"


def messages_in(octets: bytes) -> list[bytes]:
    """What `receiving` makes of its octets."""
    parts = []
    while len(octets) > 2 and len(parts) < _MOST_MESSAGES:
        size = int.from_bytes(octets[:2], "big")
        parts.append(octets[2 : 2 + size])
        octets = octets[2 + size :]
    return parts


def signed_by(terminal: Terminal, octets: bytes) -> bytes:
    """The same message with that terminal's signature, as far as it is one that can be signed."""
    try:
        message = decode(octets)
    except DecodeError:
        return octets
    return terminal.signed(message) if hasattr(message, "crypto_tokens") else octets


PROPERTIES = {"decoding": decoding, "tokens": tokens, "receiving": receiving}
