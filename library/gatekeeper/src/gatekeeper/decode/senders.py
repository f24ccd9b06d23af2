"""Whose exchange a message is of. Only signed requests name a terminal_id; the rest is known from what came before."""

from __future__ import annotations

from collections import OrderedDict

from h323.h235 import SignedToken, Token
from h323.ras import AliasAddress, GatekeeperRequest, RasMessage, RegistrationConfirm, RegistrationRequest

from gatekeeper.decode.keys import Keys
from gatekeeper.decode.pairing import Relation

_MOST_ENDPOINTS = 20_000


class Senders:
    """Learns from each RCF whose endpointIdentifier is which."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._endpoints: OrderedDict[str, str] = OrderedDict()

    def terminal(self, message: RasMessage, token: Token | None, relation: Relation) -> str | None:
        """The terminal_id of the guardian whose exchange it is, as far as it can be told; of no proof."""
        if relation.is_answer and relation.exchange is not None and relation.exchange.terminal is not None:
            return relation.exchange.terminal
        if token is None:
            return self._claimed(message)
        if token.senders_id == self._keys.gatekeeper_identifier:
            return None if token.general_id is None else self._named(token.general_id)
        return token.senders_id if isinstance(token, SignedToken) else self._named(token.senders_id)

    def learn(self, message: RasMessage, terminal: str | None) -> None:
        """Remember whom an RCF gave an endpointIdentifier."""
        if not isinstance(message, RegistrationConfirm) or terminal is None:
            return
        self._endpoints[message.endpoint_identifier] = terminal
        if len(self._endpoints) > _MOST_ENDPOINTS:
            self._endpoints.popitem(last=False)

    def _claimed(self, message: RasMessage) -> str | None:
        """Who an unsigned request says that it is of: by aliases where it has no endpointIdentifier yet."""
        identifier = getattr(message, "endpoint_identifier", None)
        if isinstance(identifier, str) and identifier.rstrip("\0") in self._endpoints:
            return self._endpoints[identifier.rstrip("\0")]
        if isinstance(message, GatekeeperRequest):
            return self._owner(message.endpoint_alias)
        return self._owner(message.terminal_alias) if isinstance(message, RegistrationRequest) else None

    def _named(self, name: str) -> str:
        """The terminal_id of an alias or endpointIdentifier; the name itself where it isn't known."""
        name = name.rstrip("\0")
        guardian = self._keys.registry.by_alias(name) if self._keys.registry is not None else None
        return self._endpoints.get(name) or (guardian.terminal_id if guardian is not None else name)

    def _owner(self, aliases: tuple[AliasAddress, ...] | None) -> str | None:
        if self._keys.registry is None:
            return None
        owners = (self._keys.registry.by_alias(str(alias[1]).rstrip("\0")) for alias in aliases or ())
        return next((owner.terminal_id for owner in owners if owner is not None), None)
