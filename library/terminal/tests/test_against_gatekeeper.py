"""The 8-guardian test, the watch, and single requests against `h323-gatekeeper serve` on loopback."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from h323.h235 import PrivateKey
from terminal.cli import main
from terminal.client import Client
from terminal.core import Identity, RetransmissionPolicy
from terminal.keys import create_private_key, load_public_key
from terminal.smoke import load_council, run_smoke
from terminal.smoke.council import Council
from terminal.watch import watch

from .conftest import PROGRAMS, Service

PATIENT = RetransmissionPolicy(give_up=60)
"""However long a restart takes on a busy machine, it is the retries that are tested."""
SHORT = RetransmissionPolicy(first=0.01, give_up=0.05)


def run(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> tuple[int, dict[str, Any]]:
    code = main([*arguments, "--json"])
    fields: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, fields


def council(service: Service, guardians: int = 2) -> Council:
    key = load_public_key(service.gatekeeper_key)
    return load_council(service.registry, service.keys, "guardian-council", key, guardians)


@pytest.mark.parametrize("guardians", [8, 1, 25])
def test_the_8_guardian_test(service: Service, capsys: pytest.CaptureFixture[str], guardians: int) -> None:
    code, fields = run(capsys, service.council_arguments("smoke", "--guardians", str(guardians)))
    failed = [step for step in fields["steps"] if step["ok"] is not True]
    left_out = {"another's endpoint", "end another's call"} if guardians == 1 else set()
    assert {step["name"] for step in failed} == left_out, failed
    assert (code, fields["ok"], fields["verdict"]) == (0, True, "✅ PASS - Production Ready")
    assert len(fields["steps"]) == 20
    assert fields["left_behind"] == []
    assert fields["latency_p50_ms"] <= fields["latency_p95_ms"]


def test_a_second_run_right_after_ends_in_the_runbooks_line(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(service.council_arguments("smoke")) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == ["step", "expected", "got", "ms", "ok"]
        assert lines[-1] == "✅ PASS - Production Ready"


def test_a_gatekeeper_with_another_key_fails_the_test(service: Service, tmp_path: Path) -> None:
    key = create_private_key(tmp_path / "other.pem").public_key()
    other = load_council(service.registry, service.keys, "guardian-council", key, 8)
    report = asyncio.run(run_smoke(other, ("127.0.0.1", service.port), lambda *_: None, SHORT))
    assert not report.ok
    assert report.verdict.startswith("❌ FAIL - discover: expected GCF x8, Ed25519, got no answer")
    assert "not signed with the gatekeeper's key" in report.verdict
    assert [result.got for result in report.results[1:]] == ["not reached"] * 19


def test_a_failed_run_leaves_nothing_behind(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    honest = council(service)
    # bob's key is not the registered one: he can't register, after alice has.
    intruder = Identity(
        honest.members[1].identity.terminal_id,
        honest.members[0].identity.key,
        "guardian-council",
        honest.members[0].identity.gatekeeper_key,
    )
    members = (honest.members[0], type(honest.members[1])(intruder, 10_000_000))
    broken = Council(members, honest.suspended)
    report = asyncio.run(run_smoke(broken, ("127.0.0.1", service.port), lambda *_: None))
    assert report.failed is not None
    assert report.failed.name in ("discover", "register")
    assert report.left_behind == ()
    assert registrations(service) == 0
    assert main(service.council_arguments("smoke", "--guardians", "2")) == 0
    capsys.readouterr()


def test_without_a_suspended_guardian_the_step_is_left_out(service: Service) -> None:
    report = asyncio.run(
        run_smoke(Council(council(service).members, None), ("127.0.0.1", service.port), lambda *_: None)
    )
    (step,) = [result for result in report.results if result.name == "suspended guardian"]
    assert (step.ok, step.got) == (None, "left out: no suspended guardian enrolled")
    assert report.ok
    assert "19 of 19 steps held, 1 left out" in report.lines()[-2]


def registrations(service: Service) -> int:
    status = [str(PROGRAMS / "h323-gatekeeper"), "status", "--json", "--socket", str(service.state / "control.sock")]
    fields = json.loads(subprocess.run(status, capture_output=True, text=True, check=True).stdout)
    return int(fields["registrations"])


def test_nobody_there_is_said_and_not_waited_for_long() -> None:
    key = PrivateKey.generate()
    identity = Identity("if://guardian/alice", key, "guardian-council", key.public_key())

    async def ask() -> str:
        client = await Client.open(identity, ("127.0.0.1", 9), SHORT)
        try:
            return (await client.discover()).summary
        finally:
            client.close()

    assert asyncio.run(ask()).startswith("no answer within")


def test_single_requests(service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    who = ["--key", str(service.keys / "guardian-09.pem"), "--id", "if://guardian/guardian-09"]
    who += ["--state", str(tmp_path / "state" / "guardian-09.json")]

    def ask(command: str, *more: str) -> tuple[int, dict[str, Any]]:
        return run(capsys, service.arguments(command, *who, *more))

    code, discovered = ask("discover")
    assert (code, discovered["message"], discovered["algorithm"]) == (0, "GCF", "1.3.101.112")
    code, refused = ask("admit")
    assert (code, refused["refusal"], refused["reason"]) == (1, "NOT_REGISTERED", "callerNotRegistered")
    code, registered = ask("register")
    assert (code, registered["message"], registered["time_to_live"]) == (0, "RCF", 60)
    assert ask("keepalive")[0] == 0
    code, admitted = ask("admit", "--bandwidth", "5000000")
    assert (code, admitted["bandwidth_bps"], admitted["destination"]) == (0, 2_000_000, "127.0.0.1:1720")
    code, refused = ask("admit", "--call-type", "ESCALATE", "--pii")
    assert (code, refused["refusal"]) == (1, "PII_POLICY_VIOLATION")
    code, second = ask("admit", "--conference", admitted["conference"])
    assert second["conference"] == admitted["conference"]
    code, ended = ask("disengage")
    assert (code, ended["call"]) == (0, second["call"]), "the one admitted last"
    assert ask("disengage", "--call", admitted["call"])[0] == 0
    code, none = ask("disengage")
    assert (code, "no such call" in none["problem"]) == (2, True)
    assert ask("unregister")[0] == 0
    code, gone = ask("keepalive")
    assert (code, "register first" in gone["problem"]) == (2, True)
    assert main(service.arguments("discover", *who)) == 0
    assert capsys.readouterr().out.startswith("discover: GCF: ")


def test_a_restart_of_the_gatekeeper_is_nothing_but_a_retry(service: Service) -> None:
    async def scenario() -> Any:
        stop, joined = asyncio.Event(), asyncio.Event()
        watching = asyncio.create_task(
            watch(council(service, 8), ("127.0.0.1", service.port), stop, joined.set, PATIENT)
        )
        await asyncio.wait([watching, asyncio.create_task(joined.wait())], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(service.stop)
        await asyncio.to_thread(service.start)
        stop.set()
        return await watching

    watched = asyncio.run(scenario())
    assert watched.ok, watched
    assert (watched.calls_kept, watched.refused, watched.lost) == (8, 0, 0)
    assert watched.retries > 0
    assert watched.lines()[-1] == "the guardians noticed nothing but a retry"
    assert registrations(service) == 0


def test_the_watch_ends_at_sigterm(service: Service) -> None:
    command = [str(PROGRAMS / "guardian-terminal"), *service.council_arguments("watch", "--guardians", "3")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "all guardians are in the conference\n"
        process.send_signal(signal.SIGTERM)
        told = process.stdout.read()
    assert process.returncode == 0, told
    assert "calls kept       3" in told
    assert registrations(service) == 0


class Probing:
    """`guardian-terminal probe` as a drill runs it: started, waited for, stopped by a signal, its report read."""

    def __init__(self, service: Service, *more: str) -> None:
        who = ["--key", str(service.keys / "guardian-09.pem"), "--id", "if://guardian/guardian-09"]
        command = [str(PROGRAMS / "guardian-terminal"), *service.arguments("probe", *who, *more, "--json")]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        assert self._process.stderr.readline() == "probing\n"

    def stop(self, number: int | None = signal.SIGINT) -> tuple[int, dict[str, Any]]:
        if number is not None:
            self._process.send_signal(number)
        printed, complaints = self._process.communicate(timeout=60)
        assert complaints == ""
        return self._process.returncode, json.loads(printed)


def records(service: Service) -> set[str]:
    """The request_digest of each record in the gatekeeper's log."""
    folder = service.state / "logs" / "h323_witness"
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return {str(json.loads(line).get("request_digest")) for line in lines}


def wait_for(holds: Callable[[], bool]) -> None:
    """Until a process that's at work has got there; a minute only to end a test that fails."""
    for _ in range(1200):
        if holds():
            return
        threading.Event().wait(0.05)
    pytest.fail("it did not come to that within a minute")


def test_the_prober_measures_the_restart_of_a_gatekeeper(service: Service) -> None:
    probing = Probing(service, "--wait-ms", "2000")
    service.stop()
    service.start()
    code, fields = probing.stop()
    assert (code, fields["ok"], fields["refused"], fields["wrong_answers"]) == (0, True, {}, {})
    assert fields["answered"] + fields["lost"] == fields["probes_sent"] > 0
    assert fields["outages"]
    assert fields["longest_outage_ms"] == max(one["milliseconds"] for one in fields["outages"])
    assert sum(one["probes_lost"] for one in fields["outages"]) <= fields["lost"]
    assert fields["epoch"] is None
    assert registrations(service) == 0


def test_every_decision_in_the_probers_log_is_in_the_gatekeepers(service: Service, tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    log.write_text("what was there stays\n")
    probing = Probing(service, "--commit", "--log", str(log), "--most-ms", "10")

    def written() -> int:
        return len(log.read_text().splitlines())

    wait_for(lambda: written() > 20)
    service.stop()
    service.start()
    before = written()
    wait_for(lambda: written() > before + 20)
    code, fields = probing.stop(signal.SIGTERM)
    assert (code, fields["ok"], fields["refused"]) == (1, False, {}), "the restart took longer than 10 ms"
    first, *lines = log.read_text().splitlines()
    decisions = [json.loads(line) for line in lines]
    assert first == "what was there stays"
    assert {one["request"] for one in decisions} == {"ARQ", "DRQ"}
    wait_for(lambda: {one["request_digest"] for one in decisions} <= records(service))


def test_a_prober_ends_after_its_seconds_and_prints_a_table(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    who = ["--key", str(service.keys / "guardian-09.pem"), "--id", "if://guardian/guardian-09"]
    assert main(service.arguments("probe", *who, "--seconds", "0.3")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "probing"
    assert lines[1].startswith("probes sent ")
    assert lines[-1] == "good: nothing was refused"


def test_a_prober_that_is_not_let_in_says_so(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    who = ["--key", str(service.keys / "guardian-09.pem"), "--id", "if://guardian/guardian-08"]
    code, fields = run(capsys, service.arguments("probe", *who))
    assert (code, "cannot be registered" in fields["problem"]) == (2, True)


def test_a_full_disk_under_the_probers_log_ends_it_and_leaves_nothing_behind(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    who = ["--key", str(service.keys / "guardian-09.pem"), "--id", "if://guardian/guardian-09"]
    code, fields = run(capsys, service.arguments("probe", *who, "--commit", "--log", "/dev/full"))
    assert (code, "No space left" in fields["problem"]) == (2, True)
    assert registrations(service) == 0


def test_a_smoke_test_that_is_interrupted_unregisters_everybody(service: Service) -> None:
    async def scenario() -> None:
        registered = asyncio.Event()

        def progress(_number: int, _steps: int, name: str) -> None:
            if name == "keepAlive":
                registered.set()

        running = asyncio.create_task(run_smoke(council(service), ("127.0.0.1", service.port), progress))
        await registered.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(scenario())
    assert registrations(service) == 0
