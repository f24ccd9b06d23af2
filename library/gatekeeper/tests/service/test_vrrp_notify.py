"""keepalived's notify FIFO: what is said in it, who writes and who goes, and where it disagrees with the kernel."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from gatekeeper.failover.vrrp_notify import (
    PATIENCE,
    Agreement,
    Notice,
    NoticeParser,
    VirtualRouter,
    VrrpNotify,
    VrrpState,
)
from hypothesis import given
from hypothesis import strategies as st

from .running import DEADLINE

MASTER, BACKUP, FAULT = (b'INSTANCE "council" %s 200\n' % state for state in (b"MASTER", b"BACKUP", b"FAULT"))
STOP = b'INSTANCE "council" STOP 200\n'


def test_what_keepalived_says() -> None:
    said = MASTER + b'INSTANCE "other" STOP 0\n'
    assert NoticeParser().feed(said) == [
        Notice("council", VrrpState.MASTER, 200),
        Notice("other", VrrpState.STOP, 0),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b'GROUP "council" MASTER 200',
        b'INSTANCE "council" MASTER_RX_LOWER_PRI 200',
        b'INSTANCE "council" BACKUP_PRIORITY 190',
        b'INSTANCE "council" UNKNOWN 200',
        b'INSTANCE "council" master 200',
        b'INSTANCE "council" MASTER 2000',
        b'INSTANCE "council" MASTER -1',
        b'INSTANCE "coun\xffcil" MASTER 200',
        b'INSTANCE "" MASTER 200',
        b'INSTANCE "council" MASTER 200\r',
        b' INSTANCE "council" MASTER 200',
        b'INSTANCE "' + 65 * b"c" + b'" MASTER 200',
        b"",
    ],
)
def test_what_is_no_state_is_passed_over(line: bytes) -> None:
    assert NoticeParser().feed(line + b"\n" + BACKUP) == [Notice("council", VrrpState.BACKUP, 200)]


@given(st.lists(st.sampled_from([MASTER, BACKUP, FAULT, STOP, b'GROUP "x" MASTER 0\n', b"\n"])), st.data())
def test_it_does_not_matter_where_the_octets_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    octets = b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)))))
    parser = NoticeParser()
    pieces = [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    assert [notice for piece in pieces for notice in parser.feed(piece)] == NoticeParser().feed(octets)


@given(st.lists(st.binary(max_size=600), max_size=20))
def test_any_octets_are_survived_and_the_next_line_is_understood(pieces: list[bytes]) -> None:
    parser = NoticeParser()
    for piece in pieces:
        parser.feed(piece)
    assert parser.feed(b"\n" + MASTER)[-1:] == [Notice("council", VrrpState.MASTER, 200)]


def test_a_line_without_end_is_not_kept() -> None:
    parser = NoticeParser()
    for _ in range(1_000):
        assert parser.feed(1_000 * b"M") == []
    # Its end is no line of its own, even where it looks like one.
    assert parser.feed(MASTER) == []
    assert parser.feed(BACKUP) == [Notice("council", VrrpState.BACKUP, 200)]


def test_transitions_are_those_into_and_out_of_office() -> None:
    router = VirtualRouter("council")
    assert (router.state, router.transitions) == (VrrpState.UNKNOWN, 0)
    router.read(BACKUP + BACKUP + FAULT + BACKUP)
    assert (router.state, router.transitions) == (VrrpState.BACKUP, 0)
    router.read(MASTER + MASTER + b'INSTANCE "other" BACKUP 200\n')
    assert (router.state, router.transitions) == (VrrpState.MASTER, 1)
    router.read(FAULT)
    assert router.transitions == 2


def test_who_is_killed_says_nothing_and_who_is_stopped_has_said_it() -> None:
    killed, stopped = VirtualRouter("council"), VirtualRouter("council")
    killed.read(MASTER + b"INSTANCE")
    stopped.read(MASTER + STOP)
    for router in (killed, stopped):
        router.ended()
    assert (killed.state, stopped.state) == (VrrpState.UNKNOWN, VrrpState.STOP)
    # The next keepalived's first line isn't the rest of the killed one's last.
    killed.read(BACKUP)
    assert killed.state is VrrpState.BACKUP


@pytest.mark.parametrize(
    ("state", "present", "runs", "word"),
    [
        (VrrpState.BACKUP, True, True, "says BACKUP"),
        (VrrpState.FAULT, True, True, "says FAULT"),
        (VrrpState.MASTER, False, True, "says MASTER"),
        (VrrpState.UNKNOWN, True, False, "no keepalived"),
        (VrrpState.STOP, True, False, "no keepalived"),
    ],
)
def test_kernel_and_keepalived_may_disagree_for_a_second(
    state: VrrpState, *, present: bool, runs: bool, word: str
) -> None:
    agreement = Agreement()
    assert agreement.compare(state, present=present, keepalived_runs=runs, now=100.0) is None
    assert agreement.compare(state, present=present, keepalived_runs=runs, now=100.0 + PATIENCE) is None
    doubt = agreement.compare(state, present=present, keepalived_runs=runs, now=100.1 + PATIENCE)
    assert doubt is not None
    assert word in doubt
    assert agreement.compare(VrrpState.MASTER, present=True, keepalived_runs=True, now=102.0) is None
    # Once they have agreed the second begins anew.
    assert agreement.compare(state, present=present, keepalived_runs=runs, now=102.5) is None


@pytest.mark.parametrize(
    ("state", "present", "runs"),
    [
        (VrrpState.MASTER, True, True),
        (VrrpState.BACKUP, False, True),
        (VrrpState.FAULT, False, True),
        (VrrpState.STOP, False, False),
        (VrrpState.UNKNOWN, False, False),
        # This gatekeeper has come while keepalived ran: it has heard nothing yet.
        (VrrpState.UNKNOWN, True, True),
    ],
)
def test_where_both_say_the_same_there_is_no_doubt(state: VrrpState, *, present: bool, runs: bool) -> None:
    agreement = Agreement()
    for now in (0.0, 10.0):
        assert agreement.compare(state, present=present, keepalived_runs=runs, now=now) is None


class Keepalived:
    """Its side of the FIFO: open for both, never waiting."""

    def __init__(self, fifo: Path) -> None:
        self._fifo = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)

    def say(self, line: bytes) -> None:
        os.write(self._fifo, line)

    def fill(self, line: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self._fifo, line)

    def end(self) -> None:
        os.close(self._fifo)


@contextlib.asynccontextmanager
async def listening(path: Path, *, present: bool = False) -> AsyncIterator[VrrpNotify]:
    notify = VrrpNotify(path, "council", lambda: present)
    task = asyncio.ensure_future(notify.watch())
    try:
        yield notify
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        await asyncio.sleep(0.001)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "notify"
    os.mkfifo(path, 0o600)
    return path


def test_lines_are_read_as_they_come_and_those_before_the_reader_too(fifo: Path) -> None:
    async def scenario() -> None:
        keepalived = Keepalived(fifo)
        keepalived.say(BACKUP)
        async with listening(fifo) as notify:
            await until(lambda: notify.router.state is VrrpState.BACKUP, "what was said before is heard")
            keepalived.say(MASTER)
            await until(lambda: notify.router.state is VrrpState.MASTER, "it is heard")
        keepalived.say(FAULT)
        async with listening(fifo) as notify:
            await until(
                lambda: notify.router.state is VrrpState.FAULT, "the next reader hears what the last one missed"
            )
        keepalived.end()

    asyncio.run(scenario())


def test_a_keepalived_that_dies_leaves_nothing_known_and_the_next_is_heard(fifo: Path) -> None:
    async def scenario() -> None:
        async with listening(fifo) as notify:
            for _ in range(3):
                keepalived = Keepalived(fifo)
                keepalived.say(MASTER)
                await until(lambda: notify.router.state is VrrpState.MASTER, "it is heard")
                keepalived.end()
                await until(lambda: notify.router.state is VrrpState.UNKNOWN, "its end is noticed")

    asyncio.run(scenario())


def test_without_a_writer_the_event_loop_sleeps(fifo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        reads = 0
        read = os.read

        def counted(file: int, size: int) -> bytes:
            nonlocal reads
            reads += 1
            return read(file, size)

        async with listening(fifo) as notify:
            keepalived = Keepalived(fifo)
            keepalived.say(MASTER)
            await until(lambda: notify.router.state is VrrpState.MASTER, "it is heard")
            keepalived.end()
            await until(lambda: notify.router.state is VrrpState.UNKNOWN, "its end is noticed")
            monkeypatch.setattr(os, "read", counted)
            for _ in range(100):
                await asyncio.sleep(0.0001)
            assert reads == 0
            monkeypatch.undo()

    asyncio.run(scenario())


def test_the_fifo_may_come_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "notify"
        async with listening(path) as notify:
            await asyncio.sleep(0)
            assert notify.router.state is VrrpState.UNKNOWN
            os.mkfifo(path)
            keepalived = Keepalived(path)
            keepalived.say(MASTER)
            await until(lambda: notify.router.state is VrrpState.MASTER, "it is heard")
            keepalived.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_fifo_is_left_alone(tmp_path: Path, fifo: Path, kind: str) -> None:
    path = tmp_path / "it"
    make = {"file": lambda: path.write_bytes(MASTER), "folder": path.mkdir, "link": lambda: path.symlink_to(fifo)}
    make[kind]()

    async def scenario() -> None:
        keepalived = Keepalived(fifo)
        keepalived.say(MASTER)
        async with listening(path) as notify:
            await asyncio.sleep(0.01)
            assert notify.router.state is VrrpState.UNKNOWN
        keepalived.end()

    asyncio.run(scenario())


def test_a_pipe_that_was_full_may_lack_the_newest_lines(fifo: Path) -> None:
    async def scenario() -> None:
        keepalived = Keepalived(fifo)
        keepalived.fill(MASTER)
        async with listening(fifo) as notify:
            await until(lambda: notify.router.transitions > 0, "it is read")
            assert notify.router.state is VrrpState.UNKNOWN
            keepalived.say(BACKUP)
            await until(lambda: notify.router.state is VrrpState.BACKUP, "what is said now is heard")
        keepalived.end()

    asyncio.run(scenario())


def test_an_address_that_nobody_holds_is_a_doubt(fifo: Path) -> None:
    async def scenario() -> None:
        keepalived = Keepalived(fifo)
        keepalived.say(MASTER)
        async with listening(fifo, present=True) as notify:
            await until(lambda: notify.router.state is VrrpState.MASTER, "it is heard")
            assert notify.doubt is None
            keepalived.end()
            await until(lambda: notify.doubt is not None, "somebody sees it")
            assert "no keepalived" in str(notify.doubt)

    asyncio.run(scenario())
