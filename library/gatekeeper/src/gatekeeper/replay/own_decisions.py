"""What a gatekeeper decides by itself: ends of registrations and calls, and bandwidth that a registry lowers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from h323.ras import BandwidthRequest

from gatekeeper.core.authentication import permitted
from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS
from gatekeeper.core.calls import Call, Leg
from gatekeeper.core.effects import Instant
from gatekeeper.core.information import granted_beforehand
from gatekeeper.core.mcu_choice import mcu_of_registration
from gatekeeper.core.registration import entitled
from gatekeeper.core.request import Request
from gatekeeper.core.settings import CoreSettings
from gatekeeper.registry import Guardian, Registry
from gatekeeper.replay.fields import Fields
from gatekeeper.replay.history import History
from gatekeeper.replay.proven import Verdict

_NEVER_ADMITTED = "reported, but not admitted"


class OwnDecisions:
    """Judges them, and has the history go on."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.registry: Registry | None = None
        self.settings: CoreSettings | None = None
        self._lowered: dict[Leg, int] = {}
        """What each leg has to get of a quota that was lowered."""

    def needs_registry(self, fields: Fields) -> bool:
        """Whether the registry says if it is justified."""
        kind, detail = fields.text("msg_type"), fields.text("unregister_reason")
        return kind in ("ADOPTED", "BRQ") or (kind == "EXPIRED" and detail != "ttlExpired")

    def take(self, fields: Fields) -> Verdict | None:
        """What is against a record; None where nothing is, or where it decides nothing."""
        take = _TAKE.get(fields.needed_text("msg_type"))
        return take(self, fields) if take is not None else None

    def _guardian(self, fields: Fields) -> Guardian | None:
        return self.registry.by_terminal_id(fields.needed_text("terminal_id")) if self.registry is not None else None

    def expired(self, fields: Fields) -> Verdict | None:
        """A registration's end."""
        registration = self._history.state.registrations.get(fields.needed_text("endpoint_identifier"))
        if registration is None:
            return Verdict("no end: this endpoint is not registered", "registrations")
        calls = self._history.state.calls.count_of(registration.endpoint_identifier)
        guardian = self._guardian(fields)
        self._history.end(registration)
        if fields.number("calls_ended") != calls:
            return Verdict(f"{calls} calls_ended", "registrations")
        why = fields.needed_text("unregister_reason")
        if self.registry is None or why == "ttlExpired":
            return None
        allowed = guardian is not None and permitted(guardian) is None
        if why == "securityDenial":
            return Verdict("no end: the registry permits this guardian", "status on the registry") if allowed else None
        still = guardian is not None and entitled(registration, guardian)
        return Verdict("no end: the registry gives all that is registered", "the registry") if still else None

    def cleared(self, fields: Fields) -> Verdict | None:
        """A call's end."""
        call = self._history.call_of(fields)
        if fields.text("detail") == _NEVER_ADMITTED:
            return Verdict("no end: this call was admitted", "calls and their ends") if call is not None else None
        if call is None:
            return Verdict("no end: there is no such call", "calls and their ends")
        self._history.remove_call(call)
        if fields.number("bandwidth_bps") != call.bandwidth_bps:
            return Verdict(f"bandwidth_bps {call.bandwidth_bps}", "calls and their ends")
        return None

    def adopted(self, fields: Fields) -> Verdict | None:
        """A call that needed no ARQ."""
        state = self._history.state
        registration = state.registrations.get(fields.needed_text("endpoint_identifier"))
        if registration is None or self.settings is None:
            return Verdict("no call: this endpoint is not registered", "only who is registered")
        if self._history.call_of(fields) is not None:
            return Verdict("nothing: the call is known", "calls and their ends")
        call = Call(
            endpoint_identifier=registration.endpoint_identifier,
            terminal_id=registration.terminal_id,
            call_identifier=fields.needed_text("call_identifier"),
            conference_id=fields.needed_text("conference_id"),
            bandwidth_bps=fields.needed_number("bandwidth_bps"),
            destination=registration.call_signal_address,
            mcu=None,
            answer_call=fields.flag("answer_call"),
            call_reference=fields.number("call_reference") or 0,
            participant=mcu_of_registration(registration, self.settings) is None,
            admitted_at=fields.unix(),
        )
        guardian = self._guardian(fields)
        denial = None
        if guardian is not None and self.registry is not None:
            denial = granted_beforehand(self._request(guardian, self.registry, self.settings, call), call)
        self._history.put_call(call)
        if guardian is None and self.registry is not None:
            return Verdict("no call: nobody of this terminal_id is on the registry", "the registry")
        return Verdict(f"no call, {denial.name.value}: {denial.detail}", "preGrantedARQ") if denial else None

    def _request(self, guardian: Guardian, registry: Registry, settings: CoreSettings, call: Call) -> Request[Any]:
        """The report that named the call; `granted_beforehand` looks at whose it is and at the state only."""
        return Request(
            message=BandwidthRequest(
                request_seq_num=1,
                endpoint_identifier=call.endpoint_identifier,
                conference_id=bytes(16),
                call_reference_value=0,
                band_width=0,
            ),
            guardian=guardian,
            source=("", 0),
            now=Instant(0.0, call.admitted_at),
            state=self._history.state,
            registry=registry,
            settings=settings,
            random_bytes=bytes,
        )

    def lowered(self, fields: Fields) -> Verdict | None:
        """A call's part of a quota that a registry has lowered."""
        call = self._history.call_of(fields)
        if call is None:
            return Verdict("nothing: there is no such call", "calls and their ends")
        guardian = self._guardian(fields)
        if call.leg not in self._lowered and guardian is not None:
            self._lowered = self._parts(call, guardian.bandwidth_quota_bps)
        expected = self._lowered.pop(call.leg, None)
        bandwidth = fields.needed_number("bandwidth_bps")
        self._history.put_call(replace(call, bandwidth_bps=bandwidth))
        if self.registry is None or expected == bandwidth:
            return None
        return Verdict(f"bandwidth_bps {call.bandwidth_bps if expected is None else expected}", "bandwidth quota")

    def _parts(self, call: Call, quota: int) -> dict[Leg, int]:
        total = self._history.state.calls.bandwidth_of(call.terminal_id)
        if total <= quota:
            return {}
        parts = {}
        for old in self._history.state.calls.of_endpoint(call.endpoint_identifier):
            part = old.bandwidth_bps * quota // total
            parts[old.leg] = part - part % BANDWIDTH_UNIT_BPS
        return parts


_TAKE: Mapping[str, Callable[[OwnDecisions, Fields], Verdict | None]] = {
    "EXPIRED": OwnDecisions.expired,
    "CLEARED": OwnDecisions.cleared,
    "ADOPTED": OwnDecisions.adopted,
    "BRQ": OwnDecisions.lowered,
}
