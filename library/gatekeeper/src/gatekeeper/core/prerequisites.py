"""What every request must satisfy before it is looked at: this gatekeeper, this protocol, no feature that we lack."""

from __future__ import annotations

from h323.asn1.types import FeatureSet
from h323.council import RefusalName
from h323.ras import AlternateGK

from gatekeeper.core.denial import Denial
from gatekeeper.core.effects import Address
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.transport_address import to_transport_address

_H225 = "0.0.8.2250.0."
"""What a protocolIdentifier begins with; the number behind it is the version (H.225.0 7.1)."""


def names_another_gatekeeper(identifier: str | None, settings: CoreSettings) -> bool:
    """Whether a gatekeeperIdentifier is there and isn't ours. Some stacks end it with a NUL."""
    return identifier is not None and identifier.rstrip("\0") != settings.gatekeeper_identifier


def refused_revision(protocol_identifier: str) -> Denial | None:
    """Every version of H.225.0 is taken, later ones too: what they add is passed over. Other protocols are not."""
    if protocol_identifier.startswith(_H225):
        return None
    return Denial(RefusalName.GATEKEEPER_ERROR, "the protocolIdentifier is not H.225.0's", reason="invalidRevision")


def refused_feature(feature_set: FeatureSet | None) -> Denial | None:
    """This gatekeeper has no feature of the generic extensibility framework, so that none can be needed (H.460.1)."""
    if feature_set is None or not feature_set.needed_features:
        return None
    detail = "a needed feature is not supported"
    return Denial(RefusalName.GATEKEEPER_ERROR, detail, reason="neededFeatureNotSupported")


def assigned_gatekeeper(settings: CoreSettings, source: Address, *, supported: bool | None) -> AlternateGK | None:
    """Where an endpoint that knows assigned gatekeepers belongs, and comes back to from an alternate (H.323 7.2.7)."""
    if not supported:
        return None
    return AlternateGK(
        ras_address=to_transport_address(settings.ras_address_for(source)),
        gatekeeper_identifier=settings.gatekeeper_identifier,
        need_to_register=False,
        priority=0,
    )
