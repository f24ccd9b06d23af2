"""Outages by their definition, found in any order of answers; pace; latencies."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terminal.core import Instant
from terminal.latency import percentile_ms
from terminal.probe.latencies import Latencies
from terminal.probe.pace import Pace
from terminal.probe.silence import MOST_SILENCES, Silence, Silences
from terminal.probe.timeline import MOST_OUTAGES, Fate, Outage, Timeline

INTERVAL, UNIX = 0.005, 1_800_000_000.0


def at(seconds: float) -> Instant:
    return Instant(100 + seconds, UNIX + seconds)


def run(fates: list[Fate], order: list[int] | None = None, delay: float = 0.001, threshold: float = 0.02) -> Timeline:
    """Probes one interval apart, of these fates, that become known in this order."""
    timeline = Timeline(threshold)
    for number in range(len(fates)):
        assert timeline.sent(at(number * INTERVAL)) == number
    for number in order or range(len(fates)):
        timeline.settle(number, fates[number], at(number * INTERVAL + delay))
    timeline.end()
    return timeline


S, L, R = Fate.SERVED, Fate.LOST, Fate.REFUSED


def test_an_outage_is_from_the_last_served_sending_to_the_next_one() -> None:
    timeline = run([S, S, L, L, R, L, L, S, S])
    assert timeline.outages == [Outage(UNIX + 0.005, 30.0, 30.0, 4, 1, ended=True)]
    assert (timeline.outage_count, timeline.longest) == (1, timeline.outages[0])
    assert timeline.fates == {S: 4, L: 4, R: 1}


@pytest.mark.parametrize(("lost", "outages"), [(3, 0), (4, 1)])
def test_only_a_gap_over_the_threshold_is_an_outage(lost: int, outages: int) -> None:
    assert len(run([S, *[L] * lost, S]).outages) == outages, "20 ms is none, 25 ms is one"


def test_an_outage_at_the_beginning_and_one_that_has_not_ended() -> None:
    first, last = run([*[L] * 6, S, *[L] * 7]).outages
    assert (first.start, first.milliseconds, first.answer_gap_ms, first.ended) == (UNIX, 30.0, None, True)
    assert (last.start, last.milliseconds, last.answer_gap_ms, last.ended) == (UNIX + 0.03, 35.0, None, False)


def test_an_outage_can_be_seen_while_it_lasts() -> None:
    timeline = Timeline(0.02)
    seen = []
    for number, fate in enumerate([S, *[L] * 5, S]):
        timeline.sent(at(number * INTERVAL))
        timeline.settle(number, fate, at(number * INTERVAL))
        seen.append(timeline.unfinished.milliseconds if timeline.unfinished is not None else None)
    assert seen == [None, None, None, None, None, 25.0, None]
    assert [(one.milliseconds, one.ended) for one in timeline.outages] == [(30.0, True)]


def test_a_pause_of_the_prober_is_no_outage() -> None:
    timeline = Timeline(0.02)
    for number, seconds in enumerate((0.0, 3.0)):
        timeline.sent(at(seconds))
        timeline.settle(number, S, at(seconds))
    timeline.end()
    assert timeline.outages == []


def test_the_gap_between_answers_is_told_apart_from_that_between_sendings() -> None:
    timeline = Timeline(0.02)
    for number in range(6):
        timeline.sent(at(number * INTERVAL))
    for number, fate, seconds in ((0, S, 0.001), (1, L, 1), (2, L, 1), (3, L, 1), (4, L, 1), (5, S, 0.4)):
        timeline.settle(number, fate, at(seconds))
    (outage,) = timeline.outages
    assert (outage.milliseconds, outage.answer_gap_ms) == (25.0, 399.0)


@given(st.lists(st.sampled_from(Fate), min_size=1, max_size=60), st.data())
def test_the_order_in_which_fates_become_known_changes_nothing(fates: list[Fate], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(fates))))
    timeline = run(fates, order)
    assert timeline.outages == run(fates).outages
    served = [number for number, fate in enumerate(fates) if fate is S]
    between = [(a, b) for a, b in pairwise(served) if (b - a) * 5 > 20]
    inner = [one for one in timeline.outages if one.ended and one.answer_gap_ms is not None]
    assert [(round(one.milliseconds), one.probes_lost + one.probes_refused) for one in inner] == [
        ((b - a) * 5, b - a - 1) for a, b in between
    ]
    assert sum(timeline.fates.values()) == timeline.sent_count == len(fates)


@pytest.mark.parametrize("number", [-1, 1, 2])
def test_a_fate_is_told_once_and_of_a_probe_that_was_sent(number: int) -> None:
    timeline = Timeline(0.02)
    timeline.sent(at(0))
    timeline.sent(at(1))
    timeline.settle(1, S, at(1))
    with pytest.raises(ValueError, match="not under way"):
        timeline.settle(number, S, at(2))


def test_the_list_of_outages_is_bounded_and_the_longest_is_kept() -> None:
    timeline = run([*[S, L] * (MOST_OUTAGES + 5), L, S], threshold=0.001)
    assert (len(timeline.outages), timeline.outage_count) == (MOST_OUTAGES, MOST_OUTAGES + 5)
    assert timeline.longest is not None
    assert timeline.longest.milliseconds == 15.0


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=50))
def test_the_grid_is_kept_and_nothing_is_made_up_for(pauses: list[float]) -> None:
    pace, now, sent, missed = Pace(100.0, INTERVAL), 100.0, 0, 0
    for pause in pauses:
        now = max(now + pause, pace.due)
        missed += pace.advance(now)
        sent += 1
        assert now < pace.due <= now + INTERVAL + 1e-9 or pace.due == pytest.approx(now)
    assert pace.due == pytest.approx(100 + (sent + missed) * INTERVAL)


@given(st.lists(st.integers(0, 20_000), max_size=200), st.integers(1, 100))
def test_latencies_are_those_of_the_exact_percentile(steps: list[int], percent: int) -> None:
    latencies = Latencies()
    for step in steps:
        latencies.note(step / 10_000)
    assert latencies.percentile_ms(percent) == percentile_ms([step / 10_000 for step in steps], percent)
    assert latencies.longest_ms == percentile_ms([step / 10_000 for step in steps], 100)


def test_a_silence_needs_somebody_who_waits() -> None:
    silences = Silences(0.02)
    silences.sent(at(0))
    silences.answered(at(0.02), waiting=False)
    silences.sent(at(5))
    silences.answered(at(5.01), waiting=True)
    silences.sent(at(5.02))
    silences.answered(at(5.11), waiting=False)
    assert silences.kept == [Silence(UNIX + 5.01, 100.0)]
    for number in range(MOST_SILENCES):
        silences.sent(at(10 + number))
        silences.answered(at(10.5 + number), waiting=False)
    assert (len(silences.kept), silences.count, silences.longest_ms) == (MOST_SILENCES, MOST_SILENCES + 1, 500.0)
