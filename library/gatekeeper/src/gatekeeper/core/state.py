"""Registrations and calls, with an index for every question that a decision asks: none of them searches a list."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.core.calls import CALL, Calls, decode_call
from gatekeeper.core.registration_index import (
    REGISTRATION,
    Registration,
    RegistrationIndex,
    Sharing,
    decode_registration,
)
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
        state.take(items, Sharing())
        state.calls.report_all(now)
        return state

    def take(self, items: Mapping[str, bytes | None], sharing: Sharing) -> None:
        """These of the store's items have become so, all at once; None is one that is gone. Its calls are not reported.

        Old ones go before new ones come, as one may have what was another's.
        """
        for key in items:
            self._forget_item(key)
        for key, value in items.items():
            if value is not None:
                self._add_item(key, value, sharing)

    def _forget_item(self, key: str) -> None:
        if key.startswith(REGISTRATION):
            registration = self.registrations.get(key.removeprefix(REGISTRATION))
            if registration is not None:
                self.remove_registration(registration)
        elif key.startswith(CALL):
            endpoint_identifier, _, call_identifier = key.removeprefix(CALL).rpartition("/")
            call = self.calls.get(endpoint_identifier, call_identifier)
            if call is not None:
                self.calls.remove(call)
        elif key.startswith(ALMOST_OUT):
            self.almost_out.discard(key.removeprefix(ALMOST_OUT))

    def _add_item(self, key: str, value: bytes, sharing: Sharing) -> None:
        if key.startswith(REGISTRATION):
            self.add_registration(decode_registration(value, sharing))
        elif key.startswith(CALL):
            self.calls.add(decode_call(value), 0.0)
        elif key.startswith(ALMOST_OUT):
            self.almost_out.add(key.removeprefix(ALMOST_OUT))

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
