"""A message's fields under the standard's names, as plain values for people and for JSON.

Personal data stays out unless asked for: display names (an H.323 ID that doesn't have the form of an alias on the
registry), e-mail addresses, and what is in non-standard or generic data other than the council's own.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from h323.asn1.schema import TYPES
from h323.asn1.types import CallIdentifier, GenericData, TransportAddressIp6Address, TransportAddressIpAddress
from h323.council.profile import PROFILE_ID
from h323.council.refusal import REFUSAL_ID
from h323.per.schema import Choice, Component, Leaf, Sequence, SequenceOf
from h323.per.values import BitString

from gatekeeper.decode.packets import Address
from gatekeeper.decode.reading import Message

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")
"""The form of an alias on the registry (docs/guardian-registry.md)."""
_SHOWN_ELSEWHERE = (("nonStandard", PROFILE_ID), ("nonStandard", REFUSAL_ID))
_TEXT_OCTETS = {"productId", "versionId"}
"""OCTET STRINGs that hold text in practice (H.225.0 7.6, VendorIdentifier)."""
_FREE_CONTENT = {"raw", "text", "unicode"}
_TOKEN_KINDS = {"cryptoSignedToken", "cryptoHashedToken"}

Pair: TypeAlias = tuple[str, object]


def hidden(count: int, unit: str) -> str:
    """What stands for personal data."""
    return f"(hidden, {count} {unit}; --show-personal shows it)"


def message_fields(message: Message, *, personal: bool) -> dict[str, object]:
    """The message's fields but requestSeqNum, the signature token, and the council's profile and refusal."""
    kind = dict(_alternatives(TYPES["RasMessage"]))[message.standard_name]
    shown = _Fields(personal).value(kind, message.value)
    if not isinstance(shown, dict):
        return {"admissionConfirm": shown}
    shown.pop("requestSeqNum", None)
    return shown


def _alternatives(found: object) -> tuple[Pair, ...]:
    return (*found.root, *(found.additions or ())) if isinstance(found, Choice) else ()


class _Fields:
    """Goes through values by the schema; None stands for nothing to show."""

    def __init__(self, personal: bool) -> None:
        self._personal = personal
        self._special: Mapping[str, Callable[[Pair], object]] = {
            "AliasAddress": self._alias,
            "Content": self._content,
            "CryptoH323Token": self._crypto_token,
            "TransportAddress": self._transport_address,
        }

    def value(self, kind: object, value: object) -> object:
        name = str(kind)
        found = TYPES[name]
        if isinstance(found, Choice):
            pair = _pair(value)
            special = self._special.get(name)
            return self._choice(name, pair) if special is None else special(pair)
        if isinstance(found, SequenceOf):
            items = (self.value(found.item, item) for item in (value if isinstance(value, tuple) else ()))
            return [item for item in items if item is not None]
        if isinstance(found, Sequence):
            return self._sequence(found, value)
        return _leaf(found, value)

    def _sequence(self, found: Sequence, value: object) -> object:
        if isinstance(value, CallIdentifier):
            return value.guid.hex()
        if isinstance(value, GenericData) and value.id in _SHOWN_ELSEWHERE:
            return None
        shown = {
            one.name: self._component(one, getattr(value, one.attribute)) for one in (*found.root, *found.additions)
        }
        return {name: what for name, what in shown.items() if what is not None}

    def _component(self, one: Component, value: object) -> object:
        if value is None:
            return None
        if isinstance(value, bytes) and one.name in _TEXT_OCTETS:
            return value.rstrip(b"\0").decode("latin-1")
        if isinstance(value, bytes) and one.name == "data" and not self._personal:
            return hidden(len(value), "octets")
        shown = self.value(one.type, value)
        # A list of nothing but what is shown elsewhere is not an empty list.
        return None if shown == [] and value else shown

    def _choice(self, kind: str, pair: Pair) -> object:
        name, inner = pair
        shown = self.value(dict(_alternatives(TYPES[kind]))[name], inner)
        return name if shown is None else {name: shown}

    def _alias(self, pair: Pair) -> object:
        name, text = pair[0], str(pair[1])
        personal = name == "email-ID" or (name == "h323-ID" and not _ALIAS.fullmatch(text))
        if personal and not self._personal:
            return {name: hidden(len(text), "characters")}
        return self._choice("AliasAddress", pair)

    def _content(self, pair: Pair) -> object:
        name, inner = pair
        if name in _FREE_CONTENT and not self._personal and isinstance(inner, str | bytes):
            return {name: hidden(len(inner), "octets" if isinstance(inner, bytes) else "characters")}
        return self._choice("Content", pair)

    def _crypto_token(self, pair: Pair) -> object:
        """The kinds of token that `gatekeeper.decode.tokens` shows are left to it."""
        inner = pair[1]
        if pair[0] == "nestedcryptoToken" and _pair(inner)[0] in _TOKEN_KINDS:
            return None
        return self._choice("CryptoH323Token", pair)

    def _transport_address(self, pair: Pair) -> object:
        inner = pair[1]
        if isinstance(inner, TransportAddressIpAddress | TransportAddressIp6Address):
            return str(Address(str(ipaddress.ip_address(inner.ip)), inner.port))
        return self._choice("TransportAddress", pair)


def _pair(value: object) -> Pair:
    if isinstance(value, tuple) and len(value) == 2:
        return value
    raise TypeError(f"{type(value).__name__} where an alternative and its value should be")


def _leaf(found: Leaf, value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, BitString):
        return f"{value.octets.hex()} ({value.length} bits)"
    return None if found.kind == "null" else value
