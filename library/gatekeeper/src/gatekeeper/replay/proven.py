"""A proven request, decided again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from h323.council import RefusalName
from h323.ras import LocationRequest, RasMessage
from h323.ras.names import short_name

from gatekeeper.core.authentication import permitted
from gatekeeper.core.denial import Denial
from gatekeeper.core.effects import Instant
from gatekeeper.core.gatekeeper import HANDLERS
from gatekeeper.core.location import locate, locate_for_neighbour
from gatekeeper.core.request import Decision, Request
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import State
from gatekeeper.registry import SIGNED, Guardian, Registry
from gatekeeper.replay.fields import Fields, RecordError
from gatekeeper.replay.history import History
from gatekeeper.replay.request import request_of

_DRAWN = 8
"""Octets of an endpointIdentifier."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a record is not justified."""

    expected: str
    rule: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Under which a request was decided."""

    history: History
    registry: Registry
    settings: CoreSettings
    now: Instant


def judge_proven(asked: Fields, told: Fields, there: Circumstances) -> Verdict | None:
    """What is against the answer; None where it is justified. The history goes on as the log has it."""
    guardian = there.registry.by_terminal_id(asked.needed_text("terminal_id"))
    confirmed = "reason" not in told
    believable = _believable(asked, guardian, there.now.unix)
    if guardian is None or believable is not None:
        if confirmed:
            there.history.follow(asked, told)
        return believable
    message = request_of(asked)
    verdict, changes_kept = _compare(message, _decide(message, asked, told, guardian, there), told, there.history)
    if confirmed and not changes_kept:
        there.history.follow(asked, told)
    return verdict


def _believable(asked: Fields, guardian: Guardian | None, unix: float) -> Verdict | None:
    """Whether the request's sender could have been believed."""
    if guardian is None:
        return Verdict("a refusal: nobody of this terminal_id is on the registry", "authentication")
    policy = asked.needed_text("authentication")
    if policy != guardian.authentication:
        return Verdict(f"{guardian.terminal_id} believed by the policy {guardian.authentication}", "authentication")
    if policy == SIGNED:
        epoch = asked.number("key_epoch")
        if epoch not in {slot.epoch for slot in guardian.usable_keys(unix)}:
            return Verdict(f"a refusal: key epoch {epoch} could not be used then", "authentication")
    elif not guardian.is_near(asked.address("source")[0]):
        return Verdict("a refusal: the source is in none of this guardian's networks", "authentication")
    return None


def _decide(
    message: RasMessage, asked: Fields, told: Fields, guardian: Guardian, there: Circumstances
) -> Decision | Denial:
    def drawn(count: int) -> bytes:
        """The endpointIdentifier that the gatekeeper drew."""
        identifier = told.text("endpoint_identifier")
        if identifier is None or count != _DRAWN:
            return bytes(count)
        if identifier in there.history.state.registrations:
            raise RecordError("the endpoint_identifier is another endpoint's")
        return told.octets("endpoint_identifier")

    request: Request[Any] = Request(
        message=message,
        guardian=guardian,
        source=asked.address("source"),
        now=there.now,
        state=there.history.state,
        registry=there.registry,
        settings=there.settings,
        random_bytes=drawn,
    )
    handler = locate if isinstance(message, LocationRequest) else HANDLERS[type(message)]
    return permitted(guardian) or handler(request)


def _compare(
    message: RasMessage, decision: Decision | Denial, told: Fields, history: History
) -> tuple[Verdict | None, bool]:
    """What is against the answer, and whether the decision's changes stay."""
    rule = f"the policy for {short_name(message)}"
    reason = told.text("reason")
    if isinstance(decision, Denial):
        if reason == decision.name.value:
            return None, False
        return Verdict(f"a refusal, {decision.name.value}: {decision.detail}", _rule_of(decision)), False
    wrong = _wrong(decision, told)
    if wrong is not None:
        history.take_back(decision.changes)
        return Verdict(wrong, rule), False
    history.keep(decision.changes)
    return None, True


def _wrong(decision: Decision, told: Fields) -> str | None:
    """In what the answer isn't the decision."""
    granted = json.loads(json.dumps({name: value for name, value in decision.notes.items() if value is not None}))
    if "reason" in told:
        return f"a confirmation: {json.dumps(granted)}"
    answer = short_name(decision.answer) if decision.answer is not None else "no answer"
    if told.needed_text("msg_type") != answer:
        return answer
    differing = {name: granted.get(name) for name in decision.notes if told.values.get(name) != granted.get(name)}
    return json.dumps(differing) if differing else None


_RULES = {
    RefusalName.NOT_REGISTERED: "only who is registered",
    RefusalName.SUSPENDED: "status on the registry",
    RefusalName.REVOKED: "status on the registry",
    RefusalName.PII_POLICY_VIOLATION: "personal data and call type",
    RefusalName.BANDWIDTH_EXCEEDED: "bandwidth quota",
    RefusalName.CAPACITY_EXCEEDED: "capacity",
    RefusalName.DUPLICATE_ALIAS: "terminal aliases",
    RefusalName.UNKNOWN_ALIAS: "called party and terminal aliases",
    RefusalName.UNKNOWN_CALL: "calls and their ends",
}


def _rule_of(denial: Denial) -> str:
    return _RULES.get(denial.name, "prerequisites")


def judge_neighbours(asked: Fields, told: Fields, state: State, settings: CoreSettings) -> Verdict | None:
    """A neighbour's LRQ."""
    source = asked.address("source")
    message = request_of(asked)
    if source[0] not in settings.neighbours or not isinstance(message, LocationRequest):
        return Verdict("no answer: this is no neighbour's LRQ", "neighbours")
    answer = short_name(locate_for_neighbour(message, source, state, settings))
    return Verdict(answer, "the policy for LRQ") if answer != told.needed_text("msg_type") else None
