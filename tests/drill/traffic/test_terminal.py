"""A terminal of the load on wires that are not there, by a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from h323.ras import DisengageConfirm, RasMessage, RequestInProgress
from terminal.core import Call, Confirmed, Endpoint, Instant, RetransmissionPolicy
from terminal.core.endpoint import Address

from library.terminal.tests.pair import START, from_gatekeeper, identity, random_source

from . import terminal as traffic_terminal
from .answers import AnswerLog, read_answer
from .terminal import Terminal
from .wire import Wire

ONCE = RetransmissionPolicy(first=30.0, longest=30.0, give_up=30.0)


class NoWire(Wire):
    """Keeps what is sent."""

    def __init__(self, peer: Address, port: int) -> None:
        self.peer, self.address = peer, ("192.0.2.101", port)
        self.sent: list[bytes] = []

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)


class Stage:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        monkeypatch.setattr(traffic_terminal, "now", lambda: self.now)
        self.home, self.away = NoWire(("192.0.2.10", 1719), 40000), NoWire(("192.0.2.11", 1719), 40001)
        self.answers = folder / "answers"
        self.log = AnswerLog(self.answers)
        endpoint = Endpoint(identity("alice"), self.home.address, random_source("alice"))
        self.terminal = Terminal(self.home, endpoint, self.log, "direct")
        self.terminal.listen(self.away)
        self.outcomes: list[object] = []

    @property
    def now(self) -> Instant:
        return Instant(START.monotonic + self.seconds, START.unix + self.seconds)

    def disengage(self, wire: Wire | None = None) -> None:
        request = self.terminal.endpoint.disengagement(Call.of(bytes(16), bytes(range(16))))
        self.terminal.ask(request, lambda outcome, _arrived: self.outcomes.append(outcome), wire=wire, policy=ONCE)

    def answer(self, wire: NoWire, make: Callable[[int], RasMessage]) -> None:
        number = self.terminal.endpoint._request_seq_num
        wire.receiver(from_gatekeeper(make(number), "if://guardian/alice", wire.sent[0]), self.now)


def on_stage(folder: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Stage], None]) -> Stage:
    async def play() -> Stage:
        stage = Stage(folder, monkeypatch)
        act(stage)
        await stage.log.flush()
        stage.terminal.close()
        stage.log.close()
        return stage

    return asyncio.run(play())


def test_a_request_at_a_nodes_own_address_is_sent_again_there_when_it_was_told_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(stage: Stage) -> None:
        stage.disengage(stage.away)
        stage.answer(stage.away, lambda number: RequestInProgress(request_seq_num=number, delay=1000))
        stage.seconds = 1.0
        stage.terminal.wake()
        assert stage.terminal.oldest == START.monotonic
        stage.answer(stage.away, lambda number: DisengageConfirm(request_seq_num=number))

    stage = on_stage(tmp_path, monkeypatch, act)
    assert (len(stage.away.sent), len(set(stage.away.sent)), stage.home.sent) == (2, 1, [])
    (outcome,) = stage.outcomes
    assert isinstance(outcome, Confirmed)
    answer = read_answer(stage.answers.read_bytes())
    assert (answer.kind, answer.answered_from, answer.attempts, answer.role) == ("DCF", "192.0.2.11", 2, "direct")
    assert (stage.terminal.waiting, stage.terminal.oldest) == (0, float("inf"))


def test_what_nobody_answers_is_written_down_as_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def act(stage: Stage) -> None:
        stage.disengage()
        stage.seconds = 31.0
        stage.terminal.wake()

    stage = on_stage(tmp_path, monkeypatch, act)
    assert len(stage.home.sent) == 1
    assert read_answer(stage.answers.read_bytes()).kind == ""
