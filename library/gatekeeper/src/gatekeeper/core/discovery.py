"""Gatekeeper discovery: GRQ (H.225.0 7.8.1), with the negotiation of the signature profile."""

from __future__ import annotations

from h323.council import RefusalName
from h323.h235 import ED25519_OID
from h323.ras import PROTOCOL_IDENTIFIER, GatekeeperConfirm, GatekeeperRequest

from gatekeeper.core.denial import Denial
from gatekeeper.core.prerequisites import (
    assigned_gatekeeper,
    names_another_gatekeeper,
    refused_feature,
    refused_revision,
)
from gatekeeper.core.request import Decision
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.transport_address import alternate_gatekeepers, to_transport_address


def discover(message: GatekeeperRequest, settings: CoreSettings) -> Decision | Denial:
    """Answer a GRQ: the one request that need not be signed, since it asks how to sign."""
    if names_another_gatekeeper(message.gatekeeper_identifier, settings):
        return Denial(RefusalName.GATEKEEPER_ERROR, "another gatekeeper is asked for", reason="terminalExcluded")
    denial = refused_revision(message.protocol_identifier) or refused_feature(message.feature_set)
    if denial is not None:
        return denial
    modes = message.authentication_capability
    if modes is not None and not any(mode[0] == "certSign" for mode in modes):
        return Denial(RefusalName.INVALID_SIGNATURE, "the terminal cannot sign (certSign is not offered)")
    algorithms = message.algorithm_oids
    if algorithms is not None and ED25519_OID not in algorithms:
        return Denial(RefusalName.INVALID_SIGNATURE, f"Ed25519 ({ED25519_OID}) is not offered")
    home = assigned_gatekeeper(settings, supported=message.supports_assigned_gk)
    answer = GatekeeperConfirm(
        request_seq_num=message.request_seq_num,
        protocol_identifier=PROTOCOL_IDENTIFIER,
        gatekeeper_identifier=settings.gatekeeper_identifier,
        ras_address=to_transport_address(settings.ras_address),
        alternate_gatekeeper=alternate_gatekeepers(settings.alternates),
        authentication_mode=("certSign", None),
        algorithm_oid=ED25519_OID,
        assigned_gatekeeper=home,
        rehoming_model=("endpointBased", None) if home else None,
    )
    return Decision(answer, durable=False)
