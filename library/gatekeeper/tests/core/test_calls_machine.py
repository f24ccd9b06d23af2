"""Random guardians at a whole gatekeeper: whatever they, time, operators and failovers do, the sums come out right."""

from __future__ import annotations

from dataclasses import replace

from gatekeeper.core import Effect, Mcu, Selection, Send
from gatekeeper.core.description import request_seq_num
from gatekeeper.core.state import State
from gatekeeper.registry import Registry
from h323.ras import (
    BandwidthConfirm,
    BandwidthReject,
    BandwidthRequest,
    CallIdentifier,
    DisengageConfirm,
    DisengageReject,
    DisengageRequest,
    InfoRequest,
    RasMessage,
    UnregistrationConfirm,
    UnregistrationRequest,
    decode,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from .test_state_machine import picture
from .zone import SETTINGS, Terminal, Zone, guardian

NAMES = ("alice", "bob", "carol")
QUOTA = 256_000
CONFERENCES = (bytes(16), bytes(15) + b"\1")
MCUS = (Mcu("mcu1", ("192.0.2.21", 1720), 2), Mcu("mcu2", ("192.0.2.22", 1720), 1))
LIMITS = replace(
    SETTINGS, mcus=MCUS, conference_capacity=3, calls_per_endpoint=5, max_initiated=4, maximum_bandwidth_bps=128_000
)

names = st.sampled_from(NAMES)
numbers = st.integers(1, 3)
bandwidths = st.sampled_from((0, 32_000, 64_000, 128_000))


def guardians(quota: int) -> Registry:
    return Registry(tuple(replace(guardian(name), bandwidth_quota_bps=quota) for name in NAMES))


class Council(RuleBasedStateMachine):
    """A gatekeeper, three guardians' terminals, and what the gatekeeper has asked of them."""

    def __init__(self) -> None:
        super().__init__()
        self.zone = Zone(*guardians(QUOTA).guardians, settings=LIMITS)
        self.quota = QUOTA
        self.terminals = {name: Terminal(self.zone, name, 101 + number) for number, name in enumerate(NAMES)}
        for terminal in self.terminals.values():
            terminal.register()
        self.asked: list[tuple[Terminal, RasMessage]] = []

    @property
    def state(self) -> State:
        return self.zone.gatekeeper._state

    def take(self, effects: list[Effect]) -> None:
        """Requests of the gatekeeper's own reach their terminals."""
        by_source = {terminal.source: terminal for terminal in self.terminals.values()}
        for effect in effects:
            if isinstance(effect, Send):
                message = decode(effect.datagram)
                if isinstance(message, DisengageRequest | BandwidthRequest | InfoRequest | UnregistrationRequest):
                    self.asked.append((by_source[effect.destination], message))

    def send(self, terminal: Terminal, message: RasMessage) -> None:
        effects = self.zone.gatekeeper.receive(terminal.signed(message), terminal.source, self.zone.now)
        self.take(self.zone.settle(effects))

    # Guardians

    @rule(name=names)
    def registers(self, name: str) -> None:
        self.terminals[name].register()

    @rule(name=names)
    def keeps_alive(self, name: str) -> None:
        self.send(self.terminals[name], self.terminals[name].registration(keep_alive=True))

    @rule(name=names)
    def unregisters(self, name: str) -> None:
        self.send(self.terminals[name], self.terminals[name].unregistration())

    @rule(
        name=names,
        number=numbers,
        to=st.sampled_from(("council", "council", "council", *NAMES)),
        conference=st.sampled_from(CONFERENCES),
        bandwidth=bandwidths,
    )
    def calls(self, name: str, number: int, to: str, conference: bytes, bandwidth: int) -> None:
        terminal = self.terminals[name]
        message = terminal.admission(number, bandwidth_bps=bandwidth, to=to)
        self.send(terminal, replace(message, conference_id=conference))

    @rule(name=names, caller=names, number=numbers, conference=st.sampled_from(CONFERENCES), bandwidth=bandwidths)
    def answers_a_call(self, name: str, caller: str, number: int, conference: bytes, bandwidth: int) -> None:
        terminal = self.terminals[name]
        message = replace(
            terminal.admission(number, bandwidth_bps=bandwidth, to=name),
            answer_call=True,
            src_info=(("h323-ID", caller),),
            conference_id=conference,
            call_identifier=CallIdentifier(guid=self.terminals[caller].call_identifier(number)),
        )
        self.send(terminal, message)

    def leg(self, which: int, name: str | None) -> tuple[Terminal, CallIdentifier]:
        """One of the legs that there are, and its own endpoint's terminal, or the one named."""
        legs = tuple(self.state.calls)
        leg = legs[which % len(legs)]
        own = leg.terminal_id.rpartition("/")[2]
        return self.terminals[name or own], CallIdentifier(guid=bytes.fromhex(leg.call_identifier))

    @precondition(lambda self: self.zone.gatekeeper.calls)
    @rule(which=st.integers(0, 9), name=st.none() | names, bandwidth=bandwidths)
    def changes_bandwidth(self, which: int, name: str | None, bandwidth: int) -> None:
        terminal, identifier = self.leg(which, name)
        self.send(terminal, replace(terminal.bandwidth(bandwidth), call_identifier=identifier))

    @precondition(lambda self: self.zone.gatekeeper.calls)
    @rule(which=st.integers(0, 9), name=st.none() | names)
    def disengages(self, which: int, name: str | None) -> None:
        terminal, identifier = self.leg(which, name)
        self.send(terminal, replace(terminal.disengagement(), call_identifier=identifier))

    @rule(name=names, reported=st.sets(numbers), need_response=st.booleans())
    def reports(self, name: str, reported: set[int], need_response: bool) -> None:
        terminal = self.terminals[name]
        self.send(terminal, terminal.report(*sorted(reported), need_response=need_response))

    # The gatekeeper's own requests

    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 100), yes=st.booleans(), reported=st.sets(numbers))
    def answers_the_gatekeeper(self, which: int, yes: bool, reported: set[int]) -> None:
        terminal, message = self.asked.pop(which % len(self.asked))
        number = request_seq_num(message)
        answer: RasMessage
        if isinstance(message, InfoRequest):
            answer = terminal.report(*sorted(reported), seq=number)
        elif isinstance(message, BandwidthRequest) and yes:
            answer = BandwidthConfirm(request_seq_num=number, band_width=message.band_width)
        elif isinstance(message, BandwidthRequest):
            answer = BandwidthReject(
                request_seq_num=number, reject_reason=("undefinedReason", None), allowed_band_width=0
            )
        elif isinstance(message, UnregistrationRequest):
            answer = UnregistrationConfirm(request_seq_num=number)
        elif yes:
            answer = DisengageConfirm(request_seq_num=number)
        else:
            answer = DisengageReject(request_seq_num=number, reject_reason=("requestToDropOther", None))
        self.send(terminal, answer)

    @rule()
    def nobody_answers_any_more(self) -> None:
        self.asked.clear()

    # The rest of the world

    @rule(seconds=st.sampled_from((0.25, 1, 8, 20, 61, 181)))
    def time_passes(self, seconds: float) -> None:
        self.take(self.zone.wait(seconds))

    @rule(
        name=names, conference=st.sampled_from(CONFERENCES), which=st.sampled_from(("call", "conference", "terminal"))
    )
    def an_operator_clears(self, name: str, conference: bytes, which: str) -> None:
        terminal = self.terminals[name]
        selection = {
            "call": Selection(call_identifier=terminal.call_identifier(1).hex()),
            "conference": Selection(conference_id=conference.hex()),
            "terminal": Selection(terminal_id=terminal.terminal_id),
        }[which]
        before = self.zone.gatekeeper.calls
        cleared, effects = self.zone.gatekeeper.clear_calls(selection, self.zone.now)
        self.take(self.zone.settle(effects))
        assert self.zone.gatekeeper.calls == before - cleared

    @rule(quota=st.sampled_from((QUOTA, 100_000, 1_000)))
    def quotas_change(self, quota: int) -> None:
        self.quota, self.zone.registry = quota, guardians(quota)
        self.take(self.zone.settle(self.zone.gatekeeper.use_registry(self.zone.registry, self.zone.now)))

    @rule()
    def fails_over(self) -> None:
        self.zone.fail_over()

    # What always holds

    @invariant()
    def nobody_has_more_than_their_quota(self) -> None:
        for terminal in self.terminals.values():
            legs = [call for call in self.state.calls if call.terminal_id == terminal.terminal_id]
            total = sum(call.bandwidth_bps for call in legs)
            assert self.state.calls.bandwidth_of(terminal.terminal_id) == total <= self.quota
            assert len(legs) <= LIMITS.calls_per_endpoint

    @invariant()
    def no_mcu_and_no_conference_is_overfull(self) -> None:
        calls = tuple(self.state.calls)
        for mcu in MCUS:
            assert self.state.calls.legs_of(mcu.name) == sum(call.mcu == mcu.name for call in calls) <= mcu.capacity
        for conference in CONFERENCES:
            legs = [call for call in calls if call.conference_id == conference.hex()]
            assert self.state.calls.participants(conference.hex()) == len(legs) <= LIMITS.conference_capacity
            assert len({call.mcu for call in legs if call.mcu is not None}) <= 1, "a conference is on one MCU"

    @invariant()
    def an_answered_call_was_admitted_to_who_answers(self) -> None:
        for leg in self.state.calls:
            assert leg.endpoint_identifier in self.state.registrations

    @invariant()
    def the_other_gatekeeper_would_restore_all(self) -> None:
        assert picture(State.restored(self.zone.store.items, 0.0)) == picture(self.state)

    @invariant()
    def what_waits_is_bounded(self) -> None:
        gatekeeper = self.zone.gatekeeper
        assert len(gatekeeper._outgoing) <= LIMITS.max_initiated
        assert len(gatekeeper._commits) == 0

    def teardown(self) -> None:
        """Everybody leaves, and nothing is left."""
        for terminal in self.terminals.values():
            self.send(terminal, terminal.unregistration())
        for _ in range(12):
            self.zone.wait(61)
        gatekeeper = self.zone.gatekeeper
        assert (gatekeeper.registrations, gatekeeper.calls, len(gatekeeper._outgoing)) == (0, 0, 0)
        assert not self.zone.store.items
        counts = picture(self.state).pop("by_authentication")
        assert isinstance(counts, dict)
        assert not any(counts.values())
        assert not [name for name, index in picture(self.state).items() if index and index is not counts]


TestCouncil = Council.TestCase
TestCouncil.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
