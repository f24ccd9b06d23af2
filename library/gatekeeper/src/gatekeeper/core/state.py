"""Registrations and calls, with an index for every question that a decision asks: none of them searches a list."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.core.calls import CALL, Calls, decode_call
from gatekeeper.core.registration_index import Registration, RegistrationIndex
from gatekeeper.store import Change

ALMOST_OUT = "almost-out/"

__all__ = ["Registration", "State"]


class State(RegistrationIndex):
    """All registrations and calls of the zone."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = Calls()
        self.almost_out: set[str] = set()
        """endpointIdentifiers of those who said that they are almost out of resources (RAI)."""

    @classmethod
    def restored(cls, items: Mapping[str, bytes], now: float) -> State:
        """The state that the store's items describe; its calls count as reported now (monotonic seconds)."""
        state = cls()
        state.restore_registrations(items)
        for key, value in items.items():
            if key.startswith(CALL):
                state.calls.add(decode_call(value), now)
            elif key.startswith(ALMOST_OUT):
                state.almost_out.add(key.removeprefix(ALMOST_OUT))
        return state

    def gateways_in_order(self, digits: str) -> tuple[Registration, ...]:
        """The gateways with the longest fitting prefix: those almost out of resources last, then by calls."""
        return tuple(sorted(self.gateways_for(digits), key=self._burden))

    def _burden(self, gateway: Registration) -> tuple[bool, int, str]:
        identifier = gateway.endpoint_identifier
        return identifier in self.almost_out, self.calls.count_of(identifier), identifier

    def forget_resources(self, endpoint_identifier: str) -> tuple[Change, ...]:
        """The endpoint has resources again, or is gone; what that changes in the store."""
        if endpoint_identifier not in self.almost_out:
            return ()
        self.almost_out.discard(endpoint_identifier)
        return (Change(ALMOST_OUT + endpoint_identifier, None),)
