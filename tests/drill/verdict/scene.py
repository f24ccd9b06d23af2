"""A drill that never was: terminals' answers and two copies of a log, made by hand, for the verdict's own tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatekeeper.core import Instant
from gatekeeper.core.journal import Journal
from witness.day_files.streams import FAILOVER_STREAM, RAS_STREAM, STREAMS

from tests.drill.traffic.answers import Answer

from .agent import read
from .finding import Finding
from .hosts import HostError
from .verdict import Setup, Verdict

NODES = {"gk1": "192.0.2.11", "gk2": "192.0.2.12"}
VIRTUAL = "192.0.2.10"
UNIX = 1_800_000_000.0
_ANSWERS = {"RRQ": "RCF", "ARQ": "ACF", "DRQ": "DCF", "URQ": "UCF"}


@dataclass
class Scene:
    """Time passes by 10 ms with each request."""

    folder: Path
    now: float = UNIX
    held: dict[str, str] = field(default_factory=dict)
    """The state's calls: terminal_id by callIdentifier."""
    registered: set[str] = field(default_factory=set)
    active: tuple[str, ...] = ("gk1",)
    down: tuple[str, ...] = ()
    slept: Callable[[], None] = lambda: None
    """What happens while the verdict waits."""
    asked_host: Callable[[], None] = lambda: None
    """What happens before a host does what it's asked."""

    def __post_init__(self) -> None:
        self.node, self.epoch = "gk1", 0
        self._sizes = {RAS_STREAM: 0, FAILOVER_STREAM: 0}
        self._count = 0
        self.answers = self.folder / "answers.jsonl"
        self.answers.touch()
        self.setup = Setup(NODES, self.answers, log_directory="LOGS", control_socket="")
        self.verdict = Verdict(self, self.setup, lambda _seconds: self.slept())
        self.take_office("gk1")

    def check(self, *, both: bool = True) -> Finding:
        return self.verdict.check(both=both, patience=0.0)

    def kinds(self) -> list[str]:
        """What a check finds, by kind."""
        return [one.kind for one in self.check().violations]

    # Hosts

    def run(self, host: str, argv: Sequence[str]) -> str:
        self.asked_host()
        if host in self.down:
            raise HostError(f"{host} is down")
        asked = json.loads(argv[-1]) | {"directory": str(self.folder / host)}
        said: list[str] = []
        read(asked, said.append)
        active = host in self.active
        calls = [{"call_identifier": call, "terminal_id": who} for call, who in self.held.items()]
        status = {"active": active, "registrations": len(self.registered)}
        return "".join(said) + json.dumps({"status": status, "calls": calls if active else None}) + "\n"

    # The log

    def take_office(self, node: str, epoch: int | None = None, **fields: Any) -> None:
        """A term begins, and the log says so."""
        before, self.node = self.node, node
        self.epoch = epoch if epoch is not None else self.epoch + 1
        if before == node:
            self.record(FAILOVER_STREAM, event="GATEKEEPER_START", holder=node, **fields)
        else:
            told: dict[str, Any] = {"from": before, "to": node, "failover_duration_sec": 0.1, **fields}
            self.record(FAILOVER_STREAM, event="GATEKEEPER_FAILOVER", **told)
        self.active = (node,)

    def record(self, stream: str = RAS_STREAM, nodes: Sequence[str] = tuple(NODES), **fields: Any) -> int:
        """Write a record into the copies of these nodes; its index."""
        record = Journal(self._sizes, self.node, self.epoch).record(stream, Instant(0.0, self.now), fields)
        self._sizes[stream] = record.index + 1
        for node in nodes:
            self.append(node, record.line, stream)
        return record.index

    def append(self, node: str, line: bytes, stream: str = RAS_STREAM) -> None:
        path = self.path(node, stream)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(line + b"\n")

    def path(self, node: str, stream: str = RAS_STREAM, day: str = "20270115") -> Path:
        return STREAMS[stream].day_file(self.folder / node, day)

    def lines(self, node: str, stream: str = RAS_STREAM) -> list[bytes]:
        return self.path(node, stream).read_bytes().splitlines()

    def rewrite(self, node: str, lines: Sequence[bytes], stream: str = RAS_STREAM) -> None:
        self.path(node, stream).write_bytes(b"".join(line + b"\n" for line in lines))

    # Requests

    def asked(
        self,
        request: str,
        who: str = "guardian-01",
        call: str = "",
        *,
        role: str = "short",
        told: bool = True,
        logged: bool = True,
        answered_from: str = VIRTUAL,
        nodes: Sequence[str] = tuple(NODES),
    ) -> Answer:
        """A request is confirmed: in the log unless `logged` is false, and its terminal hears of it if `told`."""
        self.now += 0.01
        self._count += 1
        answer = Answer(
            time=self.now,
            sent=self.now - 0.005,
            request=request,
            kind=_ANSWERS[request],
            terminal_id=f"if://guardian/{who}",
            endpoint_identifier=f"ENDPOINT-{who}",
            call_identifier=call,
            role=role,
            request_digest=f"{self._count:032x}",
            answered_from=answered_from,
            attempts=1,
        )
        self._change(answer)
        if logged:
            self.log(answer, nodes)
        if told:
            self.tell(answer)
        return answer

    def _change(self, answer: Answer) -> None:
        """The state follows."""
        call, who = answer.call_identifier, answer.terminal_id
        if answer.kind == "ACF":
            self.held[call] = who
        elif answer.kind == "DCF":
            self.held.pop(call, None)
        elif answer.kind == "RCF":
            self.registered.add(who)
        else:
            self.registered.discard(who)
            self.held = {one: whose for one, whose in self.held.items() if whose != who}

    def log(self, answer: Answer, nodes: Sequence[str] = tuple(NODES), kind: str | None = None) -> int:
        """The two records of a request; the index of the second."""
        names = {"terminal_id": answer.terminal_id, "endpoint_identifier": answer.endpoint_identifier}
        if answer.call_identifier:
            names["call_identifier"] = answer.call_identifier
        digest = answer.request_digest
        index = self.record(RAS_STREAM, nodes, msg_type=answer.request, request_digest=digest, **names)
        return self.record(RAS_STREAM, nodes, msg_type=kind or answer.kind, answers_index=index, **names)

    def tell(self, answer: Answer) -> None:
        """A terminal hears this."""
        with self.answers.open("ab") as file:
            file.write(answer.line)

    def council(self, guardians: int = 3) -> None:
        """So many guardians, each registered and in a held call."""
        for number in range(1, guardians + 1):
            who = f"guardian-{number:02d}"
            self.asked("RRQ", who, role="member")
            self.asked("ARQ", who, f"{number:032x}", role="held")
