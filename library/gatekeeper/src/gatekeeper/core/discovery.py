"""Gatekeeper discovery: GRQ (H.225.0 7.8.1), with the negotiation of the signature profile."""

from __future__ import annotations

from collections.abc import Mapping

from h323.asn1.types import AuthenticationMechanism
from h323.council import RefusalName
from h323.h235 import ED25519_OID, HMAC_SHA1_96_OID
from h323.ras import PROTOCOL_IDENTIFIER, GatekeeperConfirm, GatekeeperRequest

from gatekeeper.core.authentication import alias_owner
from gatekeeper.core.denial import Denial
from gatekeeper.core.effects import Address
from gatekeeper.core.prerequisites import (
    assigned_gatekeeper,
    names_another_gatekeeper,
    refused_feature,
    refused_revision,
)
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.transport_address import alternate_gatekeepers, to_transport_address
from gatekeeper.registry import PASSWORD, SIGNED, Registry

_MODES: Mapping[str, tuple[AuthenticationMechanism, str]] = {
    SIGNED: (("certSign", None), ED25519_OID),
    PASSWORD: (("pwdHash", None), HMAC_SHA1_96_OID),
}
"""authenticationMode and algorithmOID of the policies; `none` has neither (H.225.0 7.8.1)."""


def policy_for(message: GatekeeperRequest, registry: Registry, host: str) -> str:
    """The policy of whoever asks from this IP address.

    Only from an entry's own network it is told that the entry's is another than `signed`: strangers get the same answer
    whatever alias they try.
    """
    guardian = alias_owner(message.endpoint_alias, registry)
    return guardian.authentication if guardian is not None and guardian.is_near(host) else SIGNED


def _offered(message: GatekeeperRequest, mode: AuthenticationMechanism | None, algorithm: str | None) -> bool:
    """Whether the terminal can do what is required; one that doesn't say what it can is told what is required."""
    modes, algorithms = message.authentication_capability, message.algorithm_oids
    can_mode = mode is None or modes is None or any(one[0] == mode[0] for one in modes)
    return can_mode and (algorithm is None or algorithms is None or algorithm in algorithms)


def discover(
    message: GatekeeperRequest, source: Address, settings: CoreSettings, policy: str
) -> GatekeeperConfirm | Denial:
    """Answer a GRQ: the one request that need not be signed, since it asks how to sign. `policy` is its sender's."""
    if names_another_gatekeeper(message.gatekeeper_identifier, settings):
        return Denial(RefusalName.GATEKEEPER_ERROR, "another gatekeeper is asked for", reason="terminalExcluded")
    denial = refused_revision(message.protocol_identifier) or refused_feature(message.feature_set)
    if denial is not None:
        return denial
    mode, algorithm = _MODES.get(policy, (None, None))
    if not _offered(message, mode, algorithm):
        return Denial(RefusalName.INVALID_SIGNATURE, "the terminal does not offer what is required here")
    home = assigned_gatekeeper(settings, source, supported=message.supports_assigned_gk)
    return GatekeeperConfirm(
        request_seq_num=message.request_seq_num,
        protocol_identifier=PROTOCOL_IDENTIFIER,
        gatekeeper_identifier=settings.gatekeeper_identifier,
        ras_address=to_transport_address(settings.ras_address_for(source)),
        alternate_gatekeeper=alternate_gatekeepers(settings.alternates),
        authentication_mode=mode,
        algorithm_oid=algorithm,
        assigned_gatekeeper=home,
        rehoming_model=("endpointBased", None) if home else None,
    )
