"""Two nodes, their etcd, and two guardians who want the same seat: every action that the model knows of.

An action is a word: what happens, to what, and at which node ("admit:alice@0", "hold@1", "wait:0.4"). A run is a list
of them, and the same list gives the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from gatekeeper.core import Address, Instant, Mcu
from gatekeeper.registry import Registry
from h323.ras import RasMessage, RegistrationConfirm, decode
from h323.ras.names import short_name

from library.gatekeeper.tests.core.zone import SETTINGS, Terminal, guardian

from .judge import Asked, Judge, Sent
from .memory_etcd import MemoryEtcd
from .node import Node, made_up_surroundings
from .virtual_time import UNIX_AT_START, Clock, NodeClock, RestlessError, virtual_time

NAMES = ("alice", "bob")
QUOTA = 100_000
"""bit/s: one call of 64,000 and no second one."""
CORE = replace(SETTINGS, mcus=(Mcu("mcu1", ("192.0.2.21", 1720), 1),), conference_capacity=1)
"""There is one seat, and both guardians want it."""
HOSTS = ("192.0.2.11", "192.0.2.12")
ELSEWHERE = "192.0.2.250"
_LATE = 1e-9
"""Seconds by which whatever is due happens late."""
_LOOK = 0.5
_MOST_LOOKS = 12
"""How often, and after how many seconds each, we look whether the right one is in office once everything is mended: as
long as four attempts at etcd take, and a second."""
_PATIENT = 8
"""How often a terminal asks before it gives up, once everything is mended."""


class Violation(AssertionError):
    """Something that must never happen has happened."""


class World:
    """Everything there is. An action after which a rule doesn't hold raises Violation."""

    def __init__(self) -> None:
        self._clock = Clock()
        registry = Registry(tuple(replace(guardian(name), bandwidth_quota_bps=QUOTA) for name in NAMES))
        self.judge = Judge(CORE.conference_capacity, CORE.mcus[0].capacity, QUOTA)
        self.etcd = MemoryEtcd(self.judge.written)
        # Neither node's monotonic clock is the other's, nor true.
        clocks = (NodeClock(self._clock, 1_000.0), NodeClock(self._clock, 50_000.0))
        self.nodes = tuple(
            Node(name, host, CORE, registry, self.etcd, clock, self._leaves)
            for name, host, clock in zip(("gk1", "gk2"), HOSTS, clocks, strict=True)
        )
        self.judge.disks = {node.name: node.disk for node in self.nodes}
        self.terminals = {name: Terminal(self, name, 101 + number) for number, name in enumerate(NAMES)}
        self.requests: dict[str, Asked] = {}
        """The latest request of each kind and guardian."""
        self.answered: set[tuple[Address, int]] = set()
        for node in self.nodes:
            node.start()
        self._settle()

    @property
    def now(self) -> Instant:
        """The terminals' time."""
        return Instant(self._clock.now, UNIX_AT_START + self._clock.now)

    def close(self) -> None:
        """End it."""
        for node in self.nodes:
            node.crash()

    def begin(self) -> None:
        """The first node takes office, and both guardians register with it."""
        self.do("come@0")
        for name in NAMES:
            self.do(f"register:{name}@0")
            self._learn(name)

    def _learn(self, name: str) -> None:
        """A terminal takes its endpointIdentifier from the answer to its registration."""
        asked = self.requests.get(f"register:{name}")
        told = self.judge.answers.get(asked.digest, {}).get("RCF") if asked else None
        if told:
            answer = decode(next(iter(told)))
            assert isinstance(answer, RegistrationConfirm)
            self.terminals[name].endpoint_identifier = answer.endpoint_identifier

    # Actions

    def do(self, action: str) -> None:
        """Let one thing happen.

        Raises:
            Violation: it led to something that must never happen.
        """
        what, _, where = action.partition("@")
        if what.startswith("wait:"):
            self._wait(float(what[5:]))
        elif what == "mend":
            self._mend(int(where))
        elif ":" in what:
            self._happens_with(what, int(where))
        else:
            _HAPPENS[what](self.nodes[int(where)])
        self._settle()

    def _happens_with(self, what: str, node: int) -> None:
        kind, _, subject = what.partition(":")
        if kind in _LINK:
            _LINK[kind](self.nodes[node], int(subject))
        elif kind == "step":
            self.nodes[node].clock.unix_offset += float(subject)
        elif kind == "repeat":
            self._deliver(node, list(self.judge.asked.values())[int(subject) % len(self.judge.asked)])
        elif kind == "replay":
            self._replay(node, int(subject))
        else:
            self._ask(node, kind, subject)

    def possible(self, action: str) -> bool:
        """Whether it makes a difference that it could happen now."""
        what, _, where = action.partition("@")
        if not where:
            return True
        node = self.nodes[int(where)]
        kind, _, subject = what.partition(":")
        if kind == "mend":
            return True
        if kind in _LINK:
            number = int(subject)
            waiting = len(node.link.waiting)
            return waiting > number if number >= 0 else waiting >= 2
        possible = _POSSIBLE.get(kind)
        return node.loop is not None if possible is None else possible(node)

    # Guardians

    def _ask(self, node: int, kind: str, name: str) -> None:
        """A request reaches a node: the first time it's made, and from then on it is the same one again.

        With a + before it, it is always a new one; and whoever was refused for want of a quorum asks anew.
        """
        key = f"{kind.lstrip('+')}:{name}"
        refused = key in self.requests and self.requests[key].digest in self.judge.refused
        if kind.startswith("+") or key not in self.requests or refused:
            terminal = self.terminals[name]
            message = self._message(kind.lstrip("+"), terminal)
            self.requests[key] = Asked(key, message, terminal.signed(message), terminal.source)
        self._deliver(node, self.requests[key])

    def _message(self, kind: str, terminal: Terminal) -> RasMessage:
        if kind == "admit":
            return terminal.admission()
        if kind == "another":
            return terminal.admission(2)
        if kind == "end":
            return terminal.disengagement()
        if kind == "lower":
            return terminal.bandwidth(32_000)
        if kind == "leave":
            return terminal.unregistration()
        return terminal.registration(keep_alive=kind == "keep")

    def _replay(self, node: int, number: int) -> None:
        """Somebody sends a guardian's datagram from elsewhere."""
        originals = [asked for asked in self.judge.asked.values() if not asked.forged]
        original = originals[number % len(originals)]
        source: Address = (ELSEWHERE, 10_000 + number % len(originals))
        self._deliver(node, replace(original, source=source, forged=True))

    def _deliver(self, node: int, asked: Asked) -> None:
        self.judge.asks(asked)
        self.nodes[node].arrive(asked.datagram, asked.source)

    # Time

    def _wait(self, seconds: float) -> None:
        """Let time pass; every node that runs does everything when it is due."""
        end = self._clock.now + seconds
        while self._clock.now < end:
            due = [node.due for node in self.nodes if node.due is not None]
            self._clock.now = min([end, *(max(one, self._clock.now) + _LATE for one in due)])
            self._settle()

    # What always happens

    def _leaves(self, node: Node, datagram: bytes, destination: Address) -> None:
        lease_age = node.clock.monotonic - node.confirmed_asked
        message = decode(datagram)
        if short_name(message) != "RIP" and not isinstance(message, tuple):
            self.answered.add((destination, message.request_seq_num))
        self.judge.sent(Sent(node.name, node.epoch, lease_age, datagram, destination))

    def _settle(self) -> None:
        self.judge.now = self._clock.now
        for node in self.nodes:
            try:
                node.turn()
            except RestlessError:
                self.judge.violations.append(f"{node.name} comes to no rest")
            if node.end is not None:
                self.judge.violations.append(node.end)
            if node.epoch is not None and node.calls is not None:
                self.judge.knows(node.name, node.epoch, node.calls)
        if self.judge.violations:
            raise Violation(self.judge.violations[0])

    @property
    def description(self) -> str:
        """One line on where things stand."""
        judge = self.judge
        nodes = " ".join(node.description for node in self.nodes)
        last = judge.log[-1] if judge.log else {}
        return (
            f"{self._clock.now:7.3f} s, epoch {judge.epoch} of {judge.holder}; {nodes}; {len(judge.log)} records,"
            f" the last {last.get('msg_type')}; {len(judge.calls)} calls"
        )

    def fingerprint(self) -> int:
        """Two worlds with the same one will go on in the same way, as far as the model can tell."""
        nodes = tuple(node.fingerprint() for node in self.nodes)
        return hash((nodes, self.judge.fingerprint(), tuple(sorted(self.requests)), len(self.answered)))

    # In the end

    def _mend(self, node: int) -> None:
        """Repair everything, leave the virtual address to this node, and see that everybody is served.

        Raises:
            Violation: nobody takes office, or a terminal that asks again and again gets no answer.
        """
        for number, one in enumerate(self.nodes):
            one.clock.unix_offset = 0.0
            one.frozen = one.alone = False
            if one.loop is None:
                one.start()
            one.link.set_lagging(lagging=False)
            if one.link.cut:
                one.link.set_cut(cut=False)
            one.link.release()
            one.has_address = number == node
            one.tell_address()
        self._settle()
        for _ in range(_MOST_LOOKS):
            self._wait(_LOOK)
            wanted = [self.judge.epoch if number == node else None for number, _ in enumerate(self.nodes)]
            found = [one.epoch for one in self.nodes]
            if found == wanted:
                break
        else:
            raise Violation(f"all is mended for {_LOOK * _MOST_LOOKS} s, and in office is {found} instead of {wanted}")
        for name in NAMES:
            self._is_served(node, name)

    def _is_served(self, node: int, name: str) -> None:
        """Everything that this guardian has asked is answered, and so is what they ask now."""
        pending = [key for key in self.requests if key.endswith(f":{name}")]
        for key in (*pending, f"+keep:{name}", f"+admit:{name}"):
            kind = key.partition(":")[0]
            for _ in range(_PATIENT):
                self._ask(node, kind, name)
                self._settle()
                asked = self.requests[key.lstrip("+")]
                if (asked.source, getattr(asked.message, "request_seq_num", 0)) in self.answered:
                    break
                self._wait(0.5)
                kind = kind.lstrip("+")
            else:
                raise Violation(f"{asked.name} gets no answer though nothing is broken")


def _come(node: Node) -> None:
    node.has_address = True
    node.tell_address()


def _go(node: Node) -> None:
    node.has_address = False
    node.tell_address()


def _invite(node: Node) -> None:
    """Whoever is in office asks it, or did so a while ago: its word arrives."""
    if node.loop is not None:
        node.loop.call_soon(node.server._mandate.invite)


def _come_untold(node: Node) -> None:
    node.has_address = True


def _go_untold(node: Node) -> None:
    node.has_address = False


def _freeze(node: Node) -> None:
    node.frozen = True


def _thaw(node: Node) -> None:
    node.frozen = False


def _alone(node: Node) -> None:
    node.alone = True


def _hold(node: Node) -> None:
    node.link.held = True


_HAPPENS: dict[str, Callable[[Node], None]] = {
    "come": _come,
    "go": _go,
    "invite": _invite,
    "come-untold": _come_untold,
    "go-untold": _go_untold,
    "tell": Node.tell_address,
    "alone": _alone,
    "freeze": _freeze,
    "thaw": _thaw,
    "crash": Node.crash,
    "restart": Node.start,
    "hold": _hold,
    "release": lambda node: node.link.release(),
    "cut": lambda node: node.link.set_cut(cut=True),
    "heal": lambda node: node.link.set_cut(cut=False),
    "lag": lambda node: node.link.set_lagging(lagging=True),
    "catch-up": lambda node: node.link.set_lagging(lagging=False),
}
"""What happens to a node."""

_LINK: dict[str, Callable[[Node, int], None]] = {
    "carry-out": lambda node, number: node.link.carry_out(number),
    "answer": lambda node, number: node.link.answer(number),
    "lose": lambda node, number: node.link.lose(number),
}
"""What happens to a transaction that is on its way: 0 is the oldest, -1 the latest."""

_POSSIBLE: dict[str, Callable[[Node], bool]] = {
    "come": lambda node: not node.has_address,
    "go": lambda node: node.has_address,
    "invite": lambda node: node.loop is not None and not node.has_address,
    "come-untold": lambda node: node.loop is not None and not node.has_address,
    "go-untold": lambda node: node.loop is not None and node.has_address,
    "freeze": lambda node: node.loop is not None and not node.frozen,
    "thaw": lambda node: node.frozen,
    "crash": lambda node: node.loop is not None,
    "restart": lambda node: node.loop is None,
    "hold": lambda node: node.loop is not None and not node.link.held,
    "release": lambda node: node.loop is not None and node.link.held,
    "cut": lambda node: node.loop is not None and not node.link.cut,
    "heal": lambda node: node.loop is not None and node.link.cut,
    "lag": lambda node: node.loop is not None and not node.link.lagging,
    "catch-up": lambda node: node.loop is not None and node.link.lagging,
    "step": lambda _node: True,
}


@contextmanager
def surroundings() -> Iterator[None]:
    """Where worlds can be: made-up time, chance, sockets, disk and kernel."""
    with virtual_time(), made_up_surroundings():
        yield


@contextmanager
def world(actions: Sequence[str] = ()) -> Iterator[World]:
    """A world in office after some actions, within `surroundings`; closed in the end."""
    made = World()
    try:
        made.begin()
        for action in actions:
            made.do(action)
        yield made
    finally:
        made.close()
