"""The state as the log tells it: what was decided counts, whether it was right or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from gatekeeper.core.calls import Call
from gatekeeper.core.registration import unregister_endpoint
from gatekeeper.core.registration_index import Registration, Sharing
from gatekeeper.core.state import ALMOST_OUT, State
from gatekeeper.replay.fields import Fields, address_of
from gatekeeper.store import Change


class History:
    """The state, and each item of it as the store had it, so that a decision that wasn't taken can be taken back."""

    def __init__(self) -> None:
        self.state = State()
        self.items: dict[str, bytes] = {}

    def keep(self, changes: tuple[Change, ...]) -> None:
        """What a policy has changed in the state was so decided."""
        for change in changes:
            if change.value is None:
                self.items.pop(change.key, None)
            else:
                self.items[change.key] = change.value

    def take_back(self, changes: tuple[Change, ...]) -> None:
        """What a policy has changed in the state was not so decided."""
        self.state.take({change.key: self.items.get(change.key) for change in changes}, Sharing())

    def end(self, registration: Registration) -> None:
        """A registration and its calls are gone."""
        self.keep(unregister_endpoint(self.state, registration))

    def put_call(self, call: Call) -> None:
        """A leg is so, whatever it was before."""
        old = self.state.calls.get(*call.leg)
        if old is not None:
            self.state.calls.replace(old, call)
        else:
            self.state.calls.add(call, 0.0)
        self.keep((Change(call.key, call.encoded()),))

    def remove_call(self, call: Call) -> None:
        """A leg is gone."""
        self.state.calls.remove(call)
        self.keep((Change(call.key, None),))

    def call_of(self, fields: Fields) -> Call | None:
        """The leg that a record is about, if there is one."""
        return self.state.calls.get(fields.text("endpoint_identifier") or "", fields.text("call_identifier") or "")

    def follow(self, asked: Fields, told: Fields) -> None:
        """A confirmation that no policy stands behind was given all the same.

        Raises:
            RecordError: it doesn't say what was granted.
        """
        follow = _FOLLOW.get(told.needed_text("msg_type"))
        if follow is not None:
            follow(self, asked, told)


def _admitted(history: History, asked: Fields, told: Fields) -> None:
    endpoint_identifier = asked.needed_text("endpoint_identifier")
    if endpoint_identifier not in history.state.registrations:
        return
    call = Call(
        endpoint_identifier=endpoint_identifier,
        terminal_id=told.needed_text("terminal_id"),
        call_identifier=asked.needed_text("call_identifier"),
        conference_id=asked.needed_text("conference_id"),
        bandwidth_bps=told.needed_number("bandwidth_bps"),
        destination=told.address("destination"),
        mcu=told.text("mcu"),
        answer_call=asked.flag("answer_call"),
        call_reference=asked.number("call_reference") or 0,
    )
    history.put_call(call)


def _changed(history: History, asked: Fields, told: Fields) -> None:
    call = history.call_of(asked)
    if call is not None:
        history.put_call(replace(call, bandwidth_bps=told.needed_number("bandwidth_bps")))


def _disengaged(history: History, asked: Fields, _told: Fields) -> None:
    call = history.call_of(asked)
    if call is not None:
        history.remove_call(call)


def _registered(history: History, asked: Fields, told: Fields) -> None:
    if asked.flag("keep_alive"):
        return
    terminal_id = told.needed_text("terminal_id")
    source = asked.address("source")
    addresses = tuple(map(address_of, asked.texts("call_signal_addresses")))
    ras_address = asked.address("ras_address") if asked.text("ras_address") is not None else source
    registration = Registration(
        endpoint_identifier=told.needed_text("endpoint_identifier"),
        terminal_id=terminal_id,
        aliases=told.texts("aliases"),
        call_signal_addresses=addresses or (source,),
        ras_address=ras_address,
        source=source,
        time_to_live=told.needed_number("time_to_live"),
        endpoint_types=told.texts("endpoint_types"),
        prefixes=told.texts("prefixes"),
        pre_granted_arq=told.texts("pre_granted_arq"),
        authentication=told.needed_text("authentication"),
    )
    old = history.state.registration_of(terminal_id)
    if old is not None and old.endpoint_identifier != registration.endpoint_identifier:
        history.end(old)
    # Whoever has what the log says that this endpoint was given: it can only have one of the two.
    history.state.add_registration(registration)
    history.keep((Change(registration.key, registration.encoded()),))


def _unregistered(history: History, asked: Fields, told: Fields) -> None:
    registration = history.state.registrations.get(told.text("endpoint_identifier") or "")
    if registration is not None and not asked.texts("aliases") and not asked.texts("named_prefixes"):
        history.end(registration)


def _resources(history: History, asked: Fields, _told: Fields) -> None:
    identifier = asked.needed_text("endpoint_identifier")
    if identifier in history.state.registrations and asked.flag("almost_out_of_resources"):
        history.state.almost_out.add(identifier)
        history.keep((Change(ALMOST_OUT + identifier, b"1"),))
    else:
        history.keep(history.state.forget_resources(identifier))


_FOLLOW: Mapping[str, Callable[[History, Fields, Fields], None]] = {
    "ACF": _admitted,
    "BCF": _changed,
    "DCF": _disengaged,
    "RCF": _registered,
    "UCF": _unregistered,
    "RAC": _resources,
}
