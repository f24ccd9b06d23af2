"""Guardians who do their work while others attack: what they ask must be answered, and rightly."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Protocol

from h323.ras import (
    AdmissionConfirm,
    DisengageConfirm,
    RasMessage,
    RegistrationConfirm,
    UnregistrationConfirm,
)

from library.gatekeeper.tests.core.zone import Terminal

Duty = tuple[Callable[[], RasMessage], type[RasMessage]]
"""A request and the answer that is right."""


class Send(Protocol):
    """Sends a signed datagram of a guardian, and gives the answer, its signature checked."""

    def __call__(self, terminal: Terminal, datagram: bytes) -> RasMessage | None: ...


class Council:
    """Some guardians, each always at one of their duties: register, stay registered, call, hang up, leave."""

    def __init__(self, terminals: tuple[Terminal, ...], send: Send) -> None:
        self._send = send
        self._duties = itertools.cycle(
            [(terminal, duty) for terminal, duty in _interleaved(terminals)] if terminals else []
        )
        self.served = 0
        self.wrong: list[str] = []
        self.last = b""
        """The last datagram that was sent."""

    def work(self) -> None:
        """Do the next duty and look at the answer."""
        terminal, (ask, right) = next(self._duties)
        request = ask()
        self.last = terminal.signed(request)
        answer = self._send(terminal, self.last)
        if isinstance(answer, RegistrationConfirm):
            terminal.endpoint_identifier = answer.endpoint_identifier
        if isinstance(answer, right) and answer.request_seq_num == request.request_seq_num:
            self.served += 1
        else:
            self.wrong.append(f"{terminal.name}: {request!r:.300} was answered by {answer!r:.500}")


def _interleaved(terminals: tuple[Terminal, ...]) -> Iterator[tuple[Terminal, Duty]]:
    for duties in zip(*(_duties(terminal) for terminal in terminals), strict=True):
        yield from zip(terminals, duties, strict=True)


def _duties(terminal: Terminal) -> list[Duty]:
    keep_alive: Duty = (lambda: terminal.registration(keep_alive=True), RegistrationConfirm)
    calls: list[Duty] = []
    for call in (1, 2, 3):
        calls += [
            (lambda call=call: terminal.admission(call), AdmissionConfirm),
            keep_alive,
            (lambda call=call: terminal.disengagement(call), DisengageConfirm),
            keep_alive,
        ]
    return [
        (terminal.registration, RegistrationConfirm),
        *calls,
        (terminal.unregistration, UnregistrationConfirm),
    ]
