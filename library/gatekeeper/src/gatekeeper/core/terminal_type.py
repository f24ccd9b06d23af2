"""What an endpoint is (EndpointType, H.225.0 7.4): terminal, gateway, MCU or gatekeeper, and a gateway's prefixes."""

from __future__ import annotations

from itertools import product

from h323.asn1.types import GatekeeperInfo, GatewayInfo
from h323.council import RefusalName
from h323.ras import AliasAddress, EndpointType, McuInfo, TerminalInfo

from gatekeeper.core.denial import Denial
from gatekeeper.core.registration_index import GATEKEEPER, GATEWAY, MCU, TERMINAL
from gatekeeper.core.terminal_alias import alias_text
from gatekeeper.registry import Guardian

ENDPOINT_TYPES = (TERMINAL, GATEWAY, MCU, GATEKEEPER)
_COMBINATIONS = {
    flags: tuple(name for name, flag in zip(ENDPOINT_TYPES, flags, strict=True) if flag) or (TERMINAL,)
    for flags in product((False, True), repeat=len(ENDPOINT_TYPES))
}

_OF_KIND = {
    TERMINAL: EndpointType(terminal=TerminalInfo(), mc=False, undefined_node=False),
    GATEWAY: EndpointType(gateway=GatewayInfo(), mc=False, undefined_node=False),
    MCU: EndpointType(mcu=McuInfo(), mc=True, undefined_node=False),
    GATEKEEPER: EndpointType(gatekeeper=GatekeeperInfo(), mc=False, undefined_node=False),
}


def endpoint_types(terminal_type: EndpointType) -> tuple[str, ...]:
    """The types that it names; one that names none, or says undefinedNode, counts as a terminal."""
    return _COMBINATIONS[
        terminal_type.terminal is not None,
        terminal_type.gateway is not None,
        terminal_type.mcu is not None,
        terminal_type.gatekeeper is not None,
    ]


def endpoint_type_of(kind: str) -> EndpointType:
    """The EndpointType of a called party that is a terminal, a gateway, an MCU or a gatekeeper."""
    return _OF_KIND[kind]


def type_policy(types: tuple[str, ...], guardian: Guardian) -> Denial | None:
    """A key must not turn into a gateway or an MCU, to which other guardians' calls go, unless the registry says so."""
    foreign = [name for name in types if name not in guardian.endpoint_types]
    if foreign:
        detail = f"the registry does not let this guardian register as {foreign[0]}"
        return Denial(RefusalName.GATEKEEPER_ERROR, detail, reason="invalidTerminalType")
    return None


def named_prefixes(terminal_type: EndpointType) -> tuple[str | None, ...]:
    """The prefixes that a gateway supports, by whatever protocol."""
    protocols = terminal_type.gateway.protocol or () if terminal_type.gateway is not None else ()
    named: list[AliasAddress] = []
    for _, capabilities in protocols:
        named += (supported.prefix for supported in getattr(capabilities, "supported_prefixes", None) or ())
    return tuple(alias_text(prefix) for prefix in named)


def granted_prefixes(terminal_type: EndpointType, types: tuple[str, ...], guardian: Guardian) -> tuple[str, ...]:
    """The prefixes that a gateway registers: of those it names the registry's, and all of these where it names none."""
    if GATEWAY not in types:
        return ()
    named = named_prefixes(terminal_type)
    if not named:
        return guardian.prefixes
    return tuple(prefix for prefix in guardian.prefixes if prefix in named)
