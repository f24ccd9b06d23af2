"""A replay finds nothing in what the core wrote, whatever guardians, time, operators, registries and failovers did."""

from __future__ import annotations

import json
from dataclasses import replace

from gatekeeper.core.effects import Instant
from gatekeeper.registry import Registry
from gatekeeper.replay import Judge
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from library.gatekeeper.tests.core.test_calls_machine import LIMITS, NAMES, QUOTA, Council, guardians, names
from library.gatekeeper.tests.core.zone import Terminal

from .replayed import OpenZone


class ReplayedCouncil(Council):
    """The core's own state machine; each record is judged as soon as it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.zone = OpenZone(*guardians(QUOTA).guardians, settings=LIMITS)
        self.terminals = {name: Terminal(self.zone, name, 101 + number) for number, name in enumerate(NAMES)}
        for terminal in self.terminals.values():
            terminal.register()
        self.registries: dict[str, Registry] = {}
        self.judge = Judge(self.registries.get)
        self.late = Judge(self.registries.get)
        """Of somebody who has only the newer records."""
        self.judged = 0
        self.remember()

    def remember(self) -> None:
        self.registries[self.zone.registry.version] = self.zone.registry

    @rule(name=names, status=st.sampled_from(("active", "suspended")), quota=st.sampled_from((QUOTA, 100_000)))
    def status_changes(self, name: str, status: str, quota: int) -> None:
        changed = tuple(
            replace(one, status=status) if one.terminal_id.endswith(name) else one for one in guardians(quota).guardians
        )
        self.quota = quota
        self.zone.registry = Registry(changed)
        self.take(self.zone.settle(self.zone.gatekeeper.use_registry(self.zone.registry, self.zone.now)))

    @rule(name=names)
    def registers(self, name: str) -> None:
        """Who is suspended gets no endpointIdentifier, and goes on by the old one."""
        terminal = self.terminals[name]
        self.send(terminal, terminal.registration())
        registration = self.state.registration_of(terminal.terminal_id)
        terminal.endpoint_identifier = (
            registration.endpoint_identifier if registration else terminal.endpoint_identifier
        )

    @rule()
    def older_files_are_gone(self) -> None:
        self.late = Judge(self.registries.get)

    @rule()
    def a_day_begins(self) -> None:
        self.zone.now = Instant(self.zone.now.monotonic, (self.zone.now.unix // 86_400 + 1) * 86_400)
        self.take(self.zone.wait(0.25))

    @invariant()
    def the_log_justifies_all(self) -> None:
        self.remember()
        lines = self.zone.store.records()
        for record in lines[self.judged :]:
            self.judge.take(record)
            self.late.take(record)
        self.judged = len(lines)
        for judge in (self.judge, self.late):
            assert judge.summary.findings == []
            assert judge.summary.unjudged == []
            if judge.begun:
                assert items(judge._history.items) == items(self.zone.store.items)


def items(stored: dict[str, bytes]) -> dict[str, object]:
    """What the store has; when a call was admitted, the log only says to the millisecond."""
    return {key: {**json.loads(value), "admitted_at": 0} for key, value in stored.items()}


TestReplayedCouncil = ReplayedCouncil.TestCase
TestReplayedCouncil.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
