"""One node: the real service, whole, with made-up sockets, disk and kernel."""

from __future__ import annotations

import contextlib
import logging
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from unittest import mock

import gatekeeper.server as service
from gatekeeper import ras_sockets, registry_in_force
from gatekeeper.core import Address, CoreSettings
from gatekeeper.failover import health, mandate, pulse, succession
from gatekeeper.failover.neighbour import Holder
from gatekeeper.failover.tenure import Tenure
from gatekeeper.registry import Registry
from gatekeeper.server import Server
from gatekeeper.settings import Settings, parse_settings
from gatekeeper.store import Record, etcd
from gatekeeper.store.etcd import EtcdStore
from witness.day_files.writer import WitnessLogError
from witness.service.settings import Tls

from library.gatekeeper.tests.core.zone import IDENTIFIER, private_key

from .link import Link
from .memory_etcd import Json, MemoryEtcd
from .virtual_time import CURRENT, NodeClock, NodeLoop, chance

VIRTUAL = "192.0.2.10"
PORT = 1719
Leaves = Callable[["Node", bytes, Address], None]
_BEAT = 0.1
"""Seconds between two promises of the event loop to be back within 0.12 s: fewer than in truth, each costs us time."""
_NOWHERE = Path("/nonexistent")
_BEGINNING: list[Node] = []
"""The node whose service is being made."""


class MemorySocket:
    """A RAS socket whose datagrams wait in a buffer while nobody reads."""

    def __init__(self, address: str, port: int, receive: Callable[[bytes, Address], None]) -> None:
        self.address: Address = (address, port)
        self._receive = receive
        self._buffer: deque[tuple[bytes, Address]] = deque()
        self._reading = False
        self._node = _BEGINNING[-1]
        self._node.sockets.append(self)

    async def open(self) -> None:
        """See RasSocket."""
        self.resume()

    async def close(self) -> None:
        """See RasSocket."""
        self._reading = False

    def resume(self) -> None:
        """See RasSocket."""
        self._reading = True
        self._wake()

    def pause(self) -> None:
        """See RasSocket."""
        self._reading = False

    def send(self, datagram: bytes, destination: Address) -> None:
        """See RasSocket."""
        self._node.sends(datagram, destination)

    def arrive(self, datagram: bytes, source: Address) -> None:
        """A datagram comes from the network."""
        self._buffer.append((datagram, source))
        self._wake()

    @property
    def buffered(self) -> tuple[bytes, ...]:
        """What nobody has read yet."""
        return tuple(datagram for datagram, _ in self._buffer)

    def _wake(self) -> None:
        if self._buffer and self._node.loop is not None:
            self._node.loop.call_soon(self._drain)

    def _drain(self) -> None:
        while self._reading and self._buffer:
            self._receive(*self._buffer.popleft())


class MemoryAddress:
    """What the kernel knows of the virtual address, and what the service has read of it."""

    def __init__(self, _address: str) -> None:
        self._node = _BEGINNING[-1]
        self.present = self._node.has_address
        self._node.address = self

    def read(self) -> bool:
        """See VirtualAddress."""
        self.present = self._node.has_address
        return self.present

    def fileno(self) -> int:
        """See VirtualAddress."""
        return -1

    def close(self) -> None:
        """See VirtualAddress."""


class MemoryNeighbour:
    """What the kernel knows of who else has the virtual address."""

    def __init__(self, _address: str) -> None:
        self._node = _BEGINNING[-1]

    def ask(self) -> None:
        """See Neighbour."""

    def look(self) -> Holder:
        """See Neighbour."""
        return Holder.NOBODY if self._node.alone else Holder.UNKNOWN


class MemoryLog:
    """A stream on a disk that survives its process."""

    def __init__(self, _directory: object, stream: str) -> None:
        self._records = _BEGINNING[-1].disk.setdefault(stream, [])

    def open(self) -> None:
        """See DayFileWriter."""

    def close(self) -> None:
        """See DayFileWriter."""

    @property
    def size(self) -> int:
        """See DayFileWriter."""
        return len(self._records)

    def append(self, records: Sequence[Record]) -> None:
        """See DayFileWriter."""
        if records[0].index != self.size:
            raise WitnessLogError(f"{self.size} records, and the next is {records[0].index}")
        self._records += [record.line for record in records]


def forgotten(*_: object) -> None:
    """Nobody replays the log of a model: no registry is kept for that."""


class NoControl:
    """Nobody asks at the control socket."""

    def __init__(self, *_: object, **__: object) -> None:
        return

    async def open(self, *_: object) -> None:
        """See Control."""

    async def close(self) -> None:
        """See Control."""


class MemoryStore(EtcdStore):
    """The real store over a link."""

    def __init__(self, link: Link) -> None:
        super().__init__(("https://etcd:2379",), Tls(_NOWHERE, _NOWHERE, _NOWHERE))
        self._link = link

    async def open(self) -> None:
        """Instead of TLS there is the link."""
        getattr(self, "_gateway", self)._session = self._link


@contextlib.contextmanager
def made_up_surroundings() -> Iterator[None]:
    """Whatever service begins within has sockets, disk and kernel in memory."""
    with contextlib.ExitStack() as stack:
        made_up = {
            "RasSocket": (ras_sockets, MemorySocket),
            "VirtualAddress": (mandate, MemoryAddress),
            "Neighbour": (health, MemoryNeighbour),
            "DayFileWriter": (service, MemoryLog),
            "Control": (service, NoControl),
            "keep_registry": (registry_in_force, forgotten),
        }
        stack.enter_context(mock.patch.object(pulse, "EVERY", _BEAT))
        for name, (module, one) in made_up.items():
            stack.enter_context(mock.patch.object(module, name, one))
        for module in (succession, etcd):
            # It tells the garbage collector that what there is then stays for good.
            stack.enter_context(mock.patch.object(module, "restoring", contextlib.nullcontext))
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        yield


@lru_cache
def _settings(name: str, address: str) -> Settings:
    files = dict.fromkeys(("ca", "certificate", "private_key"), "/nonexistent")
    return parse_settings(
        {
            "node": name,
            "role": "primary" if name == "gk1" else "secondary",
            "gatekeeper_identifier": IDENTIFIER,
            "registry": "/nonexistent",
            "signing_key": "/nonexistent",
            "log_directory": "/nonexistent",
            "control_socket": "/nonexistent",
            "ras": {"address": address, "port": PORT, "virtual_address": VIRTUAL},
            "store": {"kind": "etcd", "endpoints": ["https://etcd:2379"], **files},
        }
    )


class Node:
    """A host with one gatekeeper, which can be crashed, frozen, and told late."""

    def __init__(
        self,
        name: str,
        host: str,
        core: CoreSettings,
        registry: Registry,
        etcd: MemoryEtcd,
        clock: NodeClock,
        leaves: Leaves,
    ) -> None:
        self.name = name
        self.host = host
        self._settings = replace(_settings(name, host), core=replace(core, node=name, ras_address=(VIRTUAL, PORT)))
        self._registry = registry
        self._etcd = etcd
        self.clock = clock
        self._leaves = leaves
        self.disk: dict[str, list[bytes]] = {}
        self.has_address = False
        self.alone = False
        """Whether its neighbour table says that nobody has the virtual address."""
        self.frozen = False
        self.loop: NodeLoop | None = None
        self.confirmed_asked = float("-inf")
        """When that was asked of etcd which last showed this process's epoch to be its own; its monotonic seconds."""
        self._chance = chance(name)

    # The process

    def start(self) -> None:
        """Begin the service."""
        self.loop = NodeLoop(self.clock)
        self.sockets: list[MemorySocket] = []
        self.address: MemoryAddress | None = None
        self.link = Link(self.name, self._etcd, lambda: self.clock.monotonic, self._heard)
        self.confirmed_asked = float("-inf")
        self._my_turn()
        _BEGINNING.append(self)
        self.server = Server(self._settings, self._registry, private_key(IDENTIFIER), MemoryStore(self.link))
        self._task = self.loop.create_task(self.server.run())
        self.loop.turn()
        _BEGINNING.pop()

    def crash(self) -> None:
        """The process is gone, and what it had in memory."""
        loop, self.loop = self.loop, None
        self.frozen = False
        if loop is not None:
            self.link.dead = True
            self.link.waiting.clear()
            self._my_turn()
            loop.end()

    def turn(self) -> None:
        """Do everything that is due, if it can."""
        if self.loop is not None and not self.frozen:
            self._my_turn()
            self.loop.turn()

    def _my_turn(self) -> None:
        CURRENT.clock, CURRENT.chance = self.clock, self._chance

    @property
    def due(self) -> float | None:
        """When it has something to do next, in true seconds."""
        if self.loop is None or self.frozen or self.loop.due is None:
            return None
        return self.loop.due - self.clock.monotonic_offset

    @property
    def end(self) -> str | None:
        """Why the service has ended by itself, None while it hasn't."""
        if self.loop is None or not self._task.done():
            return None
        error = None if self._task.cancelled() else self._task.exception()
        return f"{self.name} has ended by itself: {error!r}"

    # What happens to it

    def tell_address(self) -> None:
        """The kernel says that addresses have changed."""
        if self.loop is not None and self.address is not None:
            for told in self.loop.readers.values():
                self.loop.call_soon(told)

    def arrive(self, datagram: bytes, source: Address) -> None:
        """A datagram arrives at the virtual address."""
        if self.loop is not None and self.sockets:
            self.sockets[-1].arrive(datagram, source)

    def sends(self, datagram: bytes, destination: Address) -> None:
        """A datagram leaves, unless the process is gone."""
        if self.loop is not None and not self.link.dead:
            self._leaves(self, datagram, destination)

    def _heard(self, _body: Json, asked: float) -> None:
        self.confirmed_asked = max(self.confirmed_asked, asked)

    # What it believes

    @property
    def tenure(self) -> Tenure | None:
        """Its term of office, if it believes that it has one."""
        return None if self.loop is None else self.server._office.tenure

    @property
    def epoch(self) -> int | None:
        """The epoch that it acts under."""
        return None if self.tenure is None else self.tenure.term.epoch

    @property
    def calls(self) -> frozenset[str] | None:
        """The keys of the calls that it knows, if nothing of it waits for its commit."""
        if self.tenure is None or len(self.tenure.gatekeeper._commits):
            return None
        return frozenset(call.key for call in self.tenure.gatekeeper._state.calls)

    @property
    def description(self) -> str:
        """A few words on how it is."""
        if self.loop is None:
            return f"{self.name} down"
        flags = {
            "address": self.has_address,
            "frozen": self.frozen,
            "held": self.link.held,
            "cut": self.link.cut,
            "lagging": self.link.lagging,
        }
        office = f"in office {self.epoch}" if self.epoch else "standing by"
        waiting = f"{len(self.link.waiting)} on their way" if self.link.waiting else ""
        return ", ".join(
            filter(None, (f"{self.name} {office}", *(one for one, is_so in flags.items() if is_so), waiting))
        )

    def fingerprint(self) -> tuple[object, ...]:
        """What decides what it will do."""
        sizes = tuple(sorted((one, len(lines)) for one, lines in self.disk.items()))
        base = (self.has_address, self.frozen, self.clock.unix_offset, sizes)
        if self.loop is None:
            return base
        present = self.address is not None and self.address.present
        now = self.clock.monotonic
        lease, core = None, None
        if self.tenure is not None:
            gatekeeper = self.tenure.gatekeeper
            lease = round((now - self.tenure._confirmed) * 1_000)
            calls = tuple(sorted((call.key, call.bandwidth_bps) for call in gatekeeper._state.calls))
            core = (len(gatekeeper._commits), calls, tuple(gatekeeper._state.registrations))
        waiting = tuple(
            (zlib.crc32(_timeless(one.body)), one.answer.done(), one.carried_out is not None)
            for one in self.link.waiting
        )
        link = (self.link.held, self.link.cut, self.link.lagging, waiting)
        buffered = tuple(datagram for socket in self.sockets for datagram in socket.buffered)
        caretaker = self.server._health.caretaker
        return (*base, caretaker, present, self.epoch, lease, core, link, buffered, self.loop.waits())


def _timeless(body: Json) -> bytes:
    """A transaction without what the clock has put into it: its comparisons and the keys that it puts."""
    puts = [one.get("request_put", {}).get("key", "") for one in body.get("success", ())]
    return repr((body.get("compare"), puts)).encode()
