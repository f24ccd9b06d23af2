"""The running gatekeeper: what it is made of, and how it begins and ends.

In office while it holds the virtual address and the epoch (failover/office.py), standing by otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from h323.h235 import PrivateKey
from witness.day_files.streams import STREAMS
from witness.day_files.writer import DayFileWriter
from witness.service.manager import ServiceManager
from witness.service.settings import SettingsError

from gatekeeper.condition import Condition
from gatekeeper.control import Control
from gatekeeper.core import Address, Call, Selection
from gatekeeper.ending import end
from gatekeeper.failover.events import write_return
from gatekeeper.failover.hand_over import HandOver
from gatekeeper.failover.health import Health, Surroundings
from gatekeeper.failover.last_answer import LastAnswer
from gatekeeper.failover.mandate import Mandate
from gatekeeper.failover.office import Office
from gatekeeper.failover.peer import Peer, Return
from gatekeeper.failover.previous_end import read_previous_end
from gatekeeper.failover.pulse import Pulse
from gatekeeper.failover.sign_of_life import PeerSign
from gatekeeper.failover.step_down import Duty
from gatekeeper.failover.succession import Succession
from gatekeeper.failover.switch_route import SwitchRoute
from gatekeeper.failover.tenure import Means, Tenure
from gatekeeper.failover.vrrp_notify import VrrpNotify
from gatekeeper.failover.vrrp_priority import VrrpPriority
from gatekeeper.metrics import Metrics, Status
from gatekeeper.now import instant
from gatekeeper.operation import NotActiveError
from gatekeeper.outbox.log_writer import LogWriter
from gatekeeper.outbox.refetch import peer_refetch
from gatekeeper.ras_sockets import RasSockets
from gatekeeper.reception import Reception
from gatekeeper.registry import Registry
from gatekeeper.registry_in_force import RegistryInForce
from gatekeeper.settings import Settings
from gatekeeper.store import Store

LOGGER = logging.getLogger(__name__)
_TAKEN_OVER_WITHIN = 0.11
"""Seconds for which a host may have stood still before the other one's keepalived misses three adverts."""
VRRP_INSTANCE = "council"
"""As the role keepalived names it."""


class Server:
    """One node's gatekeeper service."""

    def __init__(self, settings: Settings, registry: Registry, signing_key: PrivateKey, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._manager = ServiceManager()
        self.metrics = Metrics(self.status)
        self._registry = RegistryInForce(settings, registry, self._manager, self._use_registry)
        self._refetch = peer_refetch(settings.log_directory, settings.refetch, settings.store.tls)
        self._logs = {stream: DayFileWriter(settings.log_directory, stream) for stream in STREAMS}
        self._writers = [
            LogWriter(store, log, settings.core.node, stream, self._log_is_in_trouble, self._refetch)
            for stream, log in self._logs.items()
        ]
        self._pulse = Pulse(settings.fitness.pulse_file, settings.fitness.promise, self._stood_still)
        self._priority = VrrpPriority(settings.priority_file)
        self._mandate = Mandate(
            settings.ras.virtual_address,
            lambda: self._health.held,
            self._address_moved,
            self._address_stayed_away,
            lambda: self._office.tenure is not None and self._peer.lets_go,
        )
        self._vrrp = self._listen_to_keepalived()
        self._health = Health(store, self._writers, settings, self._surroundings)
        self._peer = Peer(
            settings.core,
            signing_key,
            self._sign_of_life,
            self._send_from_own_address,
            self._returned,
            self._heard,
        )
        self._sockets = RasSockets(settings.ras, self._peer, self._receive)
        means = Means(settings.core, signing_key, store, self.metrics, self._sockets.send)
        self._reception = Reception(means, registry, self._peer)
        succession = Succession(means, lambda: self._registry.registry, self._writers, self._priority, self._pulse)
        self._office = Office(
            means, self._mandate, succession, self._peer, self._sockets, lambda: self._health.caretaker
        )
        self._hand_over = HandOver(self._duty)
        self._condition = self._make_condition(means.last_answer)

    def _listen_to_keepalived(self) -> VrrpNotify | None:
        fifo = self._settings.vrrp_fifo
        return None if fifo is None else VrrpNotify(fifo, VRRP_INSTANCE, lambda: self._mandate.has_virtual_address)

    @property
    def _surroundings(self) -> Surroundings:
        return Surroundings(
            holds_address=lambda: self._mandate.has_virtual_address,
            peer=lambda: self._peer.sign,
            before_unfit=self._unfit,
            caretaker_changed=self._caretaker_changed,
            peer_time=lambda: self._peer.time,
        )

    @property
    def _duty(self) -> Duty:
        return Duty(
            own=self._sign_of_life,
            peer=lambda: self._health.peer,
            invite=self._invite,
            go_on=self._go_on,
            holds_address=lambda: self._mandate.has_virtual_address,
            commits_under_way=lambda: self._office.tenure.commits_under_way if self._office.tenure else 0,
            pause=self._sockets.pause,
            resume=self._sockets.resume,
            leave=self._leave,
            come_back=self._come_back,
        )

    def _make_condition(self, last_answer: LastAnswer) -> Condition:
        track_file = self._settings.track_file
        return Condition(
            settings=self._settings,
            office=self._office,
            mandate=self._mandate,
            health=self._health,
            peer=self._peer,
            pulse=self._pulse,
            vrrp=self._vrrp,
            writers=self._writers,
            previous_end=None if track_file is None else read_previous_end(track_file.with_name("previous-end")),
            last_answer=last_answer,
        )

    # What it is asked

    @property
    def ras_address(self) -> Address:
        """Where RAS is spoken; the port is the real one also where 0 was asked for."""
        return self._sockets.own_address

    def status(self) -> Status:
        """What is going on."""
        return self._condition.status()

    def list_calls(self) -> tuple[Call, ...]:
        """The calls that are admitted now. Raises NotActiveError."""
        return self._tenure.list_calls()

    async def clear_calls(self, selection: Selection) -> int:
        """Clear calls for an operator; how many, once that is durable. Raises NotActiveError."""
        return await self._tenure.clear_calls(selection)

    @property
    def _tenure(self) -> Tenure:
        if self._office.tenure is None:
            raise NotActiveError
        return self._office.tenure

    def reload_registry(self) -> None:
        """Read the registry again; one that can't be used changes nothing."""
        self._registry.reload()

    # How it begins and ends

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until cancelled; `ready` is called when RAS is answered.

        Raises:
            StoreError, WitnessLogError, SettingsError, PortTakenError: something can't be used, and what to do.
        """
        control = Control(self.status, self.metrics, self, SwitchRoute(self._hand_over.for_operator).routes)
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._open(control)
            work = [self._pulse.run, self._office.run, self._health.watch, self._peer.run, self._tell_manager]
            work += [writer.run for writer in self._writers]
            minutes = self._settings.restore.after_minutes
            work += [self._hand_over.to_primary(minutes).run] if minutes else []
            work += [self._vrrp.watch] if self._vrrp else []
            tasks += [asyncio.ensure_future(one()) for one in work]
            self._manager.notify(READY=1)
            ready()
            await asyncio.gather(*tasks)
        finally:
            self._manager.notify(STOPPING=1)
            if self._sockets.bound:
                self._peer.leave("service stopped")
            # The address moves while we tidy up.
            self._health.tell_keepalived(fit=False)
            await end(*tasks, *self._office.tasks, self._registry.reloading)
            self._office.tenure = None
            if self._sockets.bound:
                # Where no address moves, the other one may take office as soon as it hears this.
                self._peer.tell()
            await self._close(control)

    async def _open(self, control: Control) -> None:
        try:
            self._pulse.open()
        except OSError as error:
            where = self._settings.fitness.pulse_file
            raise SettingsError(f"pulse_file {where}: {error.strerror}; let the service write it") from error
        for log in self._logs.values():
            log.open()
        self._sockets.bind()
        await self._store.open()
        if self._refetch is not None:
            self._refetch.open()
        await control.open(self._settings.control_socket, self._settings.metrics)
        await self._sockets.open()
        self._mandate.open()

    async def _close(self, control: Control) -> None:
        self._pulse.close()
        self._mandate.close()
        await self._sockets.close()
        await control.close()
        if self._refetch is not None:
            await self._refetch.close()
        await self._store.close()
        for log in self._logs.values():
            log.close()
        self._manager.close()

    async def _tell_manager(self) -> None:
        while True:
            status = self.status()
            self._priority.tell(status.epoch, in_office=self._office.tenure is not None)
            what = f"active, epoch {status.epoch}" if status.active else "standing by"
            self._manager.notify(WATCHDOG=1, STATUS=status.trouble or what)
            await asyncio.sleep(self._manager.watchdog_interval or 1.0)

    # What its parts tell each other

    def _receive(self, datagram: bytes, source: Address) -> None:
        # Once for all who ask: each reading costs, and one datagram is decided at one moment.
        now = instant()
        # Before anything is answered: what queued up while the process stood still is read before its next pulse.
        self._pulse.check(now.monotonic)
        if self._health.clock_is_off(now):
            return
        self._reception.receive(datagram, source, now, self._office.tenure, caretaker=self._health.caretaker)

    def _sign_of_life(self) -> PeerSign:
        return self._condition.sign_of_life()

    def _send_from_own_address(self, datagram: bytes, destination: Address) -> None:
        self._sockets.send_from_own_address(datagram, destination)

    def _returned(self, returned: Return) -> None:
        tenure = self._office.tenure
        if tenure is not None and tenure.confirmed:
            write_return(tenure, returned)

    def _heard(self, sign: PeerSign) -> None:
        self._office.heard(sign)
        if sign.successor == self._settings.core.node and self._may_succeed(sign):
            self._mandate.invite()

    def _may_succeed(self, sign: PeerSign) -> bool:
        """Whether this node takes office from the one in office that asks for it. It is the epoch that admits it."""
        return sign.active and self._office.tenure is None and self._health.fit and self._health.epoch <= sign.epoch

    def _use_registry(self, registry: Registry) -> None:
        self._reception.use_registry(registry)
        if self._office.tenure is not None:
            self._office.tenure.use_registry(registry)

    def _log_is_in_trouble(self) -> None:
        self._health.notice()

    def _stood_still(self, seconds: float) -> None:
        """The process was stopped, or its event loop was stuck: whatever it believes may have passed meanwhile."""
        if seconds > _TAKEN_OVER_WITHIN or self._health.given_up_by_others():
            LOGGER.warning("stood still for %.2f s", seconds)
            self._reception.suspect()
            if self._office.tenure is not None:
                self._office.tenure.doubt()
        self._health.stood_still()

    def _unfit(self, why: str) -> None:
        self._office.say_why(why)

    def _address_moved(self, here: bool) -> None:
        # Those who come now may have asked whoever had it before.
        self._reception.suspect()
        if not here:
            self._office.say_why("the virtual address left this node")
            self._office.leave()

    def _address_stayed_away(self) -> None:
        self._office.say_why("the virtual address did not come")
        self._office.leave()

    def _caretaker_changed(self, now: bool) -> None:
        """Nobody can decide: what this node knew is let go of, and taken from the store again when that is back."""
        LOGGER.warning("nobody can decide: refusing what is new" if now else "no longer refusing for want of a quorum")
        self._reception.caretaker_changed(self._office.last_known if now else None)
        if now:
            self._reception.suspect()
            self._sockets.resume()
            self._office.leave()
            self._mandate.changed.set()

    def _invite(self, node: str, why: str) -> bool:
        if self._office.tenure is None or not self._mandate.has_virtual_address:
            return False
        self._office.tenure.hold()
        self._peer.leave(why, successor=node)
        return True

    def _go_on(self) -> None:
        # Whoever was asked must not take office later on, when this node no longer means to let go of it.
        self._peer.stay()
        if self._office.tenure is not None:
            self._office.tenure.go_on()

    def _leave(self, why: str) -> None:
        self._peer.leave(why)
        self._health.hold()
        self._office.leave()

    def _come_back(self) -> None:
        self._health.release()
        self._mandate.changed.set()
