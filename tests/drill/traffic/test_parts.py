"""The parts of the load that are pure: rows and tallies, the drill's timeline, the report's way through a pipe."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from h323.council import Refusal, RefusalName
from h323.h235 import PrivateKey
from h323.ras import AdmissionReject, DisengageConfirm
from terminal.core import Call, Confirmed, Endpoint, Finished, Identity, Instant, NoAnswer, Outcome, Refused
from terminal.probe.decision import request_digest
from terminal.probe.timeline import Fate, Outage

from .__main__ import main
from .answers import answer_of, is_durable, is_undecided, is_unregistered, read_answer
from .direct import DirectTally
from .prober import DrillProber, DrillTimeline, Probed
from .report import Interval, make_report, read_report
from .tally import Row, Tally

HERE, THERE = ("192.0.2.101", 40000), ("192.0.2.10", 1719)
UNIX = 1_800_000_000.0
CONFIRMED = Confirmed(DisengageConfirm(request_seq_num=1), b"", 1, 0.01)
LOST = NoAnswer(6, 5.0, {})
S, L = Fate.SERVED, Fate.LOST


def at(seconds: float) -> Instant:
    return Instant(100 + seconds, UNIX + seconds)


def refused(name: RefusalName) -> Refused:
    message = AdmissionReject(request_seq_num=1, reject_reason=("requestDenied", None))
    return Refused(message, b"", 3, 0.02, "requestDenied", Refusal(name, "no"))


def identity() -> Identity:
    key = PrivateKey.generate()
    return Identity("if://guardian/guardian-01", key, "guardian-council", key.public_key())


def test_a_tally_counts_each_outcome_and_forgives_a_clean_up_its_refusal() -> None:
    tally = Tally()
    tally.note(CONFIRMED, clean_up=False)
    tally.note(LOST, clean_up=False)
    tally.note(refused(RefusalName.UNKNOWN_CALL), clean_up=True)
    tally.note(refused(RefusalName.NOT_REGISTERED), clean_up=False)
    assert (tally.finished, tally.confirmed, tally.given_up, tally.longest_wait) == (4, 1, 1, 5.0)
    assert (tally.retries, tally.refusals) == (5 + 2 + 2, {"NOT_REGISTERED": 1})


@pytest.mark.parametrize(
    ("outcome", "undecided", "unregistered"),
    [
        (CONFIRMED, False, False),
        (LOST, True, False),
        (refused(RefusalName.GATEKEEPER_ERROR), True, False),
        (refused(RefusalName.NOT_REGISTERED), False, True),
        (refused(RefusalName.UNKNOWN_CALL), False, False),
    ],
)
def test_what_a_refusal_says_of_what_is_there(outcome: Outcome[Any], undecided: bool, unregistered: bool) -> None:
    assert (is_undecided(outcome), is_unregistered(outcome)) == (undecided, unregistered)


def test_a_row_is_of_requests_sent_since_it_was_begun_and_broken_by_what_is_not_confirmed() -> None:
    row = Row()
    row.begin(100.0)
    row.note(CONFIRMED, at(0.005))
    assert row.length == 0, "sent before"
    for seconds in (0.01, 0.02, 0.03):
        row.note(CONFIRMED, at(seconds))
    assert row.length == 3
    row.note(refused(RefusalName.GATEKEEPER_ERROR), at(0.04))
    assert row.length == 0


@pytest.mark.parametrize(
    ("fates", "first", "served"),
    [([S] * 5, 0, 5), ([S] * 5, 3, 2), ([S, S, L, S, S], 0, 2), ([S, L, L], 0, 1), ([L, L], 0, 0), ([S], 1, 0)],
)
def test_probes_served_in_a_row(fates: list[Fate], first: int, served: int) -> None:
    timeline = DrillTimeline(0.02, 0.005)
    for number in range(len(fates)):
        timeline.sent(at(number * 0.005))
    for number, fate in enumerate(fates):
        timeline.settle(number, fate, at(1))
    assert timeline.served_in_a_row(first) == served


def test_a_row_does_not_reach_over_a_probe_that_still_waits() -> None:
    timeline = DrillTimeline(0.02, 0.005)
    for number in range(4):
        timeline.sent(at(number * 0.005))
    for number in (0, 2, 3):
        timeline.settle(number, S, at(0.03))
    assert (timeline.served_in_a_row(0), timeline.is_known(1), timeline.is_known(2)) == (2, True, False)
    timeline.settle(1, L, at(1))
    assert timeline.is_known(4)


def test_each_interval_has_its_own_figures_and_pauses_are_told() -> None:
    prober = DrillProber.at(identity(), HERE)
    timeline = prober.timeline
    moments = [0.0, 0.005, 0.010, 0.015, 0.020, 0.025, 0.030, 0.065]
    for moment in moments[:2]:
        timeline.settle(timeline.sent(at(moment)), S, at(moment))
    prober.mark()
    for moment in moments[2:7]:
        timeline.settle(timeline.sent(at(moment)), L, at(moment))
    during = prober.probed()
    assert (during.sent, during.lost, [one.ended for one in during.outages]) == (5, 5, [False])
    timeline.settle(timeline.sent(at(moments[7])), S, at(moments[7]))
    probed = prober.probed()
    assert [(one.milliseconds, one.ended) for one in probed.outages] == [(60.0, True)]
    assert probed.longest_pause_ms == 30.0
    prober.mark()
    after = prober.probed()
    assert (after.sent, after.lost, after.outages, after.longest_pause_ms) == (0, 0, (), 0.0)


def test_a_report_comes_through_the_pipe_as_it_was_made() -> None:
    outages = (Outage(UNIX + 1, 45.0, 44.0, 8, 0, ended=True), Outage(UNIX + 5, 130.0, None, 25, 0, ended=False))
    report = make_report(
        Interval("kill -9", UNIX, UNIX + 10),
        Probed(outages, (), 44.5, 2000, 33, {}, 0, 3.0),
        Tally(sent=1000),
        {"gk1": DirectTally(sent=3, acf=1, first_acf=UNIX, last_acf=UNIX)},
        held_lost=0,
        most_paused_ms=20,
    )
    assert read_report(json.loads(report.line)) == report
    assert (report.worst_ms, report.valid, asdict(report.rates)) == (130.0, True, {"probes": 200.0, "requests": 100.0})


def test_a_starved_prober_makes_the_measurement_invalid_and_says_so() -> None:
    starved = Probed((), (), 0.0, 2000, 0, {}, 5, 25.1)
    report = make_report(Interval("", UNIX, UNIX + 1), starved, Tally(), {}, held_lost=0, most_paused_ms=20)
    assert not report.valid
    assert report.invalid_because == "the prober got no time for 25.1 ms, more than 20"


def test_what_came_from_a_gatekeepers_own_address() -> None:
    tally = DirectTally()
    for seconds in (1.0, 2.0):
        tally.note(CONFIRMED, at(seconds), admission=True)
    tally.note(CONFIRMED, at(3), admission=False)
    tally.note(refused(RefusalName.NOT_REGISTERED), at(4), admission=True)
    tally.note(LOST, at(5), admission=True)
    assert (tally.acf, tally.dcf, tally.refusals) == (2, 1, {"NOT_REGISTERED": 1})
    assert (tally.first_acf, tally.last_acf) == (UNIX + 1, UNIX + 2)


def test_an_answer_is_named_as_the_gatekeepers_log_names_its_request() -> None:
    endpoint = Endpoint(identity(), HERE, os.urandom)
    endpoint.endpoint_identifier = "0123456789ABCDEF"
    call = Call.of(bytes(16), bytes(range(16)))
    prepared = endpoint.prepare(endpoint.disengagement(call), UNIX)
    finished = Finished(prepared, CONFIRMED)
    answer = answer_of(
        finished, HERE, THERE, UNIX + 0.5, terminal_id="if://guardian/guardian-01", role="short", clean_up=True
    )
    assert answer.request_digest == request_digest(prepared.datagram, HERE)
    assert (answer.request, answer.kind, answer.call_identifier) == ("DRQ", "DCF", bytes(range(16)).hex())
    assert (answer.sent, answer.time, answer.answered_from) == (UNIX + 0.49, UNIX + 0.5, "192.0.2.10")
    assert read_answer(answer.line) == answer
    assert is_durable(finished)


def test_a_keepalive_promises_nothing_durable_and_a_given_up_request_has_no_kind() -> None:
    endpoint = Endpoint(identity(), HERE, os.urandom)
    assert not is_durable(Finished(endpoint.prepare(endpoint.keep_alive(), UNIX), LOST))
    given_up = Finished(endpoint.prepare(endpoint.registration(), UNIX), LOST)
    assert is_durable(given_up)
    answer = answer_of(
        given_up, HERE, THERE, UNIX, terminal_id="if://guardian/guardian-01", role="member", clean_up=False
    )
    assert (answer.kind, read_answer(answer.line)) == ("", answer)


@pytest.mark.parametrize("line", [b"{}", b"[]", b"nonsense", b'{"from": "192.0.2.10"}'])
def test_what_is_no_answer_is_not_read_as_one(line: bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_answer(line)


def test_what_cannot_be_used_is_said_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [f"--{name}={tmp_path / name}" for name in ("registry", "keys", "gatekeeper-key", "answers")]
    assert main(["--gatekeeper", "127.0.0.1", *files]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["event"] == "failed"
    assert "cannot be read" in said["why"]
