"""Whom an AliasAddress calls (H.225.0 7.5, H.323 7.8.5): names to look up, or an address."""

from __future__ import annotations

import ipaddress
from urllib.parse import unquote

from h323.ras import AliasAddress

from gatekeeper.core.effects import Address
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.terminal_alias import alias_text
from gatekeeper.core.transport_address import from_transport_address

CALL_SIGNALLING_PORT = 1720
_SCHEME = "h323:"


def called_names(alias: AliasAddress, settings: CoreSettings) -> tuple[str, ...]:
    """The terminal aliases that this may mean, the most exact first.

    Of user@host the user counts alone only where the host is this gatekeeper: alice@elsewhere is not our alice.
    """
    text = _text(alias)
    if text is None:
        return ()
    user, at, host = text.rpartition("@")
    local = bool(at and user) and host.removeprefix("[").removesuffix("]") in (
        settings.gatekeeper_identifier,
        *settings.hosts,
    )
    return (text, user) if local else (text,)


def called_address(alias: AliasAddress, settings: CoreSettings) -> Address | None:
    """The call signalling address that this names: a transportID, or an H.323 URL (RFC 3508) with an IP address."""
    if alias[0] == "transportID":
        return from_transport_address(alias[1])
    text = _text(alias) if alias[0] == "url-ID" else None
    if text is None:
        return None
    host = text.rpartition("@")[2]
    address = _host_and_port(host)
    return None if address is None or address[0] in settings.hosts else address


def _text(alias: AliasAddress) -> str | None:
    """The alias without scheme, URL parameters and escapes."""
    text = alias_text(alias)
    if text is None or alias[0] != "url-ID":
        return text
    if text[: len(_SCHEME)].lower() == _SCHEME:
        text = text[len(_SCHEME) :]
    return unquote(text.partition(";")[0])


def _host_and_port(text: str) -> Address | None:
    """An IP address with or without a port; IPv6 stands in brackets."""
    host, colon, port = text, "", ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    if colon and not 0 < number < 65_536:
        return None
    try:
        return str(ipaddress.ip_address(host)), number or CALL_SIGNALLING_PORT
    except ValueError:
        return None
