"""The load process against `h323-gatekeeper serve` on loopback: requests counted, not timed."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from library.terminal.tests.conftest import Service
from tests.drill.verdict.hosts import ThisHost
from tests.drill.verdict.verdict import Setup, Verdict, whole

from .answers import Answer, read_answer
from .control import TrafficError, TrafficProcess

GUARDIANS = 4
_PATIENT = 60.0
"""Seconds; only when to stop waiting."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("gatekeeper"))
    service.start()
    try:
        yield service
    finally:
        service.stop()


def arguments(service: Service, answers: Path) -> list[str]:
    where = ["--gatekeeper", f"127.0.0.1:{service.port}", "--direct", f"gk1=127.0.0.1:{service.port}"]
    where += ["--registry", str(service.registry), "--keys", str(service.keys)]
    where += ["--gatekeeper-key", str(service.gatekeeper_key), "--answers", str(answers)]
    # So little, and without pressing, that a busy machine's gatekeeper keeps up: nothing is timed here.
    little = ["--guardians", str(GUARDIANS), "--requests", "20", "--interval-ms", "50", "--ordinary"]
    return [*where, *little, "--most-paused-ms", "1000000"]


def read(path: Path) -> list[Answer]:
    return [read_answer(line) for line in path.read_bytes().splitlines()]


def test_everybody_is_served_and_every_answer_kept(service: Service, tmp_path: Path) -> None:
    with TrafficProcess(arguments(service, tmp_path / "answers")) as load:
        load.mark("first")
        assert load.settled(_PATIENT, probes=10, requests=10) is not None
        first = load.report()
        load.mark("second")
        assert load.settled(_PATIENT, probes=5, requests=5) is not None
        second = load.report()
        assert load.settled(0.0, probes=1_000_000) is None
        assert load.report().name == "second", "who waits no longer may ask something else"
        assert load.settled(_PATIENT, probes=1, requests=1) is not None
        in_file = read(tmp_path / "answers")
        assert load.stop() == 0
    assert (first.name, second.name) == ("first", "second")
    assert first.since < first.until <= second.since < second.until
    assert first.probes_sent >= 10
    assert first.confirmed >= 10
    for report in (first, second):
        assert (report.refusals, report.probe_refusals, report.unregistered, report.disengaged) == ({}, {}, 0, 0)
        assert (report.given_up, report.held_lost, report.valid) == (0, 0, True)
    assert first.direct["gk1"].acf > 0
    assert first.direct["gk1"].refusals == {}
    assert first.direct["gk1"].first_acf is not None
    kinds = Counter((one.role, one.kind) for one in in_file)
    assert kinds["held", "ACF"] == kinds["member", "RCF"] == GUARDIANS
    assert (kinds["prober", "RCF"], kinds["direct", "RCF"]) == (1, 1)
    assert kinds["short", "ACF"] + kinds["short", "DCF"] >= first.confirmed - 2, "but for keepAlives, all in the file"
    answers = read(tmp_path / "answers")
    assert answers[: len(in_file)] == in_file, "only ever appended to"
    assert Counter((one.role, one.kind) for one in answers)["held", "DCF"] == GUARDIANS
    assert len({one.request_digest for one in answers}) == len(answers)


def test_the_verdict_finds_every_answer_in_the_log_while_the_load_runs_and_after(
    service: Service, tmp_path: Path
) -> None:
    answers = tmp_path / "answers"
    node = f"{socket.gethostname()}-{service.port}"
    setup = Setup(
        {node: "127.0.0.1"},
        answers,
        log_directory=str(service.state / "logs"),
        control_socket=str(service.state / "control.sock"),
    )
    with TrafficProcess(arguments(service, answers)) as load:
        verdict = Verdict(ThisHost(), setup)
        assert load.settled(_PATIENT, probes=5, requests=10) is not None
        during = verdict.check(patience=_PATIENT)
        assert load.stop() == 0
    assert during.ok, during.violations
    assert (during.counts.held, during.counts.registrations, during.active) == (GUARDIANS, GUARDIANS + 2, (node,))
    afterwards = verdict.check(patience=_PATIENT)
    assert afterwards.ok, afterwards.violations
    everything = whole(ThisHost(), setup)
    assert everything.ok, everything.violations
    told = [one for one in read(answers) if one.kind]
    assert everything.counts.acknowledged == everything.counts.found == len(told)
    assert during.counts.found + afterwards.counts.found == len(told)


def test_a_load_that_is_not_let_in_says_why(service: Service, tmp_path: Path) -> None:
    with_another_key = arguments(service, tmp_path / "answers")
    other = tmp_path / "keys"
    other.mkdir(mode=0o700)
    for key in service.keys.glob("guardian-*.pem"):
        # Everybody has the first one's key.
        (other / key.name).write_bytes((service.keys / "guardian-01.pem").read_bytes())
    with_another_key[with_another_key.index("--keys") + 1] = str(other)
    with pytest.raises(TrafficError, match=r"guardian-0[2-4] cannot join the conference: INVALID_SIGNATURE"):
        TrafficProcess(with_another_key)
