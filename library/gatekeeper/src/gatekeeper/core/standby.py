"""What a gatekeeper that is not active says: go there. It decides nothing, so it can't decide wrongly."""

from __future__ import annotations

from collections.abc import Callable

from h323.h235 import PrivateKey
from h323.ras import (
    PROTOCOL_IDENTIFIER,
    AlternateGK,
    AltGKInfo,
    DecodeError,
    GatekeeperReject,
    GatekeeperRequest,
    decode,
)

from gatekeeper.core.effects import Address, Effect, Instant, Observe, Send
from gatekeeper.core.gatekeeper import MAXIMUM_DATAGRAM
from gatekeeper.core.prerequisites import names_another_gatekeeper
from gatekeeper.core.refusal_budget import RefusalBudget
from gatekeeper.core.sealing import Sealer
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.transport_address import to_transport_address


class Standby:
    """Answers discovery with a redirect to the active gatekeeper's address, and nothing else at all."""

    def __init__(self, settings: CoreSettings, signing_key: PrivateKey, random_bytes: Callable[[int], bytes]) -> None:
        self._settings = settings
        self._sealer = Sealer(settings.gatekeeper_identifier, signing_key, random_bytes)
        self._budget = RefusalBudget(settings.refusals_per_source, settings.refusals_in_all, settings.refusal_interval)

    def receive(self, datagram: bytes, source: Address, now: Instant) -> list[Effect]:
        """Take one datagram that reached this node while it is not active. Never raises."""
        if len(datagram) > MAXIMUM_DATAGRAM:
            return [Observe("unknown", "too_large")]
        try:
            message = decode(datagram)
        except DecodeError:
            return [Observe("unknown", "malformed")]
        if not isinstance(message, GatekeeperRequest) or not self._budget.spend(source[0], now.monotonic):
            return [Observe("unknown", "standby")]
        redirect = self._sealer.to_stranger(self._redirect(message, source), None, datagram, now.unix)
        if redirect is None:
            return [Observe("GRQ", "standby")]
        return [Send(redirect, source), Observe("GRQ", "redirected")]

    def _redirect(self, message: GatekeeperRequest, source: Address) -> GatekeeperReject:
        settings = self._settings
        foreign = names_another_gatekeeper(message.gatekeeper_identifier, settings)
        return GatekeeperReject(
            request_seq_num=message.request_seq_num,
            protocol_identifier=PROTOCOL_IDENTIFIER,
            gatekeeper_identifier=settings.gatekeeper_identifier,
            reject_reason=("terminalExcluded", None) if foreign else ("resourceUnavailable", None),
            alt_gk_info=None if foreign else _elsewhere(settings, source),
        )


def _elsewhere(settings: CoreSettings, source: Address) -> AltGKInfo | None:
    """Where the active gatekeeper may be: at the address that they share, or at one of the others' own."""
    addresses = (*((settings.ras_address_for(source),) if settings.shared_address else ()), *settings.alternates)
    there = tuple(
        AlternateGK(
            ras_address=to_transport_address(address),
            gatekeeper_identifier=settings.gatekeeper_identifier,
            need_to_register=True,
            priority=priority,
        )
        for priority, address in enumerate(addresses)
    )
    return AltGKInfo(alternate_gatekeeper=there, alt_gk_is_permanent=False) if there else None
