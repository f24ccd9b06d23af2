"""The running gatekeeper: in office while it holds the virtual address and the epoch, standing by otherwise."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict

from h323.h235 import PrivateKey

from gatekeeper.control import Control
from gatekeeper.core import Address, Call, Inheritance, Observe, Selection, Send, Standby, WithoutQuorum
from gatekeeper.failover.health import Health, Surroundings
from gatekeeper.failover.peer import Peer, Return
from gatekeeper.failover.previous_end import read_previous_end
from gatekeeper.failover.pulse import Pulse
from gatekeeper.failover.record import Predecessor, cause, duration, what_happened
from gatekeeper.failover.release import RELEASE
from gatekeeper.failover.restore import Restoring
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.step_down import Clock, Duty, StepDownError, Switch, step_down
from gatekeeper.failover.switch_route import SwitchRoute
from gatekeeper.failover.tenure import CONFIRMED_WITHIN, Means, Tenure, instant
from gatekeeper.failover.virtual_address import VirtualAddress
from gatekeeper.failover.vrrp_notify import VrrpNotify
from gatekeeper.failover.vrrp_priority import VrrpPriority
from gatekeeper.log_writer import LogWriter
from gatekeeper.long_lived import restoring
from gatekeeper.metrics import Metrics, Status
from gatekeeper.operation import NotActiveError
from gatekeeper.passwords import PasswordsError
from gatekeeper.ras_socket import RasSocket
from gatekeeper.registry import Registry, RegistryError, load_registry_and_passwords
from gatekeeper.service_manager import ServiceManager
from gatekeeper.settings import Settings, SettingsError
from gatekeeper.store import Fenced, Snapshot, Store, StoreError, Term
from gatekeeper.witness_log import FOLDERS, WitnessLog

LOGGER = logging.getLogger(__name__)
_LOOK_AT_TERM = 0.1
_TAKEN_OVER_WITHIN = 0.11
"""Seconds for which a host may have stood still before the other one's keepalived misses three adverts."""
_RESTORING, _RESTORING_EACH = 0.12, 5e-6
"""Seconds that beginning a term may take at most, its state being decoded, and more for each item and answer."""
_MOST_ROUTES = 100_000
VRRP_INSTANCE = "council"
"""As the role keepalived names it."""


class Server:
    """One node's gatekeeper service."""

    def __init__(self, settings: Settings, registry: Registry, signing_key: PrivateKey, store: Store) -> None:
        self._settings = settings
        self._registry = registry
        self._store = store
        self._manager = ServiceManager()
        self.metrics = Metrics(self.status)
        self._standby = Standby(settings.core, signing_key, os.urandom)
        self._without_quorum = WithoutQuorum(settings.core, registry, signing_key, os.urandom)
        self._means = Means(settings.core, signing_key, store, self.metrics, self._send)
        self._tenure: Tenure | None = None
        self._running: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self._followed = Inheritance()
        self._called = asyncio.Event()
        self._reloading: asyncio.Task[None] | None = None
        self._sockets: list[RasSocket] = []
        # Answers leave from the address that was asked, also after a commit.
        self._routes: OrderedDict[Address, RasSocket] = OrderedDict()
        self._virtual_address: VirtualAddress | None = None
        fifo = settings.vrrp_fifo
        self._vrrp = VrrpNotify(fifo, VRRP_INSTANCE, lambda: self._has_virtual_address) if fifo is not None else None
        self._priority = VrrpPriority(settings.priority_file)
        self._logs = {stream: WitnessLog(settings.log_directory, stream) for stream in FOLDERS}
        self._writers = [
            LogWriter(store, log, settings.core.node, stream, self._log_is_in_trouble)
            for stream, log in self._logs.items()
        ]
        surroundings = Surroundings(
            holds_address=lambda: self._has_virtual_address,
            peer=lambda: self._peer.sign,
            before_unfit=self._leave_for,
            caretaker_changed=self._caretaker_changed,
            peer_time=lambda: self._peer.time,
        )
        self._health = Health(store, self._writers, settings, surroundings)
        self._peer = Peer(settings.core, signing_key, self._sign_of_life, self._send_from_own_address, self._returned)
        self._looking: asyncio.Task[None] | None = None
        self._switching = asyncio.Lock()
        self._previous_end = (
            None if settings.track_file is None else read_previous_end(settings.track_file.with_name("previous-end"))
        )
        self._pulse = Pulse(settings.fitness.pulse_file, settings.fitness.promise, self._stood_still)

    @property
    def ras_address(self) -> Address:
        """Where RAS is spoken; the port is the real one also where 0 was asked for."""
        return self._sockets[0].address

    def status(self) -> Status:
        """What is going on."""
        tenure, vrrp = self._tenure, self._vrrp
        trouble, peer = self._health.trouble, self._peer.sign
        wait = self._health.fit_again_in
        return Status(
            node=self._settings.core.node,
            role=self._settings.role,
            healthy=trouble is None,
            active=tenure is not None and tenure.confirmed,
            epoch=max(self._health.epoch, tenure.term.epoch if tenure else 0),
            registrations=tenure.gatekeeper.registrations if tenure else 0,
            calls=tenure.gatekeeper.calls if tenure else 0,
            store=self._settings.store.kind,
            virtual_address=self._settings.ras.virtual_address,
            holds_virtual_address=self._has_virtual_address,
            trouble=trouble,
            registrations_by_authentication=dict(tenure.gatekeeper.registrations_by_authentication) if tenure else {},
            witness_records={writer.stream: writer.size for writer in self._writers},
            peer=None if peer is None else asdict(peer),
            peer_age=self._peer.age,
            peer_signs_refused=self._peer.refused,
            vrrp_state=vrrp.router.state.value if vrrp else None,
            vrrp_transitions=vrrp.router.transitions if vrrp else 0,
            virtual_address_doubt=vrrp.doubt if vrrp else None,
            stalls=self._pulse.stalls,
            longest_stall=round(self._pulse.longest, 3),
            watched=self._pulse.watched,
            fit=self._health.fit,
            fit_again_in_sec=None if wait is None else round(wait),
            quorum=self._health.has_quorum,
            caretaker=self._health.caretaker,
            clock_offset=self._health.clocks.ahead,
            clock_doubt=self._health.clocks.sentence,
        )

    def _sign_of_life(self) -> PeerSign:
        tenure, trouble = self._tenure, self._health.trouble
        return PeerSign(
            node=self._settings.core.node,
            role=self._settings.role,
            epoch=max(self._health.epoch, tenure.term.epoch if tenure else 0),
            active=tenure is not None and tenure.confirmed,
            fit=self._health.fit and trouble is None,
            trouble=trouble,
            has_quorum=self._health.has_quorum,
            witness_records={writer.stream: writer.size for writer in self._writers},
            previous_end=self._previous_end,
            release=RELEASE,
            unix_ms=max(0, int(time.time() * 1_000)),
        )

    def list_calls(self) -> tuple[Call, ...]:
        """The calls that are admitted now. Raises NotActiveError."""
        return self._active.list_calls()

    async def clear_calls(self, selection: Selection) -> int:
        """Clear calls for an operator; how many, once that is durable. Raises NotActiveError."""
        return await self._active.clear_calls(selection)

    @property
    def _active(self) -> Tenure:
        if self._tenure is None:
            raise NotActiveError
        return self._tenure

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until cancelled; `ready` is called when RAS is answered.

        Raises:
            StoreError, WitnessLogError, SettingsError, PortTakenError: something can't be used, and what to do.
        """
        control = Control(self.status, self.metrics, self, SwitchRoute(self.step_down).routes)
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._open(control)
            work = [self._pulse.run, self._stay_in_office, self._health.watch, self._peer.run, self._tell_manager]
            work += [writer.run for writer in self._writers]
            work += [self._restoring(minutes).run] if (minutes := self._settings.restore.after_minutes) else []
            work += [self._vrrp.watch] if self._vrrp else []
            tasks += [asyncio.ensure_future(one()) for one in work]
            self._manager.notify(READY=1)
            ready()
            await asyncio.gather(*tasks)
        finally:
            self._manager.notify(STOPPING=1)
            if self._sockets:
                self._peer.leave("service stopped")
            # The address moves while we tidy up.
            self._health.tell_keepalived(fit=False)
            await _end(*tasks, self._running, self._following, self._looking, self._reloading)
            self._tenure = None
            if self._sockets:
                # Where no address moves, the other one may take office as soon as it hears this.
                self._peer.tell()
            await self._close(control)

    def _stood_still(self, seconds: float) -> None:
        """The process was stopped, or its event loop was stuck: whatever it believes may have passed meanwhile."""
        if seconds > _TAKEN_OVER_WITHIN or self._health.given_up_by_others():
            LOGGER.warning("stood still for %.2f s", seconds)
            self._without_quorum.suspect(time.monotonic())
            if self._tenure is not None:
                self._tenure.doubt()
        self._health.stood_still()

    def _log_is_in_trouble(self) -> None:
        self._health.notice()

    def _caretaker_changed(self, now: bool) -> None:
        """Nobody can decide: what this node knew is let go of, and taken from the store again when that is back."""
        LOGGER.warning("nobody can decide: refusing what is new" if now else "no longer refusing for want of a quorum")
        if now:
            self._without_quorum.suspect(time.monotonic())
            self._resume()
            if self._running is not None:
                self._running.cancel()
            self._called.set()

    async def _open(self, control: Control) -> None:
        try:
            self._pulse.open()
        except OSError as error:
            where = self._settings.fitness.pulse_file
            raise SettingsError(f"pulse_file {where}: {error.strerror}; let the service write it") from error
        for log in self._logs.values():
            log.open()
        ras = self._settings.ras
        for address in filter(None, (ras.address, ras.virtual_address, ras.virtual_address6)):
            self._sockets.append(RasSocket(address, ras.port, self._receiver(len(self._sockets))))
        await self._store.open()
        await control.open(self._settings.control_socket, self._settings.metrics)
        for socket in self._sockets:
            await socket.open()
        if ras.virtual_address is not None:
            self._virtual_address = VirtualAddress(ras.virtual_address)
            asyncio.get_running_loop().add_reader(self._virtual_address, self._address_changed)
        self._called.set()

    async def _close(self, control: Control) -> None:
        self._pulse.close()
        if self._virtual_address is not None:
            asyncio.get_running_loop().remove_reader(self._virtual_address)
            self._virtual_address.close()
        for socket in self._sockets:
            await socket.close()
        await control.close()
        await self._store.close()
        for log in self._logs.values():
            log.close()
        self._manager.close()

    def _receiver(self, number: int) -> Callable[[bytes, Address], None]:
        def receive(datagram: bytes, source: Address) -> None:
            if self._peer.is_from_peer(source):
                self._peer.receive(datagram, source)
                return
            self._routes[source] = self._sockets[number]
            self._routes.move_to_end(source)
            if len(self._routes) > _MOST_ROUTES:
                self._routes.popitem(last=False)
            # Before anything is answered: what queued up while the process stood still is read before its next pulse.
            self._pulse.check()
            if self._health.clock_is_off():
                return
            tenure, caretaker = self._tenure, self._health.caretaker
            if tenure is not None and not (caretaker and not tenure.confirmed):
                self._without_quorum.in_office(tenure.gatekeeper.answers, instant())
                tenure.receive(datagram, source)
                return
            if caretaker:
                # A term that is not over yet, here or there, may still hand over what it has.
                self._without_quorum.suspect(time.monotonic() if tenure is not None else self._peer.last_active_at)
            speaker = self._without_quorum if caretaker else self._standby
            for effect in speaker.receive(datagram, source, instant()):
                if isinstance(effect, Send):
                    self._send(effect.datagram, effect.destination)
                elif isinstance(effect, Observe):
                    self.metrics.count(effect.message, effect.result, effect.authentication)

        return receive

    def _send_from_own_address(self, datagram: bytes, destination: Address) -> None:
        self._sockets[0].send(datagram, destination)

    def _send(self, datagram: bytes, destination: Address) -> None:
        socket = self._routes.get(destination) or self._shared_socket(destination)
        socket.send(datagram, destination)

    def _shared_socket(self, destination: Address) -> RasSocket:
        """Where a datagram leaves that answers none: from the address that moves, in the destination's IP version."""
        alike = [socket for socket in self._sockets if (":" in socket.address[0]) == (":" in destination[0])]
        return (alike or self._sockets)[-1]

    @property
    def _has_virtual_address(self) -> bool:
        return self._virtual_address is not None and self._virtual_address.present

    @property
    def _called_upon(self) -> bool:
        """Whether this node should be in office: it has the virtual address, or there is none."""
        if self._health.held:
            return False
        return self._virtual_address is None or self._virtual_address.present

    def _address_changed(self) -> None:
        if self._virtual_address is None:
            return
        before = self._virtual_address.present
        if self._virtual_address.read() == before:
            return
        LOGGER.info("the virtual address %s", "came to this node" if not before else "left this node")
        # Those who come now may have asked whoever had it before.
        self._without_quorum.suspect(time.monotonic())
        if before and self._running is not None:
            self._leave_for("the virtual address left this node")
            self._running.cancel()
        self._called.set()

    def _leave_for(self, why: str) -> None:
        """Tell the other one why this node gives up office, unless it is said already."""
        if self._tenure is not None and self._peer.leaving is None:
            self._peer.leave(why)

    def _returned(self, returned: Return) -> None:
        """Whoever is in office writes down that the other one is back."""
        if self._tenure is None or not self._tenure.confirmed:
            return
        silent = None if returned.silent is None else round(returned.silent, 3)
        self._tenure.write_event(
            "GATEKEEPER_RETURNED",
            returned=returned.sign.node,
            previous_end=what_happened(returned),
            silent_sec=silent,
        )

    async def step_down(self, reason: str, force: bool) -> Switch:
        """Hand over office to the other gatekeeper for an operator. Raises StepDownError."""
        return await self._hand_over(f"step-down by the operator: {reason or 'no reason given'}", force=force)

    async def _hand_over(self, why: str, *, force: bool = False) -> Switch:
        if self._switching.locked():
            raise StepDownError("a switch is under way already")
        async with self._switching:
            switch = await step_down(self._duty, why, Clock(time.monotonic, asyncio.sleep), force=force)
        LOGGER.info("handed over to %s within %.3f s: %s", switch.to, switch.seconds, why)
        return switch

    def _restoring(self, minutes: int) -> Restoring:
        clock = Clock(time.monotonic, asyncio.sleep)
        return Restoring(60.0 * minutes, self._sign_of_life, lambda: self._health.peer, self._hand_over, clock)

    @property
    def _duty(self) -> Duty:
        return Duty(
            own=self._sign_of_life,
            peer=lambda: self._health.peer,
            commits_under_way=lambda: self._tenure.commits_under_way if self._tenure else 0,
            pause=self._pause,
            resume=self._resume,
            leave=self._leave,
            come_back=self._come_back,
        )

    def _leave(self, why: str) -> None:
        self._peer.leave(why)
        self._health.hold()
        if self._running is not None:
            self._running.cancel()

    def _come_back(self) -> None:
        self._health.release()
        self._called.set()

    async def _stay_in_office(self) -> None:
        """Take office whenever called upon, and leave it when no longer."""
        self._follow()
        while True:
            await self._called.wait()
            self._called.clear()
            if self._virtual_address is None:
                # Nobody but the store says whose turn it is: two gatekeepers of one machine share it.
                await self._wait_for_turn()
            while self._called_upon:
                self._running = asyncio.ensure_future(self._hold_office())
                await asyncio.wait([self._running])
                self._tenure = None
                self._follow()
                if self._running.cancelled():
                    break
                error = self._running.exception()
                if not isinstance(error, StoreError):
                    self._running.result()
                LOGGER.warning("not in office: %s", error)
                if isinstance(error, Fenced):
                    self._resume()
                    await self._wait_for_turn()
            self._resume()

    def _follow(self) -> None:
        """While somebody else is in office, keep at hand what this node will need to take it."""
        if self._following is None or self._following.done():
            self._followed = Inheritance()
            self._following = asyncio.ensure_future(self._store.follow(self._followed))
            self._following.add_done_callback(_tell_of_failure)

    async def _wait_for_turn(self) -> None:
        """Return when whoever else is in office gives no sign of life for as long as they may answer without one.

        It is the change that counts, not its time: the other host's clock need not be ours.
        """
        last: Term | None = None
        since = time.monotonic()
        while self._called_upon and time.monotonic() - since <= CONFIRMED_WITHIN:
            try:
                term = await self._store.term()
            except StoreError:
                # Nobody else can be told from here to live either, but nobody can be overthrown.
                since = time.monotonic()
            else:
                if term is None or term.holder == self._settings.core.node:
                    return
                if self._peer.has_left(term.holder, term.epoch):
                    return
                if term != last:
                    last, since = term, time.monotonic()
            await self._peer.wait_for_leaving(_LOOK_AT_TERM)

    def _pause(self) -> None:
        """Leave requests in the buffers. A node's own address, where another moves, goes on hearing the other node."""
        for socket in self._sockets[1:] or self._sockets:
            socket.pause()

    def _resume(self) -> None:
        for socket in self._sockets:
            socket.resume()

    async def _hold_office(self) -> None:
        # What arrives meanwhile stays in the sockets' buffers and is answered afterwards.
        if not self._health.caretaker:
            self._pause()
        self._looking = asyncio.ensure_future(self._peer.look_at_host())
        self._tenure = tenure = await self._take_office()
        self._resume()
        await tenure.run()

    async def _take_office(self) -> Tenure:
        with restoring():
            asked = time.monotonic()
            snapshot = await self._store.take_over(self._settings.core.node, time.time())
            self._priority.tell(snapshot.term.epoch, in_office=True)
            following, self._following = self._following, None
            await _end(following)
            for writer in self._writers:
                writer.check(snapshot.sizes.get(writer.stream, 0))
            followed, self._followed = self._followed, Inheritance()
            inheritance = followed if snapshot.followed else await _inherit(snapshot)
            with self._pulse.busy(_RESTORING + _RESTORING_EACH * (len(snapshot.items) + len(snapshot.answers))):
                tenure = Tenure(self._means, self._registry, snapshot, asked, inheritance)
        # What the store has was registered under whichever registry was in force then.
        tenure.use_registry(self._registry)
        self._announce(tenure, snapshot.previous)
        return tenure

    def _announce(self, tenure: Tenure, previous: Term | None) -> None:
        """Write how this term began, and count it where it was a failover."""
        term = tenure.term
        LOGGER.info("in office: epoch %d, %d registrations", term.epoch, tenure.gatekeeper.registrations)
        self._peer.stay()
        if previous is None or previous.holder == term.holder:
            tenure.write_event("GATEKEEPER_START", holder=term.holder)
            return
        now, old = time.monotonic(), self._predecessor(previous.holder)
        seconds = round(duration(old, now, time.time() - previous.last_seen), 3)
        self.metrics.took_over(seconds)
        tenure.write_event(
            "GATEKEEPER_FAILOVER",
            **{"from": previous.holder, "to": term.holder, "cause": cause(old, now), "failover_duration_sec": seconds},
            registrations=tenure.gatekeeper.registrations,
            calls=tenure.gatekeeper.calls,
        )

    def _predecessor(self, node: str) -> Predecessor:
        heard = self._peer.last_of(node)
        return Predecessor(
            node=node,
            active_at=self._peer.last_active_at,
            commit_seen=self._store.last_commit_seen,
            last_sign=heard.sign if heard else None,
            last_sign_at=heard.at if heard else -math.inf,
            left=self._peer.left(node),
            host=self._peer.host,
        )

    async def _tell_manager(self) -> None:
        while True:
            status = self.status()
            self._priority.tell(status.epoch, in_office=self._tenure is not None)
            what = f"active, epoch {status.epoch}" if status.active else "standing by"
            self._manager.notify(WATCHDOG=1, STATUS=status.trouble or what)
            await asyncio.sleep(self._manager.watchdog_interval or 1.0)

    def reload_registry(self) -> None:
        """Read the registry again; one that can't be used changes nothing."""
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.ensure_future(self._reload_registry())

    async def _reload_registry(self) -> None:
        self._manager.notify(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)
        try:
            # In a thread: a large registry takes longer to read than a terminal likes to wait.
            loop = asyncio.get_running_loop()
            self._registry = await loop.run_in_executor(
                None, load_registry_and_passwords, self._settings.registry, self._settings.passwords
            )
        except (RegistryError, PasswordsError) as error:
            LOGGER.warning("the registry stays as it was:\n%s", error)
        else:
            self._without_quorum.use_registry(self._registry)
            if self._tenure is not None:
                self._tenure.use_registry(self._registry)
            LOGGER.info("registry loaded: %d guardians", len(self._registry.guardians))
        self._manager.notify(READY=1)


async def _inherit(snapshot: Snapshot) -> Inheritance:
    """Decode all of it, with turns of the event loop in between: others wait for its pulse."""
    inheritance = Inheritance()
    for _ in inheritance.take(snapshot):
        await asyncio.sleep(0)
    return inheritance


def _tell_of_failure(following: asyncio.Task[None]) -> None:
    """Not to be able to follow makes a takeover slower, not wrong: it is no reason to end the service."""
    if not following.cancelled() and following.exception() is not None:
        LOGGER.error("this node no longer follows the other one", exc_info=following.exception())


async def _end(*tasks: asyncio.Task[None] | None) -> None:
    """Cancel tasks and wait until they are over; what they raised was raised already."""
    begun = [task for task in tasks if task is not None]
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
