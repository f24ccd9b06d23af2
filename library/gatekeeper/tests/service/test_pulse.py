"""A gatekeeper that is stopped or stuck loses the virtual address, and answers nothing of what it believed before."""

from __future__ import annotations

import asyncio
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gatekeeper.failover.process_state import Process
from gatekeeper.failover.pulse import Pulse
from gatekeeper.failover.pulse_file import PulseFile
from gatekeeper.failover.pulse_watch import EVERY, Judge, Watch
from gatekeeper.failover.track_file import TrackFile
from gatekeeper.store.sqlite import SqliteStore
from h323.ras import RegistrationConfirm
from hypothesis import given
from hypothesis import strategies as st

from .guardian import guardian
from .running import Node, serving, until

WATCH = str(Path(sys.executable).parent / "h323-gatekeeper-watch")


@pytest.fixture
def track(tmp_path: Path) -> TrackFile:
    file = TrackFile(tmp_path / "track")
    file.tell(fit=True)
    return file


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[PulseFile]:
    file = PulseFile(tmp_path / "pulse", create=True)
    yield file
    file.close()


def test_both_words_of_the_track_file_are_written_over_each_other(tmp_path: Path) -> None:
    path = tmp_path / "track"
    file = TrackFile(path)
    assert not file.says_fit()
    assert file.tell(fit=False)
    number = path.stat().st_ino
    for fit, word in ((True, "0\n"), (False, "1\n")):
        assert file.tell(fit=fit)
        assert not file.tell(fit=fit)
        assert path.read_text() == word
        assert file.says_fit() is fit
    assert path.stat().st_ino == number
    path.write_text("")
    assert file.tell(fit=False)
    assert path.read_text() == "1\n"


def test_a_track_file_is_no_way_to_another_file(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("0\n")
    (tmp_path / "track").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic links"):
        TrackFile(tmp_path / "track").tell(fit=False)
    assert precious.read_text() == "0\n"


def test_a_kept_promise_is_nobodys_business(tmp_path: Path, track: TrackFile, pulse: PulseFile) -> None:
    watch = Watch(tmp_path / "pulse", track, 100.0)
    pulse.deadline = 100.5
    for now in (100.0, 100.01, 100.5):
        assert watch.look(now) == EVERY
    assert track.says_fit()
    assert (pulse.looked, pulse.stalls) == (100.5, 0)
    watch.close()


def test_a_broken_promise_is_told_once_and_counted_once_while_it_lasts(
    tmp_path: Path, track: TrackFile, pulse: PulseFile, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(tmp_path / "pulse", track, 100.0)
    pulse.deadline = 100.0
    watch.look(100.01)
    assert track.says_fit()
    watch.look(100.015)
    assert not track.says_fit()
    watch.look(100.02)
    # As the gatekeeper may do in the instant in which it is stopped again.
    track.tell(fit=True)
    watch.look(100.03)
    assert not track.says_fit()
    assert pulse.stalls == 1
    assert [record.message for record in caplog.records] == [
        "the gatekeeper is stuck (state ?): told keepalived that this node is not fit"
    ]
    pulse.deadline = 101.0
    watch.look(100.04)
    assert not track.says_fit()
    track.tell(fit=True)
    watch.look(101.0)
    assert track.says_fit()
    watch.look(101.01)
    watch.look(101.02)
    assert (track.says_fit(), pulse.stalls) == (False, 2)
    watch.close()


def test_who_came_back_while_it_was_judged_keeps_the_address(
    tmp_path: Path, track: TrackFile, pulse: PulseFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged_slowly(_judge: Judge, _deadline: float, _now: float, _process: object) -> bool:
        pulse.deadline = 200.0
        return True

    monkeypatch.setattr(Judge, "overdue", judged_slowly)
    watch = Watch(tmp_path / "pulse", track, 100.0)
    pulse.deadline = 100.0
    watch.look(100.01)
    assert track.says_fit()
    watch.look(100.02)
    assert not track.says_fit()
    watch.close()


def test_a_gatekeeper_that_ended_or_never_began_is_none_of_the_watchers_business(
    tmp_path: Path, track: TrackFile
) -> None:
    watch = Watch(tmp_path / "pulse", track, 100.0)
    assert watch.look(100.0) > EVERY
    with (tmp_path / "pulse").open("wb"):
        assert watch.look(100.1) > EVERY
    pulse = PulseFile(tmp_path / "pulse", create=True)
    watch.look(100.2)
    assert track.says_fit()
    # It was killed, and its unit has said so.
    pulse.deadline = 100.2
    track.tell(fit=False)
    watch.look(100.22)
    watch.look(100.25)
    assert pulse.stalls == 0
    pulse.close()
    watch.close()


def test_a_pulse_file_that_was_replaced_is_found(tmp_path: Path, track: TrackFile, pulse: PulseFile) -> None:
    watch = Watch(tmp_path / "pulse", track, 100.0)
    pulse.deadline = 100.02
    watch.look(100.01)
    (tmp_path / "pulse").unlink()
    other = PulseFile(tmp_path / "pulse", create=True)
    other.deadline = 200.0
    watch.look(100.03)
    watch.look(100.04)
    watch.look(100.041)
    assert track.says_fit()
    other.deadline = 100.042
    watch.look(100.05)
    watch.look(100.06)
    assert not track.says_fit()
    other.close()
    watch.close()


@dataclass(frozen=True)
class Doing:
    """What a process does; `other` is the state of its other thread."""

    state: str
    seconds: float
    other: str

    def can_run(self) -> bool:
        return "R" in (self.state, self.other)

    def used(self) -> float:
        return self.seconds


def judged(judge: Judge, deadline: float, now: float, state: str = "S", used: float = 0.0, other: str = "S") -> bool:
    return judge.overdue(deadline, now, Doing(state, used, other))


def test_who_overslept_waits_a_moment_before_blaming_the_other() -> None:
    judge = Judge(100.0)
    assert not judged(judge, 100.1, 100.01)
    # The whole host stood still for two seconds.
    assert not judged(judge, 100.1, 102.0)
    assert not judged(judge, 100.1, 102.01)
    assert not judged(judge, 100.1, 102.04)
    assert judged(judge, 100.1, 102.05)


def test_who_always_oversleeps_still_judges() -> None:
    judge = Judge(100.0)
    assert [judged(judge, 100.05, now) for now in (100.1, 100.2, 100.3)] == [False, False, True]


def test_a_stopped_process_is_not_waited_for() -> None:
    assert judged(Judge(100.0), 100.1, 100.01, "T")
    assert not judged(Judge(100.0), 0.0, 100.01, "T")


def test_who_gets_no_processor_is_waited_for_longer_and_who_uses_it_is_not() -> None:
    judge = Judge(100.0)
    for seconds in (0.01, 0.3, 1.0, 1.99):
        assert not judged(judge, 100.0, 100.0 + seconds, "R", 5.0)
        # The main thread waits for another one, which has the interpreter and no processor.
        assert not judged(judge, 100.0, 100.0 + seconds, "S", 5.0, "R")
    assert judged(judge, 100.0, 102.01, "R", 5.0)
    judge = Judge(100.0)
    assert not judged(judge, 100.0, 100.01, "R", 5.0)
    assert not judged(judge, 100.0, 100.02, "R", 5.01)
    assert not judged(judge, 100.0, 100.03, "R", 5.02)
    assert judged(judge, 100.0, 100.04, "R", 5.03)
    # The time that it used for its last promise says nothing about this one.
    assert not judged(judge, 100.04, 100.05, "R", 5.04)
    assert not judged(judge, 100.04, 100.06, "R", 5.04)


def test_who_waits_for_something_else_than_a_processor_is_stuck() -> None:
    for state in "SDZX?":
        judge = Judge(100.0)
        assert [judged(judge, 100.0, now, state) for now in (100.01, 100.02, 100.03)] == [False, True, True]
    # At one look it waits, at the next it is on its way.
    judge = Judge(100.0)
    assert not any(judged(judge, 100.0, 100.01 + n / 100, "SR"[n % 2]) for n in range(9))


@given(st.lists(st.tuples(st.floats(0.0, 0.5), st.floats(0.02, 0.3), st.sampled_from("RSD")), max_size=50))
def test_nobody_is_blamed_who_keeps_what_was_promised(looks: list[tuple[float, float, str]]) -> None:
    judge, now = Judge(0.0), 0.0
    for gap, ahead, state in looks:
        now += gap
        assert not judged(judge, now + ahead, now, state)


@given(st.lists(st.tuples(st.floats(0.001, 0.5), st.sampled_from("RSD?"), st.floats(0.0, 9.0)), min_size=1))
def test_everybody_is_found_in_the_end(looks: list[tuple[float, str, float]]) -> None:
    judge, now, used = Judge(0.0), 1.0, 0.0
    verdicts = []
    for gap, state, more in looks:
        now, used = now + gap, used + more
        verdicts.append((now, judged(judge, 1.0, now, state, used)))
    # The longest patience, and one grace for oversleeping that may come after it.
    assert all(verdict for now, verdict in verdicts if now > max(3.0, verdicts[0][0] + 0.03))


def test_the_kernel_tells_what_a_process_does() -> None:
    this = Process(os.getpid())
    assert this.state == "R"
    assert this.can_run()
    assert this.used() > 0.0
    # As long as a shell may make it.
    waiting = subprocess.Popen(["/bin/sh", "-c", "kill -STOP $$; :"])
    try:
        until(lambda: Process(waiting.pid).state == "T", "it has stopped itself")
        assert not Process(waiting.pid).can_run()
    finally:
        waiting.kill()
        waiting.wait()
    assert (Process(waiting.pid).state, Process(waiting.pid).used()) == ("?", 0.0)


class Clock:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("gatekeeper.failover.pulse.time", made)
    return made


def test_a_promise_that_was_broken_is_told_before_another_is_made(tmp_path: Path, clock: Clock) -> None:
    told: list[float] = []
    pulse = Pulse(tmp_path / "pulse", 0.12, told.append)
    pulse.open()
    file = PulseFile(tmp_path / "pulse", create=False)
    assert file.deadline == pytest.approx(100.12)
    clock.now = 100.1
    pulse.check(clock.now)
    assert file.deadline == pytest.approx(100.12)
    clock.now = 103.0
    pulse.check(clock.now)
    assert told == [pytest.approx(3.0)]
    assert file.deadline == pytest.approx(103.12)
    assert pulse.longest == pytest.approx(3.0)
    pulse.close()
    assert file.deadline == 0
    file.close()


def test_long_work_is_announced(tmp_path: Path, clock: Clock) -> None:
    told: list[float] = []
    pulse = Pulse(tmp_path / "pulse", 0.12, told.append)
    pulse.open()
    file = PulseFile(tmp_path / "pulse", create=False)
    with pulse.busy(5.0):
        assert file.deadline == pytest.approx(105.0)
        clock.now = 104.0
    assert (told, pulse.longest) == ([], 0.0)
    assert file.deadline == pytest.approx(104.12)
    with pulse.busy(5.0):
        clock.now = 110.0
    assert told == [pytest.approx(6.0)]
    file.close()
    pulse.close()


def test_whoever_watches_is_seen(tmp_path: Path, clock: Clock) -> None:
    nobody = Pulse(None, 0.12, lambda _: None)
    nobody.open()
    assert nobody.watched is None
    pulse = Pulse(tmp_path / "pulse", 0.12, lambda _: None)
    pulse.open()
    assert pulse.watched is False
    file = PulseFile(tmp_path / "pulse", create=False)
    file.looked = clock.now
    file.stalls += 3
    assert pulse.watched is True
    assert pulse.stalls == 3
    file.close()
    pulse.close()


async def renewed(file: PulseFile, deadline: float) -> None:
    """Return when there is a later deadline; the test's own ends it otherwise."""
    for _ in itertools.count():
        if file.deadline > deadline + 0.03:
            return
        await asyncio.sleep(0.01)


def test_the_loop_promises_again_and_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        pulse = Pulse(tmp_path / "pulse", 20.0, lambda _: None)
        pulse.open()
        file = PulseFile(tmp_path / "pulse", create=False)
        first = file.deadline
        running = asyncio.ensure_future(pulse.run())
        await renewed(file, first)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        file.close()
        pulse.close()

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_stopped_gatekeeper_is_told_of_and_answers_again_when_it_goes_on(tmp_path: Path) -> None:
    pulse = tmp_path / "pulse"
    node = Node(tmp_path, settings={"pulse_file": str(pulse), "pulse_promise_ms": 5_000})
    watching = subprocess.Popen([WATCH, "--pulse", str(pulse), "--track", str(node.track_file)])
    try:
        with serving(node) as process, guardian("alice", node.port) as alice:
            until(lambda: node.says(watched=True), "somebody looks at the pulse")
            until(lambda: node.track_file.read_text() == "0\n", "it is fit")
            alice.register()
            process.send_signal(signal.SIGSTOP)
            until(lambda: node.track_file.read_text() == "1\n", "keepalived is told")
            process.send_signal(signal.SIGCONT)
            until(lambda: node.says(stalls=1, healthy=True), "it says what happened")
            until(lambda: node.track_file.read_text() == "0\n", "it is fit again")
            assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
        left = PulseFile(pulse, create=False)
        assert left.stalls == 1
        left.close()
    finally:
        watching.terminate()
        watching.wait()


def test_what_queued_up_during_a_stop_is_not_answered_by_who_was_overthrown_meanwhile(tmp_path: Path) -> None:
    node = Node(tmp_path, settings={"pulse_promise_ms": 200})

    async def overthrow() -> None:
        store = SqliteStore(tmp_path / "state.sqlite")
        await store.open()
        await store.take_over("gk2", time.time())
        await store.close()

    with (
        serving(node) as process,
        guardian("alice", node.port) as alice,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        alice.register()
        late = alice.signed(alice.registration(keep_alive=True))
        process.send_signal(signal.SIGSTOP)
        asyncio.run(overthrow())
        other.sendto(late, ("127.0.0.1", node.port))
        # The length of the fault: longer than the promise, and shorter than an epoch stays confirmed.
        select.select([], [], [], 0.4)
        process.send_signal(signal.SIGCONT)
        until(lambda: 'message="unknown",result="unconfirmed"} 1.0' in node.metrics(), "the datagram is dropped")
        until(lambda: node.says(active=True, epoch=3), "it is in office again, since nobody else is")
        assert isinstance(alice.ask(alice.registration(keep_alive=True)), RegistrationConfirm)
        assert select.select([other], [], [], 0)[0] == []


def test_the_watcher_imports_next_to_nothing() -> None:
    code = "import sys; import gatekeeper.failover.pulse_watch; print([m for m in sys.modules if 'asyncio' in m])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_time_is_the_hosts() -> None:
    """Both sides read CLOCK_MONOTONIC."""
    assert time.get_clock_info("monotonic").implementation == "clock_gettime(CLOCK_MONOTONIC)"
