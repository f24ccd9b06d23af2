"""The prober's core against a gatekeeper's core, over a wire that loses, delays, doubles and forges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from gatekeeper.core import CoreSettings
from h323.h235 import read_token
from h323.ras import AdmissionRequest, DisengageRequest, RegistrationConfirm, RegistrationRequest, decode
from hypothesis import given, settings
from hypothesis import strategies as st
from terminal.core import Finished, Instant, Transmit
from terminal.probe.prober import MOST_OUTSTANDING, Prober
from terminal.probe.report import live_line, report_on
from terminal.probe.settings import ProbeSettings
from terminal.probe.timeline import Fate

from .pair import Pair, from_gatekeeper, identity, private_key, random_source

SOURCE = ("192.0.2.101", 1719)
Wire = Callable[[int, bytes], bool]


def always(_number: int, _datagram: bytes) -> bool:
    return True


@dataclass
class Bench:
    """A prober and a gatekeeper; time passes in steps of one interval."""

    settings: ProbeSettings
    passes: Wire = always
    """Whether the n-th datagram of the prober arrives."""
    comes_back: Wire = always
    """Whether the answer to it does."""
    delay: Callable[[int], int] = lambda _number: 0
    """Intervals until the answer to it is there."""
    sent: list[bytes] = field(default_factory=list)
    rest: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pair = Pair()
        self.prober = Prober(identity("alice"), SOURCE, random_source("prober"), self.settings)
        self.pair._addresses[id(self.prober)] = SOURCE
        assert "RCF" in self.pair.ask(self.prober, self.prober.registration()).summary
        self._coming: list[tuple[float, bytes]] = []
        self.prober.begin(self.pair.now)

    def carry(self, effects: list[object]) -> None:
        for effect in effects:
            if isinstance(effect, Transmit):
                number = len(self.sent)
                self.sent.append(effect.datagram)
                if self.passes(number, effect.datagram):
                    answers = self.pair.answers(self.prober, effect.datagram)
                    if self.comes_back(number, effect.datagram):
                        due = self.pair.now.monotonic + self.delay(number) * self.settings.interval
                        self._coming += [(due, answer) for answer in answers]
            else:
                self.rest.append(effect)
        now = self.pair.now
        due_now = [answer for due, answer in self._coming if due <= now.monotonic + 1e-9]
        self._coming = [one for one in self._coming if one[0] > now.monotonic + 1e-9]
        for answer in due_now:
            self.carry([*self.prober.receive(answer, now)])

    def step(self) -> None:
        self.carry([*self.prober.timeout(self.pair.now)])
        self.pair.wait(self.settings.interval)

    def run(self, intervals: int) -> None:
        for _ in range(intervals):
            self.step()

    def finish(self) -> None:
        """No more probes, and the whole waiting time for those under way."""
        self.prober.end()
        self.run(round(2 * self.settings.wait / self.settings.interval) + 2)
        self.prober.conclude(self.pair.now)


def test_each_probe_is_a_fresh_signed_keepalive_on_the_grid() -> None:
    bench = Bench(ProbeSettings())
    bench.run(50)
    bench.finish()
    messages = [decode(datagram) for datagram in bench.sent]
    assert all(isinstance(one, RegistrationRequest) and one.keep_alive for one in messages)
    assert len(messages) == 50
    tokens = [read_token(one) for one in messages]
    assert len({token.random for token in tokens if token is not None}) == 50, "a proof of its own each"
    report = report_on(bench.prober, 0.0)
    assert (report.probes_sent, report.answered, report.lost, report.outages) == (50, 50, 0, ())
    assert report.ok
    assert report.verdict.startswith("good")


@pytest.mark.parametrize("there", [True, False])
def test_a_gap_on_either_way_is_an_outage(there: bool) -> None:
    def wire(number: int, _datagram: bytes) -> bool:
        return not 20 <= number < 50

    bench = Bench(ProbeSettings(wait=0.1), passes=wire if there else always, comes_back=always if there else wire)
    bench.run(100)
    bench.finish()
    (outage,) = bench.prober.timeline.outages
    assert (outage.milliseconds, outage.probes_lost, outage.ended) == (pytest.approx(155), 30, True)
    assert bench.prober.silences.longest_ms == pytest.approx(150), "from the first sending without an answer"
    assert report_on(bench.prober, None).ok
    assert report_on(bench.prober, 160.0).ok
    strict = report_on(bench.prober, 150.0)
    assert not strict.ok
    assert strict.verdict == "FAILED: without service for 155.0 ms, more than 150.0"
    assert any("not over" not in line and "155.0" in line for line in strict.lines())


def test_an_outage_that_lasts_to_the_end_is_told() -> None:
    bench = Bench(ProbeSettings(wait=0.1), passes=lambda number, _: number < 20)
    bench.run(60)
    bench.finish()
    report = report_on(bench.prober, 100.0)
    assert [(one.ended, round(one.milliseconds)) for one in report.outages] == [(False, 200)]
    assert not report.ok
    assert any("not over" in line for line in report.lines())


def test_held_answers_are_late_and_no_outage_but_too_long_a_wait() -> None:
    bench = Bench(ProbeSettings(), delay=lambda number: 60 - number if 20 <= number < 60 else 0)
    bench.run(80)
    bench.finish()
    report = report_on(bench.prober, 100.0)
    assert (report.answered, report.lost, report.outages) == (80, 0, ())
    assert report.late == 36, "those that waited for more than 20 ms"
    assert (report.latency_max_ms, report.ok) == (200.0, False)
    (silence,) = report.silences
    assert (report.silence_count, report.longest_silence_ms) == (1, silence.milliseconds)
    assert silence.milliseconds == pytest.approx(200)
    assert any(line.startswith("silences         1, ") for line in report.lines())


def test_an_answer_after_the_waiting_time_is_unexpected_and_the_probe_lost() -> None:
    bench = Bench(ProbeSettings(wait=0.1), delay=lambda number: 30 if number == 3 else 0)
    bench.run(50)
    bench.finish()
    report = report_on(bench.prober, None)
    assert (report.answered, report.lost, report.unexpected_answers) == (49, 1, 1)


def test_a_second_answer_counts_for_nothing() -> None:
    bench = Bench(ProbeSettings())
    arrived: list[bytes] = []
    receive = bench.prober.receive

    def twice(datagram: bytes, now: Instant) -> list[object]:
        arrived.append(datagram)
        return [*receive(datagram, now), *receive(datagram, now)]

    bench.prober.receive = twice
    bench.run(10)
    bench.finish()
    report = report_on(bench.prober, None)
    assert (len(arrived), report.answered, report.unexpected_answers) == (10, 10, 10)


@pytest.mark.parametrize(
    ("forger", "why"), [("another key", "BAD_SIGNATURE"), ("another request", "OTHER_REQUEST"), ("noise", "MALFORMED")]
)
def test_a_forged_answer_is_no_answer(forger: str, why: str) -> None:
    bench = Bench(ProbeSettings(wait=0.1), passes=lambda _number, _: False)
    for _ in range(10):
        bench.step()
        request = decode(bench.sent[-1])
        assert isinstance(request, RegistrationRequest)
        confirm = RegistrationConfirm(
            request_seq_num=request.request_seq_num,
            protocol_identifier=request.protocol_identifier,
            call_signal_address=(),
            endpoint_identifier="0123456789ABCDEF",
            will_respond_to_irr=False,
            maintain_connection=False,
        )
        asked = bench.sent[-1] if forger != "another request" else b"another one"
        key = private_key("mallory") if forger == "another key" else None
        forged = from_gatekeeper(confirm, "if://guardian/alice", asked, bench.pair.now.unix, key)
        bench.carry([*bench.prober.receive(b"\xff" if forger == "noise" else forged, bench.pair.now)])
    bench.finish()
    report = report_on(bench.prober, None)
    assert (report.answered, report.lost, report.wrong_answers) == (0, 10, {why: 10})
    assert report.verdict == "FAILED: no probe was answered"


def test_commits_are_an_arq_and_its_drq_and_each_is_a_decision() -> None:
    bench = Bench(ProbeSettings(commit=True))
    bench.run(300)
    bench.finish()
    messages = [decode(datagram) for datagram in bench.sent]
    asked = [one for one in messages if isinstance(one, AdmissionRequest)]
    ended = [one for one in messages if isinstance(one, DisengageRequest)]
    assert (len(asked), len(ended)) == (300, 300)
    assert sum(isinstance(one, RegistrationRequest) for one in messages) == 1, "the registration is kept alive"
    decisions = bench.prober.take_decisions()
    assert [one.request for one in decisions] == ["ARQ", "DRQ"] * 300
    assert len({one.request_digest for one in decisions}) == 600
    assert len({one.call_identifier for one in decisions}) == 300
    assert bench.prober.take_decisions() == []
    assert len(bench.prober.calls) == 0
    assert report_on(bench.prober, 0.0).ok


def test_calls_that_a_gap_has_left_are_ended_after_it() -> None:
    def wire(number: int, _datagram: bytes) -> bool:
        return not 100 <= number < 140

    bench = Bench(ProbeSettings(commit=True, wait=0.1), comes_back=wire)
    bench.run(300)
    bench.finish()
    report = report_on(bench.prober, None)
    assert report.ok, report
    assert len(report.outages) == 1
    assert bench.pair.gatekeeper.calls == 0


def test_a_long_gap_leaves_no_more_calls_than_an_endpoint_is_granted() -> None:
    most = 0

    def wire(number: int, _datagram: bytes) -> bool:
        nonlocal most
        most = max(most, bench.pair.gatekeeper.calls)
        return not 20 <= number < 1_000

    bench = Bench(ProbeSettings(commit=True), comes_back=wire)
    bench.run(2_000)
    bench.finish()
    report = report_on(bench.prober, None)
    assert report.ok, report
    assert len(report.outages) == 1
    assert 190 < most < CoreSettings("", "", SOURCE).calls_per_endpoint
    assert bench.pair.gatekeeper.calls == 0


def test_a_refusal_is_told_by_name_and_fails_the_run() -> None:
    bench = Bench(ProbeSettings())
    bench.run(5)
    assert "UCF" in bench.pair.ask(bench.prober, bench.prober.unregistration()).summary
    bench.prober.endpoint_identifier = "0123456789ABCDEF"
    bench.run(10)
    bench.finish()
    report = report_on(bench.prober, None)
    assert (report.answered, report.refused) == (5, {"NOT_REGISTERED": 10})
    assert bench.prober.timeline.outages[0].probes_refused == 10
    assert (report.ok, "refused" in report.verdict) == (False, True)
    assert "refused 10" in live_line(bench.prober)


def test_what_is_outstanding_is_bounded() -> None:
    bench = Bench(ProbeSettings(interval=0.001, wait=10.0), passes=lambda _number, _: False)
    for _ in range(MOST_OUTSTANDING + 7):
        # Only the pace: to look at 2,000 deadlines each millisecond is what is spared here.
        bench.prober._probe(bench.pair.now)
        bench.pair.wait(0.001)
    assert bench.prober.outstanding == MOST_OUTSTANDING
    assert bench.prober.missed >= 7
    bench.prober.conclude(bench.pair.now)
    assert bench.prober.timeline.fates[Fate.LOST] == MOST_OUTSTANDING


def test_what_others_ask_through_the_endpoint_is_the_drivers() -> None:
    bench = Bench(ProbeSettings())
    prepared = bench.pair.prepare(bench.prober, bench.prober.unregistration())
    bench.prober.end()
    bench.carry([*bench.prober.send(prepared, bench.pair.now)])
    assert [type(effect) for effect in bench.rest] == [Finished]


@settings(max_examples=40, deadline=None)
@given(
    st.booleans(),
    st.sets(st.integers(0, 80)),
    st.sets(st.integers(0, 80)),
    # Not exactly the waiting time, 20 intervals: which side a sum of floats falls on is not the matter here.
    st.dictionaries(st.integers(0, 80), st.integers(0, 18) | st.integers(22, 60)),
)
def test_whatever_the_wire_does_every_probe_has_one_fate(
    commit: bool, lost: set[int], unanswered: set[int], delays: dict[int, int]
) -> None:
    bench = Bench(
        ProbeSettings(commit=commit, wait=0.1),
        passes=lambda number, _: number not in lost,
        comes_back=lambda number, _: number not in unanswered,
        delay=lambda number: delays.get(number, 0),
    )
    bench.run(40)
    bench.finish()
    timeline = bench.prober.timeline
    assert sum(timeline.fates.values()) == timeline.sent_count == 40
    assert bench.prober.refusals == {}
    if not commit:
        unserved = {n for n in range(40) if n in lost or n in unanswered or delays.get(n, 0) >= 20}
        assert timeline.fates[Fate.LOST] == len(unserved)


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval": 0.0},
        {"interval": 11.0},
        {"outage": 0.0},
        {"wait": 0.0},
        {"wait": 11.0},
        {"commit": True, "wait": 1.1},
    ],
)
def test_settings_have_limits(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        ProbeSettings(**wrong)
