"""The gatekeeper of one term of office: datagrams in, commits and answers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from h323.asn1.types import UnregRequestReason
from h323.h235 import PrivateKey, TokenError, read_token
from h323.ras import (
    AdmissionRequest,
    BandwidthRequest,
    DecodeError,
    DisengageRequest,
    GatekeeperConfirm,
    GatekeeperReject,
    GatekeeperRequest,
    InfoRequestResponse,
    LocationConfirm,
    LocationRequest,
    RasMessage,
    RegistrationRequest,
    RequestInProgress,
    ResourcesAvailableIndicate,
    ServiceControlIndication,
    UnregistrationRequest,
    decode,
    encode,
)
from h323.ras.names import short_name
from witness.day_files.streams import FAILOVER_STREAM, RAS_STREAM

from gatekeeper.core.admission import admit
from gatekeeper.core.answers import AnswerCache, request_digest
from gatekeeper.core.authentication import INTEGRITY, Authenticator, Limited, Sender, permitted
from gatekeeper.core.bandwidth_change import change_bandwidth
from gatekeeper.core.calls import Call
from gatekeeper.core.commits import Commits, Pending, Requester
from gatekeeper.core.deadlines import Deadlines
from gatekeeper.core.denial import Denial
from gatekeeper.core.description import describe_request, request_seq_num
from gatekeeper.core.disclosure import Disclosure
from gatekeeper.core.discovery import discover, policy_for
from gatekeeper.core.disengage import disengage
from gatekeeper.core.effects import Address, Commit, Effect, Instant, Observe, Send
from gatekeeper.core.floods import LIMITED, MALFORMED, REFUSED, Floods
from gatekeeper.core.information import report
from gatekeeper.core.inheritance import Inheritance
from gatekeeper.core.inventory import Inventory
from gatekeeper.core.journal import Journal
from gatekeeper.core.location import locate, locate_for_neighbour, reply_address
from gatekeeper.core.outgoing import ANSWERS, Initiative, OutgoingRequests
from gatekeeper.core.received import Received
from gatekeeper.core.refusal_budget import RefusalBudget
from gatekeeper.core.registration import entitled, register, unregister_endpoint
from gatekeeper.core.rejection import reject, reject_discovery
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.resources import indicate
from gatekeeper.core.sealing import RandomBytes, Sealer
from gatekeeper.core.service_control import respond
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.source_limits import SourceLimits
from gatekeeper.core.state import Registration, State
from gatekeeper.core.supervision import Selection, Supervision
from gatekeeper.core.term_record import describe_registry, describe_state, describe_term
from gatekeeper.core.transport_address import address_text
from gatekeeper.core.unknown import not_understood
from gatekeeper.core.unregistration import unregister
from gatekeeper.registry import SIGNED, Guardian, Registry
from gatekeeper.store import Batch, Change, Record, Snapshot

MAXIMUM_DATAGRAM = 4_096
"""Octets. The largest request of this profile has some 600; H.225.0 sets no limit, the path MTU does in practice."""
HOUSEKEEPING = 0.25
"""Seconds between two looks at what has run out."""
_DAY = 86_400
"""Seconds; the log's days begin at midnight UTC, and so do its files."""
_MOST_ANSWERS = 500_000
_ENFORCED = 500
"""Endpoints on which a registry is enforced at once: some milliseconds."""
UNPROVEN = "unproven"
NEIGHBOUR = "neighbour"
"""What records say in place of a policy where nobody was believed."""

Handler = Callable[[Request[Any]], Decision | Denial]

HANDLERS: Mapping[type[Any], Handler] = {
    RegistrationRequest: register,
    UnregistrationRequest: unregister,
    AdmissionRequest: admit,
    BandwidthRequest: change_bandwidth,
    DisengageRequest: disengage,
    InfoRequestResponse: report,
    ResourcesAvailableIndicate: indicate,
    ServiceControlIndication: respond,
}
"""The policies by the kind of a proven request; a LocationRequest has `locate`."""


class Gatekeeper:
    """Decides for as long as its node holds the epoch; made anew, from the store's snapshot, at each takeover.

    State is changed when a decision is made, and answered when the commit is durable. Commits are made in order, so a
    decision never rests on one that is lost: where a commit fails, the service throws this object away.
    """

    def __init__(
        self,
        settings: CoreSettings,
        registry: Registry,
        signing_key: PrivateKey,
        snapshot: Snapshot,
        now: Instant,
        random_bytes: RandomBytes,
        inheritance: Inheritance | None = None,
    ) -> None:
        """Begin with the snapshot, or with the inheritance that was told all of it, which is given away."""
        self.settings = settings
        inherited = inheritance or Inheritance.of(snapshot)
        self.epoch = snapshot.term.epoch
        self._registry = registry
        self._sealer = Sealer(settings.gatekeeper_identifier, signing_key, random_bytes)
        self._random_bytes = random_bytes
        self._state = inherited.state
        self._state.calls.report_all(now.monotonic)
        self._previous_epoch = snapshot.previous.epoch if snapshot.previous is not None else None
        self._journal = Journal(snapshot.sizes, settings.node, self.epoch, registry.version)
        self._disclosure = Disclosure(self._state, settings, registry)
        self._limits = SourceLimits(settings.rates)
        self._authenticator = Authenticator(
            settings.gatekeeper_identifier,
            registry,
            self._state,
            settings.signature_window,
            since=snapshot.term.since if snapshot.previous is not None else 0.0,
        )
        # A signed datagram is fresh from one window before its timeStamp to one after it.
        self._answers = AnswerCache(2 * settings.signature_window + 1, _MOST_ANSWERS)
        for token in self._answers.restore(inherited.answers, now):
            self._authenticator.replay.restore(token.senders_id, token.time_stamp, token.random)
        self._budget = RefusalBudget(settings.refusals_per_source, settings.refusals_in_all, settings.refusal_interval)
        self._floods = Floods(settings.refusal_interval)
        self._deadlines = Deadlines()
        registered = self._state.registrations
        # keepAlives are not replicated: whoever was registered gets one full timeToLive from the new active.
        self._deadlines.extend_all({name: now.monotonic + one.time_to_live for name, one in registered.items()})
        self._limits.prove_all([one.source for one in registered.values()])
        self._commits = Commits()
        first = int.from_bytes(random_bytes(2), "big")
        identifier = settings.gatekeeper_identifier
        self._outgoing = OutgoingRequests(identifier, self._seal_request, first, settings.max_initiated)
        self._supervision = Supervision(settings, self._state, self._journal, self._commits, self._outgoing)
        self._housekeeping = self._next_page = now.monotonic + HOUSEKEEPING
        self._inventory: Inventory | None = None
        self._day = now.unix // _DAY

    @property
    def state(self) -> State:
        """Registrations and calls."""
        return self._state

    @property
    def answers(self) -> AnswerCache:
        """What was answered, and what is to be once its commit is durable."""
        return self._answers

    @property
    def registrations(self) -> int:
        """How many endpoints are registered."""
        return len(self._state.registrations)

    @property
    def registrations_by_authentication(self) -> Mapping[str, int]:
        """How many of them there are of each policy."""
        return self._state.by_authentication

    @property
    def calls(self) -> int:
        """How many legs of calls are admitted."""
        return len(self._state.calls)

    @property
    def next_timeout(self) -> float:
        """When to call `timeout` next, in monotonic seconds."""
        times = [self._housekeeping, self._outgoing.next_timeout]
        if self._commits.oldest is not None:
            times.append(self._commits.oldest + self.settings.slow_commit)
        return min(time for time in times if time is not None)

    def receive(self, datagram: bytes, source: Address, now: Instant) -> list[Effect]:
        """Take one datagram from the RAS socket. Never raises, whatever the octets are."""
        if not self._limits.admits(source, now.monotonic):
            return self._silent("unknown", LIMITED, source)
        if len(datagram) > MAXIMUM_DATAGRAM:
            return self._unproven("unknown", "too_large", source, now)
        digest = request_digest(datagram, source)
        known = self._answers.find(digest, source)
        if known is not None:
            self._limits.charge(source, now.monotonic)
            again = known if known.datagram else self._progress(self._commits.waiting_for(digest), now)
            observed = Observe("unknown", "retransmission")
            return [observed] if again is None else [again, observed]
        try:
            message = decode(datagram)
        except DecodeError:
            return self._unproven("unknown", MALFORMED, source, now)
        return self._decide(Received(message, datagram, digest, source, now))

    def _silent(self, name: str, result: str, source: Address) -> list[Effect]:
        """Nothing is said to who sent this: it is counted, and summed up in the log."""
        self._floods.note(source[0], result)
        return [Observe(name, result)]

    def _unproven(self, name: str, result: str, source: Address, now: Instant) -> list[Effect]:
        """As `_silent`, and charged to its source."""
        self._limits.charge(source, now.monotonic)
        return self._silent(name, result, source)

    def _decide(self, received: Received) -> list[Effect]:
        message = received.message
        name = short_name(message)
        if len(self._commits) >= self.settings.max_outstanding:
            return [Observe(name, "overloaded")]
        handler = HANDLERS.get(type(message))
        if handler is None:
            return self._decide_otherwise(received)
        sender = self._sender(received)
        if not isinstance(sender, Sender):
            return self._refuse_unproven(received, sender)
        if isinstance(message, InfoRequestResponse):
            effects = self._supervision.answered(message, sender.guardian.terminal_id, received.now) or []
            return [*effects, *self._decided(received, handler, sender)]
        return self._decided(received, handler, sender)

    def _sender(self, received: Received, asked: Registration | None = None) -> Sender | Denial | Limited:
        """Who sent this; whoever didn't prove it is charged."""
        monotonic = received.now.monotonic
        may_cost = self._limits.may_cost(received.source, monotonic)
        sender = self._authenticator.authenticate(received, asked, may_cost=may_cost)
        if isinstance(sender, Sender):
            self._limits.prove(received.source)
        else:
            self._limits.charge(received.source, monotonic)
        if isinstance(sender, Denial) and sender.security_error == INTEGRITY:
            self._limits.charge_cost(received.source, monotonic)
        return sender

    def _decided(self, received: Received, handler: Handler, sender: Sender) -> list[Effect]:
        denial = permitted(sender.guardian)
        decision = denial or handler(self._request(received, sender))
        if isinstance(decision, Denial):
            return self._refuse(received, decision, sender)
        return self._confirm(received, decision, sender)

    def _decide_otherwise(self, received: Received) -> list[Effect]:
        """Messages that aren't a guardian's requests."""
        if isinstance(received.message, GatekeeperRequest):
            return self._discover(received, received.message)
        if isinstance(received.message, ANSWERS):
            return self._answered(received)
        if isinstance(received.message, LocationRequest):
            return self._locate(received, received.message)
        return self._unknown(received)

    def _locate(self, received: Received, message: LocationRequest) -> list[Effect]:
        """LRQ: neighbours sign nothing, and are known by their address; everybody else has to prove who they are."""
        if received.source[0] in self.settings.neighbours:
            return self._answer_neighbour(received, message)
        sender = self._sender(received)
        if not isinstance(sender, Sender):
            return self._silent("LRQ", "dropped", received.source)
        return self._decided(received, locate, sender)

    def _answer_neighbour(self, received: Received, message: LocationRequest) -> list[Effect]:
        now, source = received.now, received.source
        self._limits.charge(source, now.monotonic)
        answer = locate_for_neighbour(message, received.source, self._state, self.settings)
        datagram = encode(answer)
        if len(datagram) > len(received.datagram):
            return self._silent("LRQ", "dropped", source)
        result = "confirmed" if isinstance(answer, LocationConfirm) else "rejected"
        records = self._records(received, answer, {}, NEIGHBOUR)
        send = Send(datagram, reply_address(message, source))
        kept = self._answers.prepare(received, send, None)
        pending = Pending((send, Observe("LRQ", result)), received.digest, send)
        return [self._commits.begin(Batch((), records, (kept,)), pending, now.monotonic)]

    def _request(self, received: Received, sender: Sender) -> Request[Any]:
        return Request(
            message=received.message,
            guardian=sender.guardian,
            source=received.source,
            now=received.now,
            state=self._state,
            registry=self._registry,
            settings=self.settings,
            random_bytes=self._random_bytes,
        )

    def _discover(self, received: Received, message: GatekeeperRequest) -> list[Effect]:
        """Discovery is answered to anybody: it grants nothing, and gets no more octets than it has."""
        sender: Sender | None = None
        if message.crypto_tokens:
            proven = self._sender(received)
            if not isinstance(proven, Sender):
                return self._refuse_unproven(received, proven)
            sender = proven if proven.token is not None else None
        policy = policy_for(message, self._registry, received.source[0])
        decision = discover(message, received.source, self.settings, policy)
        if isinstance(decision, Denial):
            answer: GatekeeperConfirm | GatekeeperReject = reject_discovery(
                message, decision, self.settings.gatekeeper_identifier
            )
            result = decision.name.value
        else:
            answer, result = decision, "confirmed"
        if sender is not None:
            return self._answer_now(received, answer, sender, result)
        return self._answer_stranger(received, answer, result, may_sign=policy == SIGNED)

    def _answer_stranger(
        self, received: Received, answer: GatekeeperConfirm | GatekeeperReject, result: str, *, may_sign: bool
    ) -> list[Effect]:
        now, source = received.now, received.source
        self._limits.charge(source, now.monotonic)
        may_sign = may_sign and self._limits.may_cost(source, now.monotonic)
        if may_sign:
            self._limits.charge_cost(source, now.monotonic)
        datagram = self._sealer.to_stranger(answer, None, received.datagram, now.unix, may_sign=may_sign)
        if datagram is None:
            return self._silent(short_name(received.message), REFUSED, source)
        send = Send(datagram, source)
        self._answers.keep(received, send)
        return [send, Observe(short_name(received.message), result)]

    def _unknown(self, received: Received) -> list[Effect]:
        """A message that isn't served. Unknown senders get no answer: it would be larger than what they sent."""
        name = short_name(received.message)
        answer = not_understood(received.message, received.datagram)
        if answer is None:
            return self._unproven(name, "dropped", received.source, received.now)
        sender = self._sender(received)
        if not isinstance(sender, Sender):
            return self._silent(name, "dropped", received.source)
        return self._answer_now(received, answer, sender, "unknown")

    def _answered(self, received: Received) -> list[Effect]:
        """An answer to a request of ours: believed of the endpoint that was asked, and never answered itself."""
        name = short_name(received.message)
        sender = self._sender(received, self._outgoing.asked(request_seq_num(received.message)))
        if not isinstance(sender, Sender):
            return self._silent(name, "dropped", received.source)
        effects = self._supervision.answered(received.message, sender.guardian.terminal_id, received.now)
        result = "unexpected" if effects is None else "taken"
        return [*(effects or ()), Observe(name, result, sender.authentication)]

    def _confirm(self, received: Received, decision: Decision, sender: Sender) -> list[Effect]:
        if decision.alive is not None:
            self._deadlines.extend(decision.alive, received.now.monotonic + decision.alive_for)
        if not decision.durable or decision.answer is None:
            told = self._answer_now(received, decision.answer, sender, "confirmed")
            return self._supervision.reported(decision, told, received.now)
        return self._answer_durably(received, decision.answer, sender, decision.changes, decision.notes, "confirmed")

    def _refuse(self, received: Received, denial: Denial, sender: Sender) -> list[Effect]:
        notes = {"reason": denial.name.value, "detail": denial.detail}
        answer = reject(received.message, denial, self.settings.gatekeeper_identifier)
        if answer is None:
            # Nothing in H.225.0 says no to such a message, and nothing was done about it.
            return [Observe(short_name(received.message), denial.name.value, sender.authentication)]
        return self._answer_durably(received, answer, sender, (), notes, denial.name.value)

    def _refuse_unproven(self, received: Received, why: Denial | Limited) -> list[Effect]:
        """Refuse within the budget, and never in more octets than the request has: its source may be forged."""
        name, source, now = short_name(received.message), received.source, received.now
        if isinstance(why, Limited):
            return self._silent(name, LIMITED, source)
        answer = reject(received.message, why, self.settings.gatekeeper_identifier)
        if answer is None or not self._budget.spend(source[0], now.monotonic):
            return self._silent(name, "dropped", source)
        claimed = _claimed_sender(received.message)
        datagram = self._sealer.to_stranger(answer, claimed, received.datagram, now.unix)
        if datagram is None:
            return self._silent(name, "dropped", source)
        claim = self._disclosure.claimed_sender(claimed)
        notes = {"claimed_terminal_id": claim, "reason": why.name.value, "detail": why.detail}
        records = self._records(received, answer, notes, UNPROVEN)
        send = Send(datagram, source)
        kept = self._answers.prepare(received, send, None)
        pending = Pending((send, Observe(name, why.name.value)), received.digest, send)
        return [self._commits.begin(Batch((), records, (kept,)), pending, now.monotonic)]

    def _seal_request(self, message: RasMessage, to: Registration, unix: float) -> bytes:
        return self._sealer.request(message, to, self._registry.by_terminal_id(to.terminal_id), unix)

    def _answer_now(self, received: Received, answer: RasMessage | None, sender: Sender, result: str) -> list[Effect]:
        observed = Observe(short_name(received.message), result, sender.authentication)
        if answer is None:
            return [observed]
        send = Send(self._sealer.answer(answer, sender, received.datagram, received.now.unix), received.source)
        self._answers.keep(received, send)
        return [send, observed]

    def _answer_durably(
        self,
        received: Received,
        answer: RasMessage,
        sender: Sender,
        changes: tuple[Change, ...],
        notes: Mapping[str, object],
        result: str,
    ) -> list[Effect]:
        """Commit the decision with its two records, request and answer; the answer leaves afterwards."""
        now = received.now
        requester = Requester(received.source, request_seq_num(received.message), sender, received.datagram)
        send = Send(self._sealer.answer(answer, sender, received.datagram, now.unix), received.source)
        kept = self._answers.prepare(received, send, sender.token)
        whose = {"terminal_id": sender.guardian.terminal_id, "key_epoch": sender.key_epoch, **notes}
        records = self._records(received, answer, whose, sender.authentication)
        effects = (send, Observe(short_name(received.message), result, sender.authentication))
        pending = Pending(effects, received.digest, send, requester=requester)
        return [self._commits.begin(Batch(changes, records, (kept,)), pending, now.monotonic)]

    def _records(
        self, received: Received, answer: RasMessage, notes: Mapping[str, object], authentication: str
    ) -> tuple[Record, Record]:
        where = {"source": address_text(received.source), "request_digest": received.digest.hex()}
        asked = describe_request(received.message, self._disclosure) | where | {"authentication": authentication}
        for name in ("terminal_id", "key_epoch"):
            if name in notes:
                asked[name] = notes[name]
        request = self._journal.record(RAS_STREAM, received.now, asked)
        told: dict[str, object] = {
            "msg_type": short_name(answer),
            "request_seq_num": request_seq_num(received.message),
            "answers_index": request.index,
            "authentication": authentication,
            **notes,
        }
        for name in ("call_identifier", "conference_id"):
            if name in asked:
                told[name] = asked[name]
        return request, self._journal.record(RAS_STREAM, received.now, told)

    def committed(self, number: int, now: Instant) -> list[Effect]:
        """The commit of this number is durable: its answer may leave, and what the gatekeeper asks because of it."""
        pending = self._commits.done(number)
        if pending.digest is not None and pending.answer is not None:
            self._answers.release(pending.digest, pending.answer)
        effects = list(pending.effects)
        for initiative in pending.initiatives:
            effects += self._supervision.initiate(initiative, now)
        return effects

    def _progress(self, pending: Pending | None, now: Instant) -> Send | None:
        """RIP (H.225.0 7.19): tells a requester, who has proven who they are, that the decision is not durable yet."""
        if pending is None or pending.requester is None:
            return None
        requester = pending.requester
        if pending.progress is None:
            delay = min(max(round(2_000 * self.settings.slow_commit), 1), 65_535)
            message = RequestInProgress(request_seq_num=requester.request_seq_num, delay=delay)
            datagram = self._sealer.answer(message, requester.sender, requester.datagram, now.unix)
            pending.progress = Send(datagram, requester.source)
        return pending.progress

    def timeout(self, now: Instant) -> list[Effect]:
        """Look at what has run out. Call it at `next_timeout`; earlier or later does no harm."""
        self._housekeeping = now.monotonic + HOUSEKEEPING
        effects: list[Effect] = []
        for endpoint_identifier in self._deadlines.passed(now.monotonic):
            registration = self._state.registrations.get(endpoint_identifier)
            if registration is not None:
                effects.append(self._end(registration, now, "timeToLive ran out", ("ttlExpired", None)))
        effects += self._supervision.timeout(now)
        for slow in self._commits.begun_before(now.monotonic - self.settings.slow_commit):
            progress = self._progress(slow, now)
            if progress is not None:
                effects += [progress, Observe("RIP", "initiated")]
        effects += self._take_stock(now)
        floods = [self._journal.record(RAS_STREAM, now, one) for one in self._floods.next_interval(now.monotonic)]
        forget = self._answers.forget(now)
        if floods or forget is not None:
            effects.append(self._commits.begin(Batch((), tuple(floods), forget=forget), Pending(), now.monotonic))
        return effects

    def _end(self, registration: Registration, now: Instant, detail: str, reason: UnregRequestReason) -> Commit:
        """End a registration and its calls by the gatekeeper's own decision, and tell the endpoint (URQ)."""
        self._deadlines.cancel(registration.endpoint_identifier)
        calls = self._state.calls.count_of(registration.endpoint_identifier)
        changes = unregister_endpoint(self._state, registration)
        fields = {
            "msg_type": "EXPIRED",
            "terminal_id": registration.terminal_id,
            "endpoint_identifier": registration.endpoint_identifier,
            "authentication": registration.authentication,
            "calls_ended": calls,
            "unregister_reason": reason[0],
            "detail": detail,
        }
        records = (self._journal.record(RAS_STREAM, now, fields),)
        pending = Pending(initiatives=(Initiative(UnregistrationRequest, registration, reason=reason),))
        return self._commits.begin(Batch(changes, records), pending, now.monotonic)

    def use_registry(self, registry: Registry, now: Instant) -> list[Effect]:
        """Enforce another registry at once: whoever may no longer take part loses registration and calls."""
        effects: list[Effect] = []
        told, parts = self.begin_registry(registry, now)
        effects += told
        for part in parts:
            effects += self.enforce_registry(part, now)
        return effects

    def open_term(self, now: Instant) -> list[Effect]:
        """Write down what this term begins with, and by which registry it decides, before its first decision."""
        return [self._state_all(now, describe_term(self._state, self.settings, self._previous_epoch))]

    def _state_all(self, now: Instant, sums: Mapping[str, object]) -> Commit:
        """Write down the sums of what there is, and by which registry it goes on; item by item follows by and by."""
        stated = self._journal.record(RAS_STREAM, now, sums)
        self._inventory = Inventory(self._state, stated.index)
        return self._note(now, stated, self._journal.record(RAS_STREAM, now, describe_registry(self._registry)))

    def _take_stock(self, now: Instant) -> list[Effect]:
        """Each day, and after each takeover, all items as they were then: a page at a time, so that nobody waits."""
        # Another one: a clock that was days ahead, and is right again, must not keep the next days from having theirs.
        if now.unix // _DAY != self._day:
            self._day = now.unix // _DAY
            return [self._state_all(now, describe_state(self._state, self.settings))]
        if self._inventory is None or not self._inventory.left or now.monotonic < self._next_page:
            return []
        self._next_page = now.monotonic + HOUSEKEEPING
        return [self._note(now, self._journal.record(RAS_STREAM, now, self._inventory.next_page()))]

    def _note(self, now: Instant, *records: Record) -> Commit:
        """Write something down that changes nothing."""
        return self._commits.begin(Batch((), records), Pending(), now.monotonic)

    def begin_registry(self, registry: Registry, now: Instant) -> tuple[list[Effect], list[tuple[str, ...]]]:
        """Decide by another registry from now on; effects, and the parts in which to enforce it on the registered.

        Whoever asks for something is judged by it at once: they wait only to be told.
        """
        effects: list[Effect] = []
        if registry.version != self._registry.version:
            self._journal.use_registry(registry.version)
            effects.append(self._note(now, self._journal.record(RAS_STREAM, now, describe_registry(registry))))
        self._registry = registry
        self._authenticator.registry = registry
        self._disclosure.registry = registry
        return effects, self._parts()

    def _parts(self) -> list[tuple[str, ...]]:
        registered = tuple(self._state.registrations)
        return [registered[start : start + _ENFORCED] for start in range(0, len(registered), _ENFORCED)]

    def enforce_registry(self, endpoint_identifiers: tuple[str, ...], now: Instant) -> list[Effect]:
        """End or lower what the registry no longer permits of these endpoints, if they are registered still."""
        effects: list[Effect] = []
        for endpoint_identifier in endpoint_identifiers:
            registration = self._state.registrations.get(endpoint_identifier)
            if registration is not None:
                effects += self._enforce(registration, self._registry.by_terminal_id(registration.terminal_id), now)
        return effects

    def _enforce(self, registration: Registration, guardian: Guardian | None, now: Instant) -> list[Effect]:
        if guardian is None or permitted(guardian) is not None:
            detail = "no longer permitted by the registry"
            return [self._end(registration, now, detail, ("securityDenial", None))]
        if not entitled(registration, guardian):
            detail = "the registry no longer gives all that is registered"
            return [self._end(registration, now, detail, ("reregistrationRequired", None))]
        return self._supervision.enforce_quota(registration, guardian.bandwidth_quota_bps, now)

    def list_calls(self) -> tuple[Call, ...]:
        """The legs of calls that are admitted now."""
        return tuple(self._state.calls)

    def clear_calls(self, selection: Selection, now: Instant) -> tuple[int, list[Effect]]:
        """End calls as an operator wants it; how many legs, and the effects."""
        calls = self._supervision.select(selection)
        return len(calls), self._supervision.clear(calls, now, "cleared by an operator")

    def event(self, kind: str, now: Instant, **fields: object) -> list[Effect]:
        """Write an event of the pair of gatekeepers itself (a failover) to the log."""
        record = self._journal.record(FAILOVER_STREAM, now, {"event": kind, **fields})
        return [self._commits.begin(Batch((), (record,)), Pending(), now.monotonic)]


def _claimed_sender(message: RasMessage) -> str | None:
    """Whom an unproven request names as its sender: worth a line in the log, never a decision."""
    try:
        token = read_token(message)
    except TokenError:
        return None
    return token.senders_id[:128] if token is not None else None
