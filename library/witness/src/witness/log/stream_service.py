"""One stream's life in the log service: its records are read, and signed or followed, and published."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiohttp

from witness.day_files.streams import Stream
from witness.durable_file import replace_durably
from witness.errors import WitnessError
from witness.log.cosigning import AheadError, Cosigners, CosigningError, ForkError
from witness.log.duty import Duty, State
from witness.log.lines import LinesError, ShrunkError
from witness.log.metrics import StreamStatus
from witness.log.peers import Peer, checkpoints
from witness.log.stream_log import POLICY, StreamLog, UnfitError
from witness.note import Signer, add_signatures, sign_note
from witness.policy import JudgedCheckpoint, Policy, PolicyError
from witness.tiles import TileError

LOGGER = logging.getLogger(__name__)
_POLL = 0.1
"""Seconds between two looks at the day files."""
_READ_ANEW, _LONGEST = 2.0, 60.0
"""Seconds until a log is read again whose disk refused, or whose files were repaired; twice as many the next time."""
_READINGS = 3
"""Times that files are read again which are no stream."""
_BEHIND_AFTER = 3.0
"""Seconds for which a peer may be ahead without anybody being told: records travel, too."""

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Means:
    """What all streams have in common."""

    node: str
    directory: Path
    policy: Policy
    session: aiohttp.ClientSession
    peers: Sequence[Peer]


class StreamService:
    """Runs until cancelled, or until the log turns out to be unfit."""

    def __init__(self, means: Means, stream: Stream, signer: Signer | None) -> None:
        """`signer` has the stream's log key, if this host signs."""
        self.name = stream.name
        self._means = means
        self._stream = stream
        self._signer = signer
        self._log = StreamLog(means.directory, stream, means.policy)
        self._duty = self._new_duty()
        self._cosigners = Cosigners(means.policy, means.session, 0)
        self.state = State.STARTING
        self._known = 0
        """Size of the largest checkpoint that was seen."""
        self._behind_since: float | None = None
        self._trouble: str | None = None
        self._pause = _READ_ANEW
        self._policy_is_there = False

    def _new_duty(self) -> Duty:
        return Duty(self._means.node, signs=self._signer is not None, alone=not self._means.peers)

    def vouched_for(self) -> StreamLog | None:
        """What others may have of it; None while it isn't vouched for."""
        return None if self.state in (State.STARTING, State.FAILED) else self._log

    def status(self) -> StreamStatus:
        """What is going on."""
        now = time.monotonic()
        return StreamStatus(
            state=self.state,
            records=self._log.size,
            checkpoint_size=self._log.covered,
            cosignature_age=self._duty.uncovered.age(now),
            behind=max(0, self._known - self._log.size),
        )

    async def run(self) -> None:
        """Serve the stream."""
        try:
            await self._run()
        finally:
            self._log.close()

    async def _run(self) -> None:
        spoilt = 0
        while True:
            try:
                await self._begin()
                spoilt = 0
                while True:
                    await self._step()
            except (UnfitError, TileError, ForkError) as error:
                self._become(State.FAILED, str(error))
                return
            except LinesError as error:
                # The gatekeeper may be cutting off at this moment what a crash has left of its last records.
                spoilt += 1
                if spoilt > _READINGS:
                    self._become(State.FAILED, str(error))
                    return
                self._become(State.STARTING, f"again, as the files are no stream now: {error}")
            except (ShrunkError, OSError) as error:
                self._become(State.STARTING, f"again, as something is wrong with its files: {error}")
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST)

    async def _begin(self) -> None:
        """Read everything, and compare it with what is published here and at the peers."""
        self._log.close()
        self._log = log = StreamLog(self._means.directory, self._stream, self._means.policy)
        self._duty = self._new_duty()
        await _in_thread(log.open)
        self._known = log.promised
        while await _in_thread(log.read_on):
            pass
        now = time.monotonic()
        self._duty.uncovered.cover(log.covered)
        self._duty.uncovered.grown(log.size, now)
        self._cosigners = Cosigners(self._means.policy, self._means.session, log.promised)
        await self._look(now)

    def _put_policy(self) -> None:
        """For auditors; the service itself believes its own configuration only."""
        octets = self._means.policy.render()
        path = self._log.folder / POLICY
        if not (path.is_file() and path.read_bytes() == octets):
            replace_durably(path, octets)
        self._policy_is_there = True

    async def _step(self) -> None:
        grown = await _in_thread(self._log.read_on)
        now = time.monotonic()
        self._duty.uncovered.grown(self._log.size, now)
        if self._known > self._log.size:
            await self._lag(now)
        else:
            self._behind_since = None
            await self._sign_or_follow(now)
        if not grown:
            await asyncio.sleep(_POLL)

    async def _lag(self, now: float) -> None:
        """There are records that this host doesn't have, and so it can't know what it would sign."""
        if self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since >= _BEHIND_AFTER:
            self._become(State.BEHIND, f"it has {self._log.size} of {self._known} records; they are fetched")
        if self._duty.may_look(now):
            await self._look(now)

    async def _sign_or_follow(self, now: float) -> None:
        if self._signer is not None and self._duty.turn(self._log.newest_node, now):
            self._become(State.SIGNING)
            if self._duty.may_sign(now):
                await self._sign(self._signer, now)
            return
        if not (self.state is State.SIGNING and not self._duty.uncovered):
            # Whoever has signed everything goes on to sign until somebody else does.
            self._become(State.FOLLOWING)
        if self._means.peers and self._duty.may_look(now):
            await self._look(now)

    async def _sign(self, signer: Signer, now: float) -> None:
        log = self._log
        checkpoint = await _in_thread(log.prepare)
        note = sign_note(checkpoint.text(), signer)
        try:
            note = add_signatures(note, await self._cosigners.cosign(note, checkpoint.size, log.proof))
        except ForkError:
            raise
        except CosigningError as error:
            if not isinstance(error, AheadError) or self._duty.uncovered.age(now) > _BEHIND_AFTER:
                self._have_trouble(f"not cosigned: {error}")
            self._duty.signed(now, well=False)
            await self._look(now)
            return
        await self._publish(note.encode(), log.judge(note.encode()))
        self._duty.signed(now, well=True)
        self._have_trouble(None)

    async def _look(self, now: float) -> None:
        """Ask the peers for their checkpoints. Every one that is cosigned must be one of this log, too."""
        self._duty.looked(now, eager=self._known > self._log.size)
        for octets in await checkpoints(self._means.peers, self.name):
            if octets != self._log.published:
                await self._compare(octets)

    async def _compare(self, octets: bytes) -> None:
        try:
            judged = self._log.judge(octets)
        except PolicyError as error:
            self._have_trouble(f"a peer's checkpoint: {error}")
            return
        size = judged.checkpoint.size
        if not judged.fulfilled:
            return
        self._known = max(self._known, size)
        if size <= self._log.size:
            await _in_thread(self._log.check, judged.checkpoint)
            if self._log.takes(judged):
                await self._publish(octets, judged)

    async def _publish(self, octets: bytes, judged: JudgedCheckpoint) -> None:
        if not judged.fulfilled:
            raise WitnessError(f"a checkpoint of {self.name} without the quorum was to be published")
        if not self._policy_is_there:
            await _in_thread(self._put_policy)
        await _in_thread(self._log.publish, octets, judged)
        self._pause = _READ_ANEW
        self._known = max(self._known, judged.checkpoint.size)
        self._duty.uncovered.cover(judged.checkpoint.size)

    # What is said of it

    def _become(self, state: State, why: str = "") -> None:
        if state is self.state and not why:
            return
        if state is not self.state or state is State.STARTING:
            level = logging.ERROR if state is State.FAILED else logging.INFO
            what = f"{state.value}: {why}" if why else state.value
            LOGGER.log(level, "witness log %s: %s (%d records)", self.name, what, self._log.size)
        self.state = state

    def _have_trouble(self, trouble: str | None) -> None:
        if trouble is not None and self._trouble is None:
            LOGGER.warning("witness log %s: %s", self.name, trouble)
        elif trouble is None and self._trouble is not None:
            LOGGER.info("witness log %s: cosigned again", self.name)
        self._trouble = trouble


async def _in_thread(work: Callable[..., ResultT], *arguments: object) -> ResultT:
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)
