"""How this node is: asks the store and the disks, judges (fitness.py), and tells keepalived by the track file."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from witness.day_files.writer import DiskError

from gatekeeper.core import Instant
from gatekeeper.failover.damping import Damping
from gatekeeper.failover.disk import disk_trouble
from gatekeeper.failover.fitness import Fitness, Situation, asks_for_holder, judge, peer_can_serve
from gatekeeper.failover.neighbour import Holder, Neighbour
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.track_file import TrackFile
from gatekeeper.failover.wall_clock import Clocks, Opinion, Verdict, WallClock
from gatekeeper.now import instant
from gatekeeper.outbox.log_writer import LogWriter
from gatekeeper.patience import within
from gatekeeper.settings import Settings
from gatekeeper.store import Store, StoreError

LOGGER = logging.getLogger(__name__)
_JUDGE = 0.05
"""Seconds between two judgements, unless something happens: the peer's signs come every 20 ms."""
_LOOK = 0.5
"""Seconds between two questions to the store, the disks and the network."""
_DISK_PATIENCE = 2.0
"""Seconds after which a disk that doesn't say how full it is counts as broken."""
_QUORUM_WITHIN = 1.0
"""Seconds for which an answer of the store proves that it has its quorum."""
_ASK_TIME = 2.0
"""Seconds between two questions for a third host's time."""
_SURE = 2
"""Looks in succession that must find nobody at the virtual address."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the node's health depends on besides its store and disks, and whom it concerns."""

    holds_address: Callable[[], bool]
    """Whether this node has the virtual address."""
    peer: Callable[[], PeerSign | None]
    """The other gatekeeper's last sign of life."""
    before_unfit: Callable[[str], None] = lambda _why: None
    """Told why before the virtual address is given up."""
    caretaker_changed: Callable[[bool], None] = lambda _now: None
    """Told when this node begins to say that nobody can decide, and when it ends."""
    peer_time: Callable[[], Opinion | None] = lambda: None
    """What time it is at the other gatekeeper."""


class Health:
    """What hinders this node, and the epoch that the store last told."""

    def __init__(
        self, store: Store, writers: Sequence[LogWriter], settings: Settings, surroundings: Surroundings
    ) -> None:
        self._store = store
        self._writers = writers
        self._surroundings = surroundings
        self._track_file = TrackFile(settings.track_file) if settings.track_file is not None else None
        self._reserve = settings.fitness.disk_reserve
        self._folders = (settings.log_directory, *((settings.store.path.parent,) if settings.store.path else ()))
        address = settings.ras.virtual_address
        self._neighbour = Neighbour(address) if address is not None else None
        self._started = time.monotonic()
        self._answered: float | None = None
        self._store_trouble = "no answer since this service was started"
        self._disk: str | None = None
        self._clock = WallClock()
        self._hosts = {settings.ras.address, *(host for host, _ in settings.core.alternates)}
        self.clocks = Clocks()
        """What was thought of the clocks last."""
        self._found_nobody = 0
        self._damping = Damping()
        self._fitness = Fitness("the store has not answered yet", well=False)
        self._fit = False
        self._held = False
        self._stood_still = False
        self._something_happened = asyncio.Event()
        self.epoch = 0

    @property
    def trouble(self) -> str | None:
        """One sentence, None while nothing is wrong."""
        return self._fitness.trouble

    @property
    def fit(self) -> bool:
        """Whether the virtual address may come here."""
        return self._fit and not self._held

    @property
    def fit_again_in(self) -> float | None:
        """Seconds until this node is believed to be fit, if it stays well; None where it is, or isn't well."""
        return self._damping.remaining(time.monotonic())

    @property
    def has_quorum(self) -> bool:
        """Whether the store answered within the last second."""
        return self._answered is not None and time.monotonic() - self._answered <= _QUORUM_WITHIN

    @property
    def caretaker(self) -> bool:
        """Whether this node is to say at the virtual address that nobody can decide."""
        return self._fitness.caretaker

    def clock_is_off(self, now: Instant) -> bool:
        """Whether timestamps would be judged wrongly here, and rightly by the other node: then silence is the answer.

        To be asked before each datagram, with the time then: a clock is stepped between two judgements.
        """
        if self._clock.look(now.monotonic, now.unix):
            self._compare_clocks()
            self.notice()
            if self.clocks.verdict is Verdict.UNKNOWN and self.peer is not None:
                return True
        return self.clocks.verdict is Verdict.OWN and peer_can_serve(self.peer)

    @property
    def peer(self) -> PeerSign | None:
        """How the other one is: not fit, whatever it says itself, if its clock is the wrong one."""
        sign, clocks = self._surroundings.peer(), self.clocks
        if sign is None or clocks.verdict is not Verdict.PEER:
            return sign
        return replace(sign, fit=False, trouble=clocks.sentence)

    def _compare_clocks(self) -> None:
        before = self.clocks
        self.clocks = self._clock.compare(self._surroundings.peer_time(), time.monotonic())
        if self.clocks.verdict is before.verdict:
            return
        if self.clocks.sentence is None:
            LOGGER.info("the clocks agree")
        elif self.clocks.trouble is None:
            LOGGER.warning("%s", self.clocks.sentence)

    async def _ask_time(self) -> None:
        while len(self._hosts) > 1:
            asked = time.monotonic()
            with contextlib.suppress(StoreError):
                told = await self._store.time_elsewhere(self._hosts)
                answered = time.monotonic()
                if told is not None and answered - asked <= _QUORUM_WITHIN:
                    host, unix = told
                    self._clock.third = Opinion(host, unix - (asked + answered) / 2, answered)
            await asyncio.sleep(_ASK_TIME)

    async def watch(self) -> None:
        """Look until cancelled."""
        await asyncio.gather(
            self._ask_store(), self._look_at_disks(), self._look_for_holder(), self._ask_time(), self._judge_all()
        )

    def notice(self) -> None:
        """Something has happened that may make a difference: judge now."""
        self._something_happened.set()

    def stood_still(self) -> None:
        """The event loop was stuck. If the watcher has given up the virtual address, that was a time of being unfit."""
        self._stood_still = True
        self.notice()

    async def _ask_store(self) -> None:
        while True:
            try:
                term = await self._store.term()
            except StoreError as error:
                self._store_trouble = str(error)
            else:
                self._answered = time.monotonic()
                self._store_trouble = "no answer yet"
                self.epoch = max(self.epoch, term.epoch if term else 0)
                self.notice()
            await asyncio.sleep(_LOOK)

    async def _look_at_disks(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # In a thread of its own: a disk that is dead answers never.
            looking = loop.run_in_executor(None, disk_trouble, self._folders, self._reserve)
            await asyncio.wait([looking], timeout=_DISK_PATIENCE)
            if not looking.done():
                self._disk = f"{self._folders[0]}: its disk does not answer; see what the kernel says of it"
                self.notice()
            found = await looking
            if found != self._disk:
                self._disk = found
                self.notice()
            await asyncio.sleep(_LOOK)

    async def _look_for_holder(self) -> None:
        while self._neighbour is not None:
            asked = asks_for_holder(self._situation())
            if asked:
                self._neighbour.ask()
            await asyncio.sleep(_LOOK)
            self._found_nobody = self._found_nobody + 1 if asked and self._neighbour.look() is Holder.NOBODY else 0

    async def _judge_all(self) -> None:
        while True:
            self._something_happened.clear()
            self._judge()
            with contextlib.suppress(asyncio.TimeoutError):
                await within(_JUDGE, self._something_happened.wait())

    def _situation(self) -> Situation:
        troubles = [writer.trouble for writer in self._writers if writer.trouble is not None]
        on_disk = next((str(one) for one in troubles if isinstance(one, DiskError)), None)
        now = instant()
        self._clock.look(now.monotonic, now.unix)
        self._compare_clocks()
        return Situation(
            now=now.monotonic,
            started=self._started,
            answered=self._answered,
            store_trouble=self._store_trouble,
            log_trouble=next((str(one) for one in troubles if not isinstance(one, DiskError)), None),
            disk_trouble=on_disk or self._disk,
            holds_address=self._surroundings.holds_address(),
            peer=self.peer,
            nobody_holds_address=self._found_nobody >= _SURE,
            was_caretaker=self._fitness.caretaker,
            clock_trouble=self.clocks.trouble,
        )

    def _judge(self) -> None:
        situation, before = self._situation(), self._fitness
        self._fitness = judge(situation)
        needed = not peer_can_serve(situation.peer)
        if self._stood_still:
            self._stood_still = False
            if self.given_up_by_others():
                self._damping.judge(situation.now, well=False, needed=needed)
        was_fit = self._fit
        self._fit = self._damping.judge(situation.now, well=self._fitness.well, needed=needed)
        if was_fit and not self._fit:
            self._surroundings.before_unfit(f"not fit: {self.trouble}")
        self._tell_of(before)
        self.tell_keepalived(fit=self.fit)
        if before.caretaker is not self._fitness.caretaker:
            self._surroundings.caretaker_changed(self._fitness.caretaker)

    def _tell_of(self, before: Fitness) -> None:
        """Log what is new. How long the store has been silent is part of the sentence, and nothing new."""
        trouble, known = self._fitness.trouble, before.trouble
        if trouble is not None and (known is None or trouble.partition(" ")[0] != known.partition(" ")[0]):
            LOGGER.warning("%s%s", trouble, "" if not self._fit else "; this node goes on, since no other can")
        elif trouble is None and known is not None:
            LOGGER.info("nothing is wrong any more")

    def given_up_by_others(self) -> bool:
        """Whether the watcher has given up the virtual address while this node believed to be fit."""
        try:
            return self._fit and self._track_file is not None and not self._track_file.says_fit()
        except OSError:
            return False

    def hold(self) -> None:
        """Let go of the virtual address though nothing is wrong, until `release`."""
        self._held = True
        self.tell_keepalived(fit=False)

    def release(self) -> None:
        """Take the virtual address again when it comes, if nothing is wrong."""
        self._held = False
        self._judge()

    @property
    def held(self) -> bool:
        """Whether this node lets go of office though nothing is wrong."""
        return self._held

    def tell_keepalived(self, *, fit: bool) -> None:
        """Write the track file if it says something else; the virtual address leaves a node whose file says 1."""
        if self._track_file is None:
            return
        try:
            if self._track_file.tell(fit=fit):
                LOGGER.info("told keepalived that this node is %s", "fit" if fit else f"not fit: {self._reason}")
        except OSError as error:
            LOGGER.warning("track_file: %s", error)

    @property
    def _reason(self) -> str:
        wait = self.fit_again_in
        return self.trouble or (
            f"it was, and will be fit again in {wait:.0f} s" if wait is not None else "it hands over"
        )
