"""Which MCU a conference goes to."""

from __future__ import annotations

from h323.council import RefusalName

from gatekeeper.core.denial import Denial
from gatekeeper.core.registration_index import MCU, Registration
from gatekeeper.core.resources import almost_out_of_resources
from gatekeeper.core.settings import CoreSettings, Mcu
from gatekeeper.core.state import State


def all_mcus(state: State, settings: CoreSettings) -> tuple[Mcu, ...]:
    """The configured MCUs, and those that the registry lets register as one."""
    configured = {mcu.address for mcu in settings.mcus}
    registered = (
        _registered(there, settings)
        for there in state.registered_mcus.values()
        if configured.isdisjoint(there.call_signal_addresses)
    )
    return (*settings.mcus, *registered)


def mcu_of_registration(registration: Registration, settings: CoreSettings) -> Mcu | None:
    """The MCU that this endpoint is, if it is one."""
    configured = (mcu for mcu in settings.mcus if mcu.address in registration.call_signal_addresses)
    found = next(configured, None)
    if found is None and MCU in registration.endpoint_types:
        return _registered(registration, settings)
    return found


def _registered(registration: Registration, settings: CoreSettings) -> Mcu:
    """It doesn't say how much it can mix: a whole conference, then."""
    return Mcu(registration.terminal_id, registration.call_signal_address, settings.conference_capacity)


def mcu_capacity(state: State, mcu: Mcu) -> Denial | None:
    """An MCU mixes at most so many legs."""
    if state.calls.legs_of(mcu.name) >= mcu.capacity:
        return Denial(RefusalName.CAPACITY_EXCEEDED, "the MCU has no free port")
    return None


def choose_mcu(state: State, settings: CoreSettings, conference_id: str | None) -> tuple[Mcu, ...] | Denial:
    """MCUs with a free port, the one to call first and its alternates behind it.

    A conference stays on its MCU. A new one goes where the smallest part of the capacity is in use, and to an MCU
    that is almost out of resources (RAI) only when there's no other.
    """
    mcus = all_mcus(state, settings)
    if not mcus:
        return Denial(RefusalName.CAPACITY_EXCEEDED, "no MCU is configured; name one under mcus")
    current = state.calls.mcu_of(conference_id) if conference_id is not None else None
    home = next((mcu for mcu in mcus if mcu.name == current), None)
    if home is not None:
        denial = mcu_capacity(state, home)
        if denial is not None:
            return denial
    free = [mcu for mcu in mcus if mcu_capacity(state, mcu) is None]
    if not free:
        return Denial(RefusalName.CAPACITY_EXCEEDED, "the MCU has no free port")
    return tuple(sorted(free, key=lambda mcu: (mcu != home, *_burden(state, mcu))))


def _burden(state: State, mcu: Mcu) -> tuple[bool, float, str]:
    return almost_out_of_resources(state, mcu.address), state.calls.legs_of(mcu.name) / mcu.capacity, mcu.name
