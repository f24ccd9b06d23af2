"""What a record may repeat of the text in a request: names that the council gave, never what somebody typed.

A request's text can hold anything: a caller's name, an outsider's telephone number. So a record names an alias only if
the registry, a registration or the settings have it, an endpointIdentifier only if it looks like one of ours. For
all else stands UNLISTED, and before it as much of a number as is a gateway's prefix. A policy looks at no more, so that
a decision can be made again from it (`gatekeeper.replay`). The fields are listed in `personal_data.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from h323.ras import AliasAddress

from gatekeeper.core.called_party import called_address, called_names
from gatekeeper.core.destination import MOST_ALIASES
from gatekeeper.core.prerequisites import names_another_gatekeeper
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import State
from gatekeeper.core.terminal_alias import alias_text
from gatekeeper.core.transport_address import address_text
from gatekeeper.registry import Registry

UNLISTED = "?"
"""Stands for text that is nobody's name here; no alias or prefix has this character."""
_IDENTIFIER = re.compile(r"[0-9A-F]{16}\0{0,8}")


class Disclosure:
    """Says it by the names that are known now."""

    def __init__(self, state: State, settings: CoreSettings, registry: Registry) -> None:
        self.registry = registry
        self._state = state
        self._settings = settings

    def knows(self, name: str) -> bool:
        """Whether this is a name that the council gave."""
        return self.registry.by_alias(name) is not None or self._state.registration_by_alias(name) is not None

    def own_aliases(self, aliases: Iterable[AliasAddress] | None) -> list[str] | None:
        """What an endpoint says that it is called, each once."""
        texts = (alias_text(alias) for alias in aliases or ())
        named = dict.fromkeys(text if text is not None and self.knows(text) else UNLISTED for text in texts)
        return list(named) or None

    def called(self, aliases: Iterable[AliasAddress] | None) -> list[str] | None:
        """Whom a request names as the called party, each once: names, HOST:PORT, or a prefix and UNLISTED."""
        if not aliases:
            return None
        named = dict.fromkeys(self._called(alias) for alias in tuple(aliases)[:MOST_ALIASES])
        return list(named)

    def _called(self, alias: AliasAddress) -> str:
        names = called_names(alias, self._settings)
        if self._settings.council_alias in names:
            return self._settings.council_alias
        for name in names:
            if self.knows(name):
                return name
        address = called_address(alias, self._settings)
        if address is not None:
            return address_text(address)
        return self.number(names[0]) if names else UNLISTED

    def number(self, digits: str) -> str:
        """Of a number to which a gateway may take a call, its prefix."""
        prefix = self._state.longest_prefix(digits)
        return prefix if prefix == digits and prefix else prefix + UNLISTED

    def callers(self, aliases: Iterable[AliasAddress]) -> list[str] | None:
        """Of those that a request names as the calling party, the names that we know."""
        names = (name for alias in tuple(aliases)[:MOST_ALIASES] for name in called_names(alias, self._settings))
        return list(dict.fromkeys(name for name in names if self._state.registration_by_alias(name))) or None

    def prefixes(self, texts: Iterable[str | None]) -> list[str] | None:
        """What a gateway says that its numbers begin with, as far as the registry has it."""
        known = self.registry.prefixes
        return list(dict.fromkeys(one if one in known else UNLISTED for one in texts if one is not None)) or None

    def identifier(self, text: str | None) -> str | None:
        """An endpointIdentifier."""
        if text is None or text in self._state.registrations or _IDENTIFIER.fullmatch(text):
            return text
        return UNLISTED

    def claimed_sender(self, senders_id: str | None) -> str | None:
        """Whom a request that proves nothing names as its sender."""
        if senders_id is None or self.knows(senders_id) or self.identifier(senders_id) != UNLISTED:
            return senders_id
        return UNLISTED

    def names_another_gatekeeper(self, identifier: str | None) -> bool:
        """Whether a gatekeeperIdentifier is there and isn't ours; what it is instead is not said."""
        return names_another_gatekeeper(identifier, self._settings)
