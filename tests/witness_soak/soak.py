"""Kills the council's log services at random while records are committed, and looks whether anything is missing."""

from __future__ import annotations

import asyncio
import itertools
import random
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gatekeeper.store import Batch, Record, StoreUnavailable
from gatekeeper.store.etcd import EtcdStore
from witness.day_files.streams import STREAMS, Stream
from witness.policy import Policy, judge_checkpoint, parse_policy
from witness.tree import MemoryTree, leaf_hashes

from tests.witness_soak.council import NODES, PROGRAMS, SIGNING, Council, Process, line_of

AnswerT = TypeVar("AnswerT")
_LOOK = 0.02
"""Seconds between two looks at what is waited for."""
_PATIENCE = 300.0
"""Seconds after which something has gone wrong, on the slowest of machines."""


class SoakError(AssertionError):
    """Something was lost, doubled or reordered, or went on no more."""


@dataclass
class Office:
    """Whoever commits: gk1 and gk2 by turns. A record that is committed was promised to a guardian."""

    store: EtcdStore
    source: random.Random
    lines: dict[str, list[bytes]] = field(default_factory=lambda: {name: [] for name in STREAMS})
    epoch: int = 0
    node: str = ""

    async def take_over(self) -> None:
        """The next one is in office."""
        self.node = SIGNING[self.epoch % len(SIGNING)]
        snapshot = await self._insist(lambda: self.store.take_over(self.node, time.time()))
        self.epoch = snapshot.term.epoch

    async def commit(self) -> None:
        """Some records, mostly of admissions."""
        records: list[Record] = []
        for name, lines in self.lines.items():
            many = self.source.choice((1, 3, 40)) if name == "h323_ras" else self.source.choice((0, 0, 0, 1))
            for index in range(len(lines), len(lines) + many):
                text = "x" * self.source.randrange(400)
                records.append(Record(name, index, line_of(name, index, self.node, text)))
        batch = Batch((), tuple(records))
        # With the same batch: it is written once, however often it is asked for.
        await self._insist(lambda: self.store.commit(self.epoch, batch))
        for record in records:
            self.lines[record.stream].append(record.line)

    async def _insist(self, ask: Callable[[], Coroutine[Any, Any, AnswerT]]) -> AnswerT:
        """A busy machine's etcd may take longer than the store waits."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                if time.monotonic() > deadline:
                    raise


@dataclass
class Soak:
    """One run; everything that is random comes from `seed`."""

    council: Council
    seed: int
    killed: dict[str, int] = field(default_factory=dict)
    seen: dict[tuple[str, str], set[bytes]] = field(default_factory=dict)
    """By node and stream: every checkpoint that was published."""

    async def run(self, kills: int, say: Callable[[str], None] = lambda _: None) -> Office:
        """Kill so often, then let everything come to rest; what was committed."""
        source = random.Random(self.seed)
        etcd = self.council.etcd
        store = EtcdStore(etcd.endpoints, etcd.tls)
        await store.open()
        office = Office(store, source)
        try:
            await office.take_over()
            self.council.start()
            for number, victim in enumerate(itertools.islice(self._victims(source), kills)):
                if number % 5 == 4:
                    await office.take_over()
                await self._kill(victim, office, source)
                say(f"{number + 1}: {victim.name}, {len(office.lines['h323_ras'])} records")
            await self._rest(office)
        finally:
            await store.close()
        return office

    def _victims(self, source: random.Random) -> Iterator[Process]:
        """Each of them equally often, in an order that never repeats."""
        everybody = [*self.council.processes, self.council.shipper]
        while True:
            source.shuffle(everybody)
            yield from everybody

    async def _kill(self, victim: Process, office: Office, source: random.Random) -> None:
        """Once it has worked since its start, and at any time after that."""
        await self._until(lambda: victim.worked, f"{victim.name} does nothing", office)
        for _ in range(source.randrange(6)):
            await office.commit()
        victim.kill()
        self.killed[victim.name] = self.killed.get(victim.name, 0) + 1
        for _ in range(source.randrange(3)):
            await office.commit()
        if victim is not self.council.shipper:
            victim.start()

    async def _until(self, done: Callable[[], bool], otherwise: str, office: Office | None = None) -> None:
        """Wait, while records are committed if there is an office."""
        deadline = time.monotonic() + _PATIENCE
        while not done():
            if time.monotonic() > deadline:
                raise SoakError(f"{otherwise}\n{self.council.said()}")
            self._look()
            if office is not None:
                await office.commit()
            await asyncio.sleep(_LOOK)

    def _look(self) -> None:
        """Nothing may have ended by itself. The shipper may: then it is time for the next one."""
        for process in self.council.processes:
            if process.ended is not None:
                raise SoakError(f"{process.name} ended by itself, with {process.ended}\n{self.council.said()}")
        shipper = self.council.shipper
        if shipper.process is None or shipper.ended is not None:
            shipper.start()
        for node in NODES:
            for stream in STREAMS.values():
                path = self.council.directory(node) / stream.folder / "checkpoint"
                if path.exists():
                    self.seen.setdefault((node, stream.name), set()).add(path.read_bytes())

    async def _rest(self, office: Office) -> None:
        policy = parse_policy(self.council.policy.read_bytes())
        for node in NODES:
            await self._until(
                partial(self._is_covered, office, policy, node), f"{node}'s checkpoints don't come to the last record"
            )

    def _is_covered(self, office: Office, policy: Policy, node: str) -> bool:
        return all(
            _covered(self.council.directory(node) / stream.folder, policy) == len(office.lines[stream.name])
            for stream in STREAMS.values()
        )

    def check(self, office: Office) -> None:
        """Every replica has exactly what was committed, and so has the archive, after it was shipped once more.

        Every checkpoint there ever was is of that, and verification finds all of them good.
        """
        self._finish_shipping()
        policy = parse_policy(self.council.policy.read_bytes())
        for stream in STREAMS.values():
            lines = office.lines[stream.name]
            tree = MemoryTree(leaf_hashes(lines))
            for node in NODES:
                require_lines(self.council.directory(node), stream, lines)
                for octets in self.seen.get((node, stream.name), set()):
                    checkpoint = judge_checkpoint(octets, policy).checkpoint
                    if checkpoint.root != tree.root(checkpoint.size):
                        raise SoakError(f"{node} had published another tree of {checkpoint.size} records")
            require_lines(self.council.archive, stream, lines)
        for directory in (*map(self.council.directory, NODES), self.council.archive):
            self._require_good(directory)

    def _finish_shipping(self) -> None:
        shipper = self.council.shipper
        shipper.start()
        if shipper.process is None or shipper.process.wait() != 0:
            raise SoakError(f"the shipper did not end well\n{self.council.said()}")

    def _require_good(self, directory: Path) -> None:
        command = [PROGRAMS / "h323-witness", "verify", directory, "--policy", self.council.policy]
        verified = subprocess.run(command, capture_output=True, text=True)
        if verified.returncode != 0:
            raise SoakError(f"{directory} is not good: {verified.stdout}{verified.stderr}")


def _covered(place: Path, policy: Policy) -> int:
    path = place / "checkpoint"
    if not path.exists():
        return 0
    judged = judge_checkpoint(path.read_bytes(), policy)
    return judged.checkpoint.size if judged.fulfilled else -1


def require_lines(directory: Path, stream: Stream, lines: list[bytes]) -> None:
    """The day files have these lines, all of them in this order."""
    paths = sorted((directory / stream.folder).glob(f"{stream.prefix}_*.jsonl"))
    found = b"".join(path.read_bytes() for path in paths).splitlines()
    if found != lines:
        first = next(
            (at for at, (a, b) in enumerate(zip(found, lines, strict=False)) if a != b), min(len(found), len(lines))
        )
        raise SoakError(
            f"{directory} has {len(found)} of {len(lines)} records of {stream.name}; at {first} they differ"
        )
