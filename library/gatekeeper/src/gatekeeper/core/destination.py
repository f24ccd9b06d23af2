"""Where a call goes: to an MCU, a registered endpoint, or through a gateway. Nobody is sent anywhere else."""

from __future__ import annotations

from dataclasses import dataclass

from h323.council import RefusalName
from h323.ras import AliasAddress

from gatekeeper.core.called_party import called_address, called_names
from gatekeeper.core.denial import Denial
from gatekeeper.core.effects import Address
from gatekeeper.core.mcu_choice import choose_mcu, mcu_capacity, mcu_of_registration
from gatekeeper.core.registration_index import GATEWAY, MCU, TERMINAL, Registration
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import State
from gatekeeper.core.terminal_alias import to_alias_address

MOST_ALIASES = 16
"""Aliases of one called party that are looked up."""
MOST_ALTERNATES = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request says of the called party."""

    aliases: tuple[AliasAddress, ...]
    address: Address | None
    conference_id: str | None
    caller: Registration | None
    """None where a neighbour asks."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call goes."""

    address: Address
    kind: str = TERMINAL
    mcu: str | None = None
    """The MCU's name, if it is one."""
    aliases: tuple[AliasAddress, ...] = ()
    """Whom the caller names in Setup."""
    alternates: tuple[Address, ...] = ()
    """Where else the call may be sent if nobody is there, best first."""
    ras_address: Address | None = None
    """The endpoint's own; None for a configured MCU."""


class Directory:
    """Finds called parties in one zone's state."""

    def __init__(self, state: State, settings: CoreSettings) -> None:
        self._state = state
        self._settings = settings

    def find(self, wanted: Wanted) -> Destination | Denial:
        """The destination that all aliases together name or, where they name none, the address."""
        if not wanted.aliases and wanted.address is None:
            return _unknown("no destination is named", "incompleteAddress")
        decided = [self._by_alias(alias, wanted) for alias in wanted.aliases[:MOST_ALIASES]]
        found = [one for one in decided if isinstance(one, Destination)]
        if len({one.address for one in found}) > 1:
            return _unknown("the aliases name different endpoints", "aliasesInconsistent")
        if found:
            return found[0]
        address = self._at(wanted.address, wanted) if wanted.address is not None else None
        if address is not None:
            return address
        denials = (one for one in decided if isinstance(one, Denial))
        return next(denials, _unknown("nobody is registered there", "calledPartyNotRegistered"))

    def _by_alias(self, alias: AliasAddress, wanted: Wanted) -> Destination | Denial | None:
        names = called_names(alias, self._settings)
        if self._settings.council_alias in names:
            return self._council(alias, wanted)
        for name in names:
            callee = self._state.registration_by_alias(name)
            if callee is not None:
                return self._registered(callee, wanted)
        address = called_address(alias, self._settings)
        if address is not None:
            return self._at(address, wanted)
        return self._through_gateway(names[0], alias) if names else None

    def _council(self, alias: AliasAddress, wanted: Wanted) -> Destination | Denial:
        mcus = choose_mcu(self._state, self._settings, wanted.conference_id)
        if isinstance(mcus, Denial):
            return mcus
        first, *others = mcus
        there = self._state.registration_at(first.address)
        return Destination(
            first.address,
            MCU,
            first.name,
            (alias,),
            tuple(mcu.address for mcu in others[:MOST_ALTERNATES]),
            there.ras_address if there is not None else None,
        )

    def _at(self, address: Address, wanted: Wanted) -> Destination | Denial | None:
        mcu = next((mcu for mcu in self._settings.mcus if mcu.address == address), None)
        if mcu is not None:
            return mcu_capacity(self._state, mcu) or Destination(mcu.address, MCU, mcu.name)
        callee = self._state.registration_at(address)
        return self._registered(callee, wanted, address) if callee is not None else None

    def _registered(self, callee: Registration, wanted: Wanted, address: Address | None = None) -> Destination | Denial:
        mcu = mcu_of_registration(callee, self._settings)
        denial = mcu_capacity(self._state, mcu) if mcu is not None else None
        if denial is not None:
            return denial
        if address is None:
            caller = wanted.caller
            address = callee.call_signal_address_for(caller) if caller is not None else callee.call_signal_address
        others = tuple(one for one in callee.call_signal_addresses if one != address)
        return Destination(
            address,
            callee.endpoint_types[0] if mcu is None else MCU,
            mcu.name if mcu is not None else None,
            tuple(to_alias_address(alias) for alias in callee.aliases),
            others[:MOST_ALTERNATES],
            callee.ras_address,
        )

    def _through_gateway(self, digits: str, alias: AliasAddress) -> Destination | Denial | None:
        """The gateways with the longest fitting prefix, one to call and the others as alternates."""
        gateways = self._state.gateways_in_order(digits)
        if not gateways:
            return None
        if digits in gateways[0].prefixes:
            return _unknown("a gateway's prefix with no number behind it", "incompleteAddress")
        first, *others = gateways
        alternates = tuple(other.call_signal_address for other in others[:MOST_ALTERNATES])
        return Destination(first.call_signal_address, GATEWAY, None, (alias,), alternates, first.ras_address)


def _unknown(detail: str, reason: str) -> Denial:
    return Denial(RefusalName.UNKNOWN_ALIAS, detail, reason=reason)
