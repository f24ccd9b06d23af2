"""What the holder of the virtual address says while nobody can decide: not now. It grants nothing and ends nothing.

What was handed to the store before the quorum was lost may be committed when it is back, also where its answer, and the
process that waited for it, are gone. So only what surely nobody has handed over is refused; all else is held.

Nothing of it can be written to the witness log, which needs the same quorum: metrics and the journal tell of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from h323.council import RefusalName
from h323.h235 import PrivateKey, Token
from h323.ras import (
    AdmissionRequest,
    BandwidthRequest,
    DecodeError,
    DisengageRequest,
    GatekeeperRequest,
    InfoRequestResponse,
    RasMessage,
    RegistrationRequest,
    RequestInProgress,
    ResourcesAvailableIndicate,
    UnregistrationRequest,
    decode,
)
from h323.ras.names import short_name

from gatekeeper.core.answers import AnswerCache, request_digest
from gatekeeper.core.authentication import INTEGRITY, Authenticator, Sender
from gatekeeper.core.denial import Denial
from gatekeeper.core.description import request_seq_num
from gatekeeper.core.effects import Address, Effect, Instant, Observe, Send
from gatekeeper.core.gatekeeper import MAXIMUM_DATAGRAM
from gatekeeper.core.received import Received
from gatekeeper.core.refusal_budget import RefusalBudget
from gatekeeper.core.rejection import reject, reject_discovery
from gatekeeper.core.sealing import Sealer
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.source_limits import SourceLimits
from gatekeeper.core.state import State
from gatekeeper.registry import Registry

HELD_FOR = 5_000
"""Milliseconds that a RIP asks for. The terminal asks again afterwards, and by then there may be a quorum."""
NO_QUORUM = Denial(RefusalName.GATEKEEPER_ERROR, "no quorum: two of three store members are gone; tell the operators")
CLOCKS_DIFFER = 2
"""Seconds by which a terminal's clock may be wrong before it is taken to have signed later than it did."""
ASKED_FOR = 15
"""Seconds for which a terminal sends a request that doesn't say when it was made: three times, 5 s each."""
_MOST_ANSWERS = 20_000
_HELD = (
    AdmissionRequest,
    RegistrationRequest,
    UnregistrationRequest,
    BandwidthRequest,
    DisengageRequest,
    InfoRequestResponse,
    ResourcesAvailableIndicate,
)


class WithoutQuorum:
    """Refuses what is surely new, and asks everybody else for patience."""

    def __init__(
        self, settings: CoreSettings, registry: Registry, signing_key: PrivateKey, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._settings = settings
        self._sealer = Sealer(settings.gatekeeper_identifier, signing_key, random_bytes)
        self._authenticator = Authenticator(
            settings.gatekeeper_identifier, registry, State(), settings.signature_window
        )
        self._limits = SourceLimits(settings.rates)
        self._budget = RefusalBudget(settings.refusals_per_source, settings.refusals_in_all, settings.refusal_interval)
        seconds = 2 * settings.signature_window + 1
        self._answers = AnswerCache(seconds, _MOST_ANSWERS)
        self.refusals = AnswerCache(seconds, _MOST_ANSWERS)
        """Of requests that would have been granted something: the next term of office gives the same answers."""
        self._earlier = AnswerCache(seconds, 0)
        self._handed_over_until = -math.inf

    def use_registry(self, registry: Registry) -> None:
        """Believe whom this registry has from now on."""
        self._authenticator.registry = registry

    def remember(self, state: State) -> None:
        """Know by this state whose an endpointIdentifier is: who can't sign often has no other name for itself.

        It may be old, or empty. Whoever came later gets no answer, and whoever went is asked for patience: neither is
        granted anything, and nothing is ended.
        """
        self._authenticator.state = state

    def suspect(self, monotonic: float) -> None:
        """Until then (monotonic seconds) some gatekeeper may have handed requests to the store."""
        self._handed_over_until = max(self._handed_over_until, monotonic)

    def in_office(self, answers: AnswerCache, now: Instant) -> None:
        """A term of this node's is about to be asked: what it answers is in the store, or may come to it yet."""
        if answers is not self._earlier:
            answers.take_over(self.refusals, now)
            self._earlier = answers
        self.suspect(now.monotonic)

    def receive(self, datagram: bytes, source: Address, now: Instant) -> list[Effect]:
        """Take one datagram. Never raises, whatever the octets are."""
        if not self._limits.admits(source, now.monotonic):
            return [Observe("unknown", "rate_limited")]
        if len(datagram) > MAXIMUM_DATAGRAM:
            return self._dropped("unknown", "too_large", source, now)
        for answers in (self._answers, self.refusals, self._earlier):
            answers.forget(now)
        digest = request_digest(datagram, source)
        known = self._answers.find(digest, source) or self.refusals.find(digest, source)
        if known is not None:
            self._limits.charge(source, now.monotonic)
            return [known, Observe("unknown", "retransmission")]
        try:
            message = decode(datagram)
        except DecodeError:
            return self._dropped("unknown", "malformed", source, now)
        return self._answer(Received(message, datagram, digest, source, now))

    def _dropped(self, name: str, result: str, source: Address, now: Instant) -> list[Effect]:
        self._limits.charge(source, now.monotonic)
        return [Observe(name, result)]

    def _answer(self, received: Received) -> list[Effect]:
        message = received.message
        if isinstance(message, GatekeeperRequest):
            return self._refuse_discovery(received, message)
        name = short_name(message)
        if not _waits_for_answer(message):
            return self._dropped(name, "dropped", received.source, received.now)
        sender = self._sender(received)
        if sender is None:
            return [Observe(name, "dropped")]
        refusal = self._refusal(received, sender)
        # RIP keeps a registration and a call as they are (H.225.0 7.19).
        answer = refusal or RequestInProgress(request_seq_num=request_seq_num(message), delay=HELD_FOR)
        send = Send(self._sealer.answer(answer, sender, received.datagram, received.now.unix), received.source)
        answers, result = (self._answers, "held") if refusal is None else (self.refusals, NO_QUORUM.name.value)
        answers.keep(received, send)
        return [send, Observe(name, result, sender.authentication)]

    def _refusal(self, received: Received, sender: Sender) -> RasMessage | None:
        """What refuses a request that asks for something new, if it surely was never handed to the store."""
        if not _is_new(received.message) or not self._is_surely_undecided(received, sender.token):
            return None
        return reject(received.message, NO_QUORUM, self._settings.gatekeeper_identifier)

    def _is_surely_undecided(self, received: Received, token: Token | None) -> bool:
        if self._earlier.find(received.digest, received.source) is not None:
            return False
        now = received.now
        if token is None:
            return now.monotonic - self._handed_over_until > ASKED_FOR
        handed_over_until = now.unix - (now.monotonic - self._handed_over_until)
        # Of a clock that is plainly ahead nothing can be told.
        return handed_over_until + CLOCKS_DIFFER < token.time_stamp <= now.unix + CLOCKS_DIFFER

    def _sender(self, received: Received) -> Sender | None:
        source, now = received.source, received.now.monotonic
        may_cost = self._limits.may_cost(source, now)
        sender = self._authenticator.authenticate(received, may_cost=may_cost)
        if isinstance(sender, Sender):
            self._limits.prove(source)
            return sender
        self._limits.charge(source, now)
        if isinstance(sender, Denial) and sender.security_error == INTEGRITY:
            self._limits.charge_cost(source, now)
        return None

    def _refuse_discovery(self, received: Received, message: GatekeeperRequest) -> list[Effect]:
        """GRJ to anybody, within the budget, and never in more octets than were sent."""
        source, now = received.source, received.now
        self._limits.charge(source, now.monotonic)
        if not self._budget.spend(source[0], now.monotonic):
            return [Observe("GRQ", "dropped")]
        refusal = reject_discovery(message, NO_QUORUM, self._settings.gatekeeper_identifier)
        may_sign = self._limits.may_cost(source, now.monotonic)
        if may_sign:
            self._limits.charge_cost(source, now.monotonic)
        datagram = self._sealer.to_stranger(refusal, None, received.datagram, now.unix, may_sign=may_sign)
        if datagram is None:
            return [Observe("GRQ", "dropped")]
        send = Send(datagram, source)
        self._answers.keep(received, send)
        return [send, Observe("GRQ", NO_QUORUM.name.value)]


def _waits_for_answer(message: RasMessage) -> bool:
    return isinstance(message, _HELD) and not (isinstance(message, InfoRequestResponse) and not message.need_response)


def _is_new(message: RasMessage) -> bool:
    return isinstance(message, AdmissionRequest) or (
        isinstance(message, RegistrationRequest) and not message.keep_alive
    )
