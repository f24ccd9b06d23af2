"""The verdict can fail: each promise is broken once, and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from terminal.probe.silence import Silence
from terminal.probe.timeline import Outage
from witness.day_files.streams import FAILOVER_STREAM, RAS_STREAM

from . import reading as verdict_reading
from . import verdict as verdict_module
from .failover import compare
from .finding import Failover
from .scene import UNIX, Scene
from .verdict import whole

CALL, OTHER_CALL = "c" * 32, "d" * 32


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.council()
    return scene


def test_a_good_drill_is_found_good_and_what_was_checked_is_counted(scene: Scene) -> None:
    scene.asked("ARQ", call=CALL)
    finding = scene.check()
    assert finding.ok, finding.violations
    counts = finding.counts
    assert (counts.acknowledged, counts.found, counts.records, counts.compared) == (7, 7, 15, 15)
    assert (counts.held, counts.registrations, counts.epochs, finding.active) == (3, 3, 1, ("gk1",))
    assert finding.line == "good: 0 lost of 7, 15 records the same in all copies"


def test_each_check_is_on_what_is_new_and_the_whole_on_everything(scene: Scene) -> None:
    scene.asked("ARQ", call=CALL)
    assert scene.check().counts.acknowledged == 7
    scene.take_office("gk2")
    scene.asked("DRQ", call=CALL)
    second = scene.check()
    assert second.ok, second.violations
    assert (second.counts.acknowledged, second.counts.found, second.counts.records) == (1, 1, 3)
    assert [(one.from_, one.to, one.milliseconds) for one in second.failovers] == [("gk1", "gk2", 100.0)]
    assert scene.check().counts.records == 0
    everything = whole(scene, scene.setup)
    assert everything.ok, everything.violations
    assert (everything.counts.acknowledged, everything.counts.compared, everything.counts.epochs) == (8, 18, 2)


def lost(scene: Scene) -> None:
    scene.asked("ARQ", call=CALL, logged=False)


def lost_registration(scene: Scene) -> None:
    scene.asked("RRQ", "guardian-09", role="member", logged=False)


def doubled(scene: Scene) -> None:
    answer = scene.asked("ARQ", call=CALL)
    scene.log(answer)


def doubled_line(scene: Scene) -> None:
    for node in ("gk1", "gk2"):
        scene.append(node, scene.lines(node)[-1])


def reordered(scene: Scene) -> None:
    scene.take_office("gk2")
    scene.asked("ARQ", call=CALL)
    scene.node, scene.epoch = "gk1", 1
    scene.asked("ARQ", call=OTHER_CALL)


def two_holders(scene: Scene) -> None:
    scene.node = "gk2"
    scene.asked("ARQ", call=CALL)


def two_announcements(scene: Scene) -> None:
    scene.take_office("gk2", epoch=1)


def unannounced(scene: Scene) -> None:
    scene.node, scene.epoch = "gk2", 2
    scene.asked("ARQ", call=CALL)


def contradicted(scene: Scene) -> None:
    answer = scene.asked("ARQ", call=CALL, logged=False)
    scene.log(answer, kind="ARJ")


def refused_although_admitted(scene: Scene) -> None:
    answer = scene.asked("ARQ", call=CALL, told=False)
    scene.tell(replace(answer, kind="ARJ", reason="GATEKEEPER_ERROR"))


def another_call(scene: Scene) -> None:
    answer = scene.asked("ARQ", call=CALL, told=False)
    scene.tell(replace(answer, call_identifier=OTHER_CALL))


def wrong_side(scene: Scene) -> None:
    scene.asked("ARQ", call=CALL, role="direct", answered_from="192.0.2.12")


def held_call_lost(scene: Scene) -> None:
    del scene.held[f"{2:032x}"]


def call_came_back(scene: Scene) -> None:
    scene.asked("ARQ", call=CALL)
    scene.asked("DRQ", call=CALL)
    scene.held[CALL] = "if://guardian/guardian-01"


def call_unknown_at_its_end(scene: Scene) -> None:
    scene.asked("ARQ", call=CALL)
    answer = scene.asked("DRQ", call=CALL, told=False, logged=False)
    refused = replace(answer, kind="DRJ", reason="UNKNOWN_CALL")
    scene.log(refused)
    scene.tell(refused)


def cleared(scene: Scene) -> None:
    scene.record(msg_type="CLEARED", terminal_id="if://guardian/guardian-01", call_identifier=f"{1:032x}")


def expired(scene: Scene) -> None:
    endpoint = {"terminal_id": "if://guardian/guardian-01", "endpoint_identifier": "ENDPOINT-guardian-01"}
    scene.record(msg_type="EXPIRED", **endpoint)


def expired_before_it_is_told(scene: Scene) -> None:
    answer = scene.asked("RRQ", "guardian-09", role="member", told=False)
    names = {"terminal_id": answer.terminal_id, "endpoint_identifier": answer.endpoint_identifier}
    scene.record(msg_type="EXPIRED", **names)
    scene.check()
    scene.tell(answer)


def unregistered(scene: Scene) -> None:
    scene.registered.discard("if://guardian/guardian-03")


def not_registered(scene: Scene) -> None:
    answer = scene.asked("ARQ", call=CALL, told=False, logged=False)
    refused = replace(answer, kind="ARJ", reason="NOT_REGISTERED")
    scene.log(refused)
    scene.tell(refused)
    del scene.held[CALL]


def gap(scene: Scene) -> None:
    scene.asked("ARQ", call=CALL)
    for node in ("gk1", "gk2"):
        lines = scene.lines(node)
        scene.rewrite(node, [*lines[:-3], *lines[-2:]])


def copies_differ(scene: Scene) -> None:
    lines = scene.lines("gk2")
    scene.rewrite("gk2", [*lines[:-1], lines[-1].replace(b"guardian-03", b"guardian-02")])


def copy_behind(scene: Scene) -> None:
    scene.asked("ARQ", call=CALL, nodes=("gk1",))


def copy_unreachable(scene: Scene) -> None:
    scene.down = ("gk2",)


def not_a_record(scene: Scene) -> None:
    for node in ("gk1", "gk2"):
        scene.append(node, b"nonsense")


def answer_without_request(scene: Scene) -> None:
    scene.record(msg_type="ACF", answers_index=3)


def two_active(scene: Scene) -> None:
    scene.active = ("gk1", "gk2")


def nobody_active(scene: Scene) -> None:
    scene.active = ()


@pytest.mark.parametrize(
    ("breaks", "kinds"),
    [
        (lost, {"lost"}),
        (lost_registration, {"lost"}),
        (doubled, {"doubled"}),
        (doubled_line, {"doubled"}),
        (reordered, {"epoch went back"}),
        (two_holders, {"two holders"}),
        (two_announcements, {"two holders"}),
        (unannounced, {"epoch unannounced"}),
        (contradicted, {"contradicted"}),
        (refused_although_admitted, {"contradicted"}),
        (another_call, {"contradicted"}),
        (wrong_side, {"wrong side"}),
        (held_call_lost, {"call lost"}),
        (call_came_back, {"call came back"}),
        (call_unknown_at_its_end, {"call lost"}),
        (cleared, {"call lost"}),
        (expired, {"registration lost"}),
        (expired_before_it_is_told, {"registration lost"}),
        (unregistered, {"registration lost"}),
        (not_registered, {"registration lost"}),
        (gap, {"gap", "lost"}),
        (copies_differ, {"copies differ"}),
        (copy_behind, {"copy behind"}),
        (copy_unreachable, {"unreachable", "copy behind"}),
        (not_a_record, {"unreadable"}),
        (answer_without_request, {"answer without request"}),
        (two_active, {"not one active"}),
        (nobody_active, {"not one active"}),
    ],
)
def test_a_broken_promise_is_named(scene: Scene, breaks: Callable[[Scene], None], kinds: set[str]) -> None:
    breaks(scene)
    found = scene.check()
    assert {one.kind for one in found.violations} == kinds, found.violations
    assert not found.ok


def test_what_is_lost_is_named_with_its_request(scene: Scene) -> None:
    answer = scene.asked("ARQ", call=CALL, logged=False)
    finding = scene.check()
    (violation,) = finding.violations
    assert (violation.terminal_id, violation.request_digest) == ("if://guardian/guardian-01", answer.request_digest)
    assert finding.line == "1 VIOLATIONS: 1 lost of 7, 13 records the same in all copies"
    assert scene.kinds() == [], "named once"


def test_a_record_that_is_altered_after_it_was_read_is_found_by_the_whole(scene: Scene) -> None:
    assert scene.check().ok
    lines = scene.lines("gk1")
    scene.rewrite("gk1", [lines[0].replace(b"guardian-01", b"guardian-07"), *lines[1:]])
    assert scene.check().ok
    assert {one.kind for one in whole(scene, scene.setup).violations} == {"copies differ"}


def test_failovers_before_a_fault_are_not_the_faults(scene: Scene) -> None:
    scene.take_office("gk2")
    scene.log(scene.asked("ARQ", call=CALL))
    scene.verdict.catch_up()
    scene.take_office("gk1")
    finding = scene.check()
    assert [(one.from_, one.to) for one in finding.failovers] == [("gk2", "gk1")]
    assert {one.kind for one in finding.violations} == {"doubled"}, "what was wrong before is told"


def test_who_wanted_to_leave_need_not_be_kept(scene: Scene) -> None:
    for request, call in (("DRQ", f"{1:032x}"), ("URQ", "")):
        scene.tell(replace(scene.asked(request, call=call, role="held", told=False, logged=False), kind=""))
    expired(scene)
    finding = scene.check()
    assert finding.ok, finding.violations
    assert (finding.counts.held, finding.counts.registrations, finding.counts.given_up) == (2, 2, 2)


def test_a_third_copy_is_compared_as_the_others_are(scene: Scene) -> None:
    nodes = ("gk1", "gk2", "wit1")
    setup = replace(scene.setup, logs=nodes)
    for stream in (RAS_STREAM, FAILOVER_STREAM):
        for line in scene.lines("gk1", stream):
            scene.append("wit1", line, stream)
    good = whole(scene, setup)
    assert good.ok, good.violations
    assert good.counts.compared == 13
    lines = scene.lines("wit1")
    scene.rewrite("wit1", [*lines[:-1], lines[-1].replace(b"guardian-03", b"guardian-02")])
    assert {one.kind for one in whole(scene, setup).violations} == {"copies differ"}


def test_the_log_is_waited_for(scene: Scene) -> None:
    answer = scene.asked("ARQ", call=CALL, logged=False)
    waits: list[int] = []

    def written_at_last() -> None:
        waits.append(1)
        if len(waits) == 2:
            scene.log(answer)

    scene.slept = written_at_last
    finding = scene.verdict.check(patience=60.0)
    assert finding.ok, finding.violations
    assert (len(waits), finding.counts.found) == (2, 7)


def test_a_gatekeeper_that_takes_office_is_waited_for(scene: Scene) -> None:
    scene.active = ()

    def in_office_at_last() -> None:
        scene.active = ("gk2",)

    scene.slept = in_office_at_last
    finding = scene.verdict.check(patience=60.0)
    assert finding.ok, finding.violations
    assert finding.active == ("gk2",)


def test_while_a_host_is_down_one_copy_will_do_and_the_other_is_compared_later(scene: Scene) -> None:
    assert scene.check().ok
    scene.down = ("gk1",)
    scene.take_office("gk2")
    scene.asked("ARQ", call=CALL)
    during = scene.check(both=False)
    assert during.ok, during.violations
    assert (during.counts.found, during.counts.compared) == (1, 0)
    scene.down = ()
    after = scene.check()
    assert after.ok, after.violations
    assert after.counts.compared == 3


def test_a_copy_that_caught_up_with_other_records_is_found(scene: Scene) -> None:
    scene.down = ("gk1",)
    scene.asked("ARQ", call=CALL, nodes=("gk2",))
    assert scene.check(both=False).ok
    lines = scene.lines("gk2")[-2:]
    scene.down = ()
    for line in lines:
        scene.append("gk1", line.replace(b'"epoch": 1', b'"epoch": 2'))
    assert set(scene.kinds()) == {"copies differ"}


def test_a_line_is_read_when_it_is_complete(scene: Scene) -> None:
    assert scene.check().ok
    line = json.dumps({"index": 12, "time": "", "msg_type": "RAI", "node": "gk1", "epoch": 1}).encode()
    for node in ("gk1", "gk2"):
        with scene.path(node).open("ab") as file:
            file.write(line[:20])
    assert scene.check().counts.records == 0
    for node in ("gk1", "gk2"):
        with scene.path(node).open("ab") as file:
            file.write(line[20:] + b"\n")
    finding = scene.check()
    assert (finding.ok, finding.counts.records) == (True, 1)


def test_a_file_that_was_cut_off_is_found(scene: Scene) -> None:
    assert scene.check().ok
    scene.rewrite("gk2", scene.lines("gk2")[:-2])
    assert scene.kinds() == ["cut"]


def test_around_midnight_neighbours_may_be_in_different_files(scene: Scene) -> None:
    for node in ("gk1", "gk2"):
        lines = scene.lines(node)
        scene.rewrite(node, [*lines[:4], lines[5]])
        later = scene.path(node, day="20270116")
        later.write_bytes(b"".join(line + b"\n" for line in (lines[4], *lines[6:])))
    finding = scene.check()
    assert finding.ok, finding.violations
    assert finding.counts.compared == 13


def test_what_the_gatekeeper_ends_of_others_is_no_concern_of_ours(scene: Scene) -> None:
    names = {"terminal_id": "if://guardian/alice", "endpoint_identifier": "ENDPOINT-alice"}
    scene.record(msg_type="EXPIRED", **names)
    scene.record(msg_type="CLEARED", call_identifier=OTHER_CALL, **names)
    assert scene.check().ok


def test_a_long_drill_is_read_bit_by_bit(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_module, "_MOST_ANSWERS", 1_000)
    monkeypatch.setattr(verdict_reading, "_MOST_AT_ONCE", 2_000)
    for number in range(100):
        scene.asked("ARQ", call=f"{1000 + number:032x}")
    finding = scene.check()
    assert finding.ok, finding.violations
    assert (finding.counts.acknowledged, finding.counts.found, finding.counts.compared) == (106, 106, 213)


def test_a_call_that_is_ended_while_the_state_is_read_is_not_missed(scene: Scene) -> None:
    assert scene.check().ok

    def ended_meanwhile() -> None:
        if f"{1:032x}" in scene.held:
            scene.asked("DRQ", "guardian-01", f"{1:032x}", role="held")

    scene.asked_host = ended_meanwhile
    finding = scene.check()
    assert finding.ok, finding.violations
    assert finding.counts.held == 2


def test_a_guardian_who_moves_leaves_calls_behind_and_nothing_is_lost_by_it(scene: Scene) -> None:
    assert scene.check().ok
    moved = replace(scene.asked("RRQ", "guardian-01", told=False, logged=False), endpoint_identifier="ANOTHER")
    scene.log(moved)
    scene.tell(moved)
    del scene.held[f"{1:032x}"]
    finding = scene.check()
    assert finding.ok, finding.violations
    assert (finding.counts.held, finding.counts.registrations) == (2, 3)


def test_an_answer_of_an_epoch_that_was_over_is_late_and_not_wrong(scene: Scene) -> None:
    answer = scene.asked("ARQ", call=CALL, told=False)
    scene.now += 1
    scene.take_office("gk2")
    scene.tell(replace(answer, time=scene.now + 0.25))
    finding = scene.check()
    assert finding.ok, finding.violations
    (late,) = finding.late
    assert late.endswith("record 13 of epoch 1: 250 ms after its end")
    repeated = scene.asked("ARQ", call=OTHER_CALL, told=False)
    scene.now += 1
    scene.take_office("gk1")
    scene.tell(replace(repeated, time=scene.now + 0.25, attempts=2))
    assert scene.check().late == (), "the new one repeated what the old one had answered"


def test_given_up_and_refused_requests_need_no_record(scene: Scene) -> None:
    answer = scene.asked("ARQ", call=CALL, told=False, logged=False)
    scene.tell(replace(answer, kind=""))
    other = scene.asked("ARQ", call=CALL, told=False, logged=False)
    scene.tell(replace(other, kind="ARJ", reason="GATEKEEPER_ERROR"))
    direct = scene.asked("ARQ", role="direct", told=False, logged=False)
    scene.tell(replace(direct, kind=""))
    finding = scene.check()
    assert finding.ok, finding.violations
    assert (finding.counts.given_up, finding.counts.refused, finding.counts.acknowledged) == (1, 1, 6)


def test_who_is_told_that_nothing_can_be_decided_now_has_lost_nothing(scene: Scene) -> None:
    scene.asked("ARQ", call=CALL)
    for request in ("DRQ", "RRQ"):
        answer = scene.asked(request, call=CALL, told=False, logged=False)
        scene.tell(replace(answer, kind=request[0] + "RJ", reason="GATEKEEPER_ERROR"))
    scene.held[CALL] = "if://guardian/guardian-01"
    finding = scene.check()
    assert finding.ok, finding.violations
    assert finding.counts.refused == 2


def failover(milliseconds: float, time: float = UNIX + 0.15) -> Failover:
    return Failover(1, time, 2, "gk1", "gk2", "", milliseconds)


@pytest.mark.parametrize(
    ("said", "outages", "difference", "agrees"),
    [
        (100.0, [120.0], -20.0, True),
        (170.0, [120.0], 50.0, True),
        (60.0, [120.0], -60.0, False),
        (100.0, [30.0, 120.0], -20.0, True),
        (15.0, [], 0.0, True),
        (71.0, [], 51.0, False),
    ],
)
def test_the_records_duration_is_compared_with_the_probers_outage(
    said: float, outages: list[float], difference: float, agrees: bool
) -> None:
    seen = [Outage(UNIX, one, None, 5, 0, ended=True) for one in outages]
    (comparison,) = compare([failover(said)], seen)
    assert (comparison.difference_ms, comparison.agrees) == (difference, agrees)


def test_an_outage_of_another_time_is_not_the_failovers() -> None:
    long_ago = Outage(UNIX - 60, 500.0, None, 5, 0, ended=True)
    (comparison,) = compare([failover(100.0)], [long_ago])
    assert comparison.seen_ms is None


def test_what_queued_up_and_was_answered_is_no_outage_and_has_waited_all_the_same() -> None:
    outage = Outage(UNIX, 25.0, 110.0, 4, 0, ended=True)
    assert compare([failover(100.0)], [outage])[0].difference_ms == -10.0
    assert compare([failover(100.0)], [], [Silence(UNIX, 90.0)])[0].difference_ms == 10.0


def test_a_failover_record_says_its_cause_where_it_has_one(scene: Scene) -> None:
    scene.take_office("gk2", cause="host lost", failover_duration_sec=0.15)
    (one,) = scene.check().failovers
    assert (one.cause, one.milliseconds, one.epoch) == ("host lost", 150.0, 2)


def test_a_duration_that_is_corrected_later_is_the_failovers(scene: Scene) -> None:
    scene.take_office("gk2", failover_duration_sec=0.15)
    scene.record(FAILOVER_STREAM, event="GATEKEEPER_DURATION_CORRECTED", failover_duration_sec=0.03)
    scene.take_office("gk1", failover_duration_sec=0.1)
    assert [one.milliseconds for one in scene.check().failovers] == [30.0, 100.0]


def test_records_of_other_events_begin_no_epoch(scene: Scene) -> None:
    scene.record(FAILOVER_STREAM, event="GATEKEEPER_STEPPED_DOWN", reason="test")
    scene.record(RAS_STREAM, msg_type="RAI")
    assert scene.check().ok
