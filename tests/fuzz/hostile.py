"""Sends mutated datagrams to a gatekeeper's core while guardians work: `python -m tests.fuzz.hostile`.

Everything runs in one process, with a clock that is turned by hand; the same seed gives the same run. The exit code is
0 if nothing raised, every guardian was answered rightly and memory stopped growing.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from gatekeeper.core import Address, Effect, Instant, Mcu, Observe, Send
from gatekeeper.store import Batch, KeptAnswer, Snapshot
from h323.h235 import TokenError, read_token, verify
from h323.ras import DecodeError, RasMessage, RegistrationConfirm, UnregistrationConfirm, decode

from library.gatekeeper.tests.core.zone import (
    IDENTIFIER,
    SETTINGS,
    MemoryStore,
    Terminal,
    Zone,
    guardian,
    private_key,
)

from .attack import Attack, Hostile
from .council import Council

TICK = 0.005
"""Seconds of the zone's clock from one datagram to the next."""
_HOUSEKEEPING = 100
_KEYS = [private_key(name).public_key() for name in ("alice", "bob", "eve")]
_WORK = 50
"""Datagrams from one request of a guardian to the next."""
_MOST_GROWTH = 32 << 20
"""Octets that the process may grow after its first tenth, in which caches and windows fill."""


@dataclass
class Report:
    """What became of a run. Memory is the resident set, in octets."""

    datagrams: int
    seed: int
    mutations: dict[str, int] = field(default_factory=dict)
    results: dict[str, int] = field(default_factory=dict)
    """What the gatekeeper observed."""
    answers: int = 0
    answers_larger_than_their_request: int = 0
    amplified: list[str] = field(default_factory=list)
    """Requests of nobody's, or seen before from elsewhere, whose answers were larger than they."""
    guardian_requests_answered: int = 0
    guardian_requests_answered_wrongly: list[str] = field(default_factory=list)
    failovers: int = 0
    strangers_registered: int = 0
    memory_start: int = 0
    memory_settled: int = 0
    memory_end: int = 0
    memory_peak: int = 0
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the gatekeeper came through."""
        wrong = self.guardian_requests_answered_wrongly or self.strangers_registered or self.amplified
        return not wrong and self.memory_end - self.memory_settled < _MOST_GROWTH


class LeanStore(MemoryStore):
    """A store that counts records instead of keeping them: what grows is the gatekeeper's, not the test's."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes = dict.fromkeys(self.lines, 0)
        self.kept: deque[KeptAnswer] = deque()

    def take_over(self, unix: float) -> Snapshot:
        answers = tuple(kept.octets for kept in self.kept)
        return replace(super().take_over(unix), sizes=dict(self.sizes), answers=answers)

    def commit(self, batch: Batch) -> None:
        super().commit(replace(batch, records=(), answers=(), forget=None))
        while batch.forget is not None and self.kept and self.kept[0].forget_at <= batch.forget:
            self.kept.popleft()
        self.kept += batch.answers
        for record in batch.records:
            assert record.index == self.sizes[record.stream], "records must be numbered without gaps"
            json.loads(record.line)
            self.sizes[record.stream] += 1


class BesiegedZone(Zone):
    """A zone that counts what it observes."""

    def __init__(self) -> None:
        names = ("alice", "bob", "eve")
        mcus = (Mcu("mcu1", ("192.0.2.21", 1720), 10_000), Mcu("mcu2", ("192.0.2.22", 1720), 10_000))
        guardians = [*map(guardian, names), guardian("carol", "suspended")]
        super().__init__(*guardians, settings=replace(SETTINGS, mcus=mcus, conference_capacity=10_000))
        self.results: Counter[str] = Counter()
        self.store = LeanStore()
        self.fail_over()

    def settle(self, effects: list[Effect]) -> list[Effect]:
        self.results.update(f"{one.message} {one.result}" for one in effects if isinstance(one, Observe))
        settled = super().settle(effects)
        self.observed.clear()
        return settled

    def send(self, terminal: Terminal, datagram: bytes) -> RasMessage | None:
        """What a guardian gets; the signature is checked."""
        effects = self.settle(self.gatekeeper.receive(datagram, terminal.source, self.now))
        answers = [one.datagram for one in effects if isinstance(one, Send) and one.destination == terminal.source]
        if len(answers) != 1:
            return None
        message = decode(answers[0])
        token = read_token(message)
        good = token is not None and verify(answers[0], token, private_key(IDENTIFIER).public_key())
        return message if good and token is not None and token.senders_id == IDENTIFIER else None


class Siege:
    """One run."""

    def __init__(self, seed: int) -> None:
        self._zone = BesiegedZone()
        honest = (Terminal(self._zone, "alice", 101), Terminal(self._zone, "bob", 102))
        self._council = Council(honest, self._zone.send)
        self._eve = Terminal(self._zone, "eve", 103)
        self._attack = Attack(self._eve, self._eve.register, seed)
        self._first_seen: dict[bytes, Address] = {}
        self._mutations: Counter[str] = Counter()
        self._report = Report(0, seed)

    def run(self, datagrams: int, *, loudly: bool = False) -> Report:
        """Send so many datagrams."""
        started, report = time.monotonic(), self._report
        report.datagrams, report.memory_start = datagrams, memory()
        for number in range(datagrams):
            self._step(number)
            if number % (datagrams // 4) == datagrams // 5:
                self._zone.fail_over()
                report.failovers += 1
            if number % max(1, datagrams // 50) == 0:
                self._look(number, loudly=loudly)
        self._look(datagrams, loudly=loudly)
        report.mutations, report.results = dict(self._mutations), dict(self._zone.results.most_common())
        report.guardian_requests_answered = self._council.served
        report.guardian_requests_answered_wrongly = self._council.wrong[:10]
        # Alice, Bob and Eve.
        report.strangers_registered = max(0, self._zone.gatekeeper.registrations - 3)
        report.seconds = round(time.monotonic() - started, 1)
        return report

    def _step(self, number: int) -> None:
        zone = self._zone
        zone.now = Instant(zone.now.monotonic + TICK, zone.now.unix + TICK)
        if number % _HOUSEKEEPING == 0:
            zone.wait(0)
        if number % _WORK == 0:
            self._council.work()
            self._attack.overhear(self._council.last)
        hostile = self._attack.next()
        self._mutations[hostile.kind] += 1
        try:
            effects = zone.settle(zone.gatekeeper.receive(hostile.datagram, hostile.source, zone.now))
        except BaseException:
            sys.stderr.write(f"datagram {number} from {hostile.source}: {hostile.datagram.hex()}\n")
            raise
        for effect in effects:
            if isinstance(effect, Send):
                self._answered(hostile, effect.datagram)

    def _answered(self, hostile: Hostile, answer: bytes) -> None:
        report = self._report
        report.answers += 1
        message = decode(answer)
        moved = (
            isinstance(message, RegistrationConfirm) and message.endpoint_identifier != self._eve.endpoint_identifier
        )
        if moved or isinstance(message, UnregistrationConfirm):
            self._attack.renew()
        if len(answer) > len(hostile.datagram):
            report.answers_larger_than_their_request += 1
            if not self._proven(hostile) and len(report.amplified) < 10:
                report.amplified.append(hostile.datagram.hex())

    def _proven(self, hostile: Hostile) -> bool:
        """Whether a guardian signed the datagram, and it isn't a replay from elsewhere."""
        digest = hashlib.sha256(hostile.datagram).digest()
        if self._first_seen.setdefault(digest, hostile.source) != hostile.source:
            return False
        try:
            token = read_token(decode(hostile.datagram))
        except (DecodeError, TokenError):
            return False
        return token is not None and any(verify(hostile.datagram, token, key) for key in _KEYS)

    def _look(self, number: int, *, loudly: bool) -> None:
        gc.collect()
        report = self._report
        report.memory_end = memory()
        report.memory_peak = max(report.memory_peak, report.memory_end)
        if number * 10 <= report.datagrams:
            report.memory_settled = report.memory_end
        if loudly:
            served, wrong = self._council.served, len(self._council.wrong)
            sys.stdout.write(f"{number:9} datagrams, {report.memory_end >> 20} MiB, {served} served, {wrong} wrongly\n")
            sys.stdout.flush()


def memory(process: str = "self") -> int:
    """The resident set of a process, in octets."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise ValueError("a process without memory")


def main() -> int:
    """Run as the command line says, and print the report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    report = Siege(options.seed).run(options.datagrams, loudly=True)
    sys.stdout.write(json.dumps(asdict(report), indent=2) + "\n")
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
