"""When requests are sent again: the schedule, and an endpoint under any order of events."""

from __future__ import annotations

import pytest
from h323.ras import RegistrationConfirm
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from terminal.core import (
    Confirmed,
    Effect,
    Endpoint,
    Exchange,
    Finished,
    Instant,
    NoAnswer,
    Prepared,
    RetransmissionPolicy,
    Timer,
    Transmit,
)

from .pair import START, from_gatekeeper, identity, private_key, random_source

ALICE = "if://guardian/alice"
POLICY = RetransmissionPolicy()


def test_the_schedule_of_the_council() -> None:
    exchange = Exchange(POLICY, 0.0)
    sent = [0.0]
    while exchange.timeout(at := exchange.next_timeout) is Timer.RETRANSMIT:
        sent.append(at)
    assert sent == pytest.approx([0.0, 0.2, 0.6, 1.4, 2.4, 3.4, 4.4])
    assert at == 5.0
    assert exchange.attempts == 7


def test_nothing_is_due_early() -> None:
    exchange = Exchange(POLICY, 0.0)
    assert exchange.timeout(0.199) is Timer.NOTHING
    assert exchange.attempts == 1


def test_what_was_missed_is_not_made_up_for() -> None:
    exchange = Exchange(POLICY, 0.0)
    assert exchange.timeout(3.0) is Timer.RETRANSMIT
    assert exchange.timeout(3.0) is Timer.NOTHING


@pytest.mark.parametrize(("first", "factor", "give_up"), [(0, 2, 5), (0.2, 0.5, 5), (0.2, 2, 0), (float("nan"), 2, 5)])
def test_a_policy_that_never_ends_is_refused(first: float, factor: float, give_up: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        RetransmissionPolicy(first=first, factor=factor, give_up=give_up)


def confirmation(prepared: Prepared[RegistrationConfirm]) -> RegistrationConfirm:
    return RegistrationConfirm(
        request_seq_num=prepared.request_seq_num,
        protocol_identifier="0.0.8.2250.0.7",
        call_signal_address=(),
        endpoint_identifier="0123456789ABCDEF",
        will_respond_to_irr=False,
        maintain_connection=False,
    )


class AnyOrder(RuleBasedStateMachine):
    """Requests, answers true and forged, and time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.endpoint = Endpoint(identity("alice"), ("192.0.2.101", 1719), random_source("alice"), POLICY)
        self.under_way: dict[int, Prepared[RegistrationConfirm]] = {}
        self.started: dict[int, float] = {}
        self.attempts: dict[int, int] = {}

    def carry_out(self, effects: list[Effect]) -> list[Finished]:
        """Check what is transmitted; forget what is finished."""
        finished = []
        for effect in effects:
            if isinstance(effect, Transmit):
                (number,) = [n for n, one in self.under_way.items() if one.datagram == effect.datagram]
                self.attempts[number] += 1
            elif isinstance(effect, Finished):
                number = effect.prepared.request_seq_num
                assert self.under_way.pop(number) is effect.prepared, "a request finishes once"
                assert effect.outcome.attempts == self.attempts[number]
                assert effect.outcome.seconds == pytest.approx(self.now.monotonic - self.started[number])
                finished.append(effect)
        return finished

    @rule()
    def ask(self) -> None:
        prepared = self.endpoint.prepare(self.endpoint.keep_alive(), self.now.unix)
        number = prepared.request_seq_num
        self.under_way[number], self.started[number], self.attempts[number] = prepared, self.now.monotonic, 0
        assert self.carry_out(self.endpoint.send(prepared, self.now)) == []

    @rule(seconds=st.floats(0, 6, allow_nan=False))
    def time_passes(self, seconds: float) -> None:
        self.now = Instant(self.now.monotonic + seconds, self.now.unix + seconds)
        for finished in self.carry_out(self.endpoint.timeout(self.now)):
            assert isinstance(finished.outcome, NoAnswer)
            assert finished.outcome.seconds >= POLICY.give_up - 1e-6

    @precondition(lambda self: self.under_way)
    @rule()
    def the_timer_fires(self) -> None:
        at = self.endpoint.next_timeout
        assert at is not None
        self.time_passes(max(at - self.now.monotonic, 0))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def an_answer_comes(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.under_way)))
        prepared = self.under_way[number]
        datagram = from_gatekeeper(confirmation(prepared), ALICE, prepared.datagram, self.now.unix)
        (finished,) = self.carry_out(self.endpoint.receive(datagram, self.now))
        assert isinstance(finished.outcome, Confirmed)
        assert self.endpoint.receive(datagram, self.now) == [], "its duplicate is nothing"

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def a_forged_answer_comes(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.under_way)))
        prepared = self.under_way[number]
        forged = from_gatekeeper(
            confirmation(prepared), ALICE, prepared.datagram, self.now.unix, key=private_key("forger")
        )
        assert self.endpoint.receive(forged, self.now) == []

    @rule(octets=st.binary(max_size=64))
    def noise_comes(self, octets: bytes) -> None:
        assert self.endpoint.receive(octets, self.now) == []

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        at = self.endpoint.next_timeout
        assert (at is None) == (not self.under_way)
        for number in self.under_way:
            assert at is not None
            assert at <= self.started[number] + POLICY.give_up + 1e-6

    @invariant()
    def nobody_is_flooded(self) -> None:
        assert all(count <= 7 for count in self.attempts.values())


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
