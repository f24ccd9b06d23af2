"""Registrations and calls, with an index for every question that a decision asks: none of them searches a list."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.core.calls import CALL, Calls, decode_call
from gatekeeper.core.registration_index import Registration, RegistrationIndex

__all__ = ["Registration", "State"]


class State(RegistrationIndex):
    """All registrations and calls of the zone."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = Calls()

    @classmethod
    def restored(cls, items: Mapping[str, bytes], now: float) -> State:
        """The state that the store's items describe; its calls count as reported now (monotonic seconds)."""
        state = cls()
        state.restore_registrations(items)
        for key, value in items.items():
            if key.startswith(CALL):
                state.calls.add(decode_call(value), now)
        return state

    def gateway_for(self, digits: str) -> Registration | None:
        """The gateway for dialled digits, if any: of those with the longest prefix the one with the fewest calls."""
        return min(self.gateways_for(digits), key=self._calls_in_progress, default=None)

    def _calls_in_progress(self, registration: Registration) -> tuple[int, str]:
        endpoint_identifier = registration.endpoint_identifier
        return self.calls.count_of(endpoint_identifier), endpoint_identifier
