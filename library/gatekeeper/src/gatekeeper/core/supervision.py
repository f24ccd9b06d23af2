"""What the gatekeeper does about calls by itself: clears them, asks after them, lowers their bandwidth.

Each decision is committed before the endpoint hears of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from h323.ras import (
    BandwidthReject,
    BandwidthRequest,
    DisengageRequest,
    InfoRequest,
    InfoRequestResponse,
    RasMessage,
)
from h323.ras.names import short_name
from witness.day_files.streams import RAS_STREAM

from gatekeeper.core.bandwidth import BANDWIDTH_UNIT_BPS
from gatekeeper.core.calls import Call
from gatekeeper.core.commits import Commits, Pending
from gatekeeper.core.description import request_seq_num
from gatekeeper.core.effects import Effect, Instant, Observe
from gatekeeper.core.information import denies
from gatekeeper.core.journal import Journal
from gatekeeper.core.outgoing import Initiative, Outgoing, OutgoingRequests
from gatekeeper.core.request import Decision
from gatekeeper.core.settings import CoreSettings
from gatekeeper.core.state import Registration, State
from gatekeeper.store import Batch, Change, Record

_MOST_AT_ONCE = 100
"""Calls cleared by one commit, or asked after at a time."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Calls that an operator names: by callIdentifier, conferenceID (hexadecimal digits both) or terminal_id."""

    call_identifier: str | None = None
    conference_id: str | None = None
    terminal_id: str | None = None

    def matches(self, call: Call) -> bool:
        """Whether the call is meant; a selection that names nothing means no call."""
        named = [
            (self.call_identifier, call.call_identifier),
            (self.conference_id, call.conference_id),
            (self.terminal_id, call.terminal_id),
        ]
        wanted = [(one, other) for one, other in named if one is not None]
        return bool(wanted) and all(one == other for one, other in wanted)


class Supervision:
    """The zone's calls under the gatekeeper's eye."""

    def __init__(
        self, settings: CoreSettings, state: State, journal: Journal, commits: Commits, outgoing: OutgoingRequests
    ) -> None:
        self._settings = settings
        self._state = state
        self._journal = journal
        self._commits = commits
        self._outgoing = outgoing

    def initiate(self, initiative: Initiative, now: Instant) -> list[Effect]:
        """Make a request of an endpoint."""
        send = self._outgoing.begin(initiative, now)
        return [send, Observe(_short(initiative), "initiated")]

    def select(self, selection: Selection) -> list[Call]:
        """The calls that an operator means."""
        if selection.call_identifier is not None:
            candidates: Iterable[Call] = self._state.calls.with_identifier(selection.call_identifier)
        elif selection.conference_id is not None:
            candidates = self._state.calls.of_conference(selection.conference_id)
        else:
            registration = self._state.registration_of(selection.terminal_id or "")
            endpoint_identifier = registration.endpoint_identifier if registration else ""
            candidates = self._state.calls.of_endpoint(endpoint_identifier)
        return [call for call in candidates if selection.matches(call)]

    def clear(self, calls: list[Call], now: Instant, detail: str, *, tell: bool = True) -> list[Effect]:
        """End calls by the gatekeeper's own decision, and where `tell` says so make their endpoints drop them (DRQ)."""
        effects: list[Effect] = []
        for start in range(0, len(calls), _MOST_AT_ONCE):
            some = calls[start : start + _MOST_AT_ONCE]
            for call in some:
                self._state.calls.remove(call)
            records = tuple(self._record("CLEARED", call, now, detail=detail) for call in some)
            pending = Pending(initiatives=self._disengagements(some) if tell else ())
            changes = tuple(Change(call.key, None) for call in some)
            effects.append(self._commits.begin(Batch(changes, records), pending, now.monotonic))
        return effects

    def _disengagements(self, calls: Iterable[Call]) -> tuple[Initiative, ...]:
        known = ((call, self._state.registrations.get(call.endpoint_identifier)) for call in calls)
        return tuple(Initiative(DisengageRequest, there, call) for call, there in known if there is not None)

    def reported(self, decision: Decision, told: list[Effect], now: Instant) -> list[Effect]:
        """Keep calls granted beforehand; make the endpoint drop those never admitted, or cleared meanwhile.

        `told` answers the report: once the calls that are kept are durable.
        """
        adopted, disowned = decision.adopted, decision.disowned[:_MOST_AT_ONCE]
        if not adopted and not disowned:
            return told
        records = [self._adopted(call, now) for call in adopted]
        records += [self._record("CLEARED", call, now, detail="reported, but not admitted") for call in disowned]
        changes = tuple(Change(call.key, call.encoded()) for call in adopted)
        pending = Pending(tuple(told) if adopted else (), initiatives=self._disengagements(disowned))
        commit = self._commits.begin(Batch(changes, tuple(records)), pending, now.monotonic)
        return [commit] if adopted else [*told, commit]

    def _adopted(self, call: Call, now: Instant) -> Record:
        more = {"answer_call": call.answer_call, "call_reference": call.call_reference}
        return self._record("ADOPTED", call, now, **more, detail="admitted by preGrantedARQ")

    def _record(self, msg_type: str, call: Call, now: Instant, **more: object) -> Record:
        fields: dict[str, object] = {
            "msg_type": msg_type,
            "terminal_id": call.terminal_id,
            "endpoint_identifier": call.endpoint_identifier,
            "call_identifier": call.call_identifier,
            "conference_id": call.conference_id,
            "bandwidth_bps": call.bandwidth_bps,
        }
        return self._journal.record(RAS_STREAM, now, fields | more)

    # Answers

    def answered(self, message: RasMessage, terminal_id: str, now: Instant) -> list[Effect] | None:
        """Take a proven answer to a request of ours; None where it answers none."""
        outgoing = self._outgoing.answered(message, terminal_id)
        if outgoing is None:
            return None
        call = self._current(outgoing.initiative.call)
        if isinstance(outgoing.message, InfoRequest):
            return self._informed(message, call, now)
        effects = self._note(outgoing, short_name(message), now)
        if isinstance(message, BandwidthReject) and call is not None:
            effects += self.clear([call], now, "the endpoint keeps to more bandwidth than it is allowed")
        return effects

    def _current(self, call: Call | None) -> Call | None:
        """The call as it is now; None where it has ended meanwhile."""
        return self._state.calls.get(*call.leg) if call is not None else None

    def _informed(self, message: RasMessage, call: Call | None, now: Instant) -> list[Effect]:
        """An XRS says nothing of the call: such an endpoint is left alone."""
        if call is None or not isinstance(message, InfoRequestResponse) or not denies(message, call):
            return []
        return self.clear([call], now, "its endpoint no longer reports it", tell=False)

    def _note(self, outgoing: Outgoing, answer: str, now: Instant) -> list[Effect]:
        """Write down what became of a request of ours."""
        initiative = outgoing.initiative
        fields: dict[str, object] = {
            "msg_type": answer,
            "request_seq_num": request_seq_num(outgoing.message),
            "answers": _short(initiative),
            "terminal_id": initiative.registration.terminal_id,
            "endpoint_identifier": initiative.registration.endpoint_identifier,
        }
        if initiative.call is not None:
            fields["call_identifier"] = initiative.call.call_identifier
            fields["conference_id"] = initiative.call.conference_id
        record = self._journal.record(RAS_STREAM, now, fields)
        return [self._commits.begin(Batch((), (record,)), Pending(), now.monotonic)]

    # Time

    def timeout(self, now: Instant) -> list[Effect]:
        """Send again what is due, draw conclusions from silence, ask after calls of which nothing is heard."""
        again, given_up = self._outgoing.timeout(now.monotonic)
        effects: list[Effect] = list(again)
        for outgoing in given_up:
            effects += self._unanswered(outgoing, now)
        return effects + self._ask_after_calls(now)

    def _unanswered(self, outgoing: Outgoing, now: Instant) -> list[Effect]:
        call = self._current(outgoing.initiative.call)
        if isinstance(outgoing.message, InfoRequest):
            return self.clear([call], now, "its endpoint doesn't answer") if call is not None else []
        effects = self._note(outgoing, "NO_ANSWER", now)
        if isinstance(outgoing.message, BandwidthRequest) and call is not None:
            effects += self.clear([call], now, "its endpoint doesn't answer")
        return effects

    def _ask_after_calls(self, now: Instant) -> list[Effect]:
        if not self._settings.irr_frequency:
            return []
        patience = self._settings.irr_frequency * self._settings.missed_reports
        effects: list[Effect] = []
        for call in self._state.calls.unreported_since(now.monotonic - patience)[:_MOST_AT_ONCE]:
            registration = self._state.registrations.get(call.endpoint_identifier)
            if registration is None:
                effects += self.clear([call], now, "its endpoint is not registered any more")
                continue
            # Asked once; the next time is as far away as after a report.
            self._state.calls.report(call, now.monotonic)
            effects += self.initiate(Initiative(InfoRequest, registration, call), now)
        return effects

    # Bandwidth

    def enforce_quota(self, registration: Registration, quota: int, now: Instant) -> list[Effect]:
        """Give each call its part of the guardian's quota (bit/s), where the registry has lowered that.

        It counts from now on; an endpoint that refuses loses the call.
        """
        total = self._state.calls.bandwidth_of(registration.terminal_id)
        if total <= quota:
            return []
        changes, records, initiatives = [], [], []
        for old in self._state.calls.of_endpoint(registration.endpoint_identifier):
            part = old.bandwidth_bps * quota // total
            new = replace(old, bandwidth_bps=part - part % BANDWIDTH_UNIT_BPS)
            self._state.calls.replace(old, new)
            changes.append(Change(new.key, new.encoded()))
            records.append(self._record("BRQ", new, now, detail="the guardian's quota was lowered"))
            initiatives.append(Initiative(BandwidthRequest, registration, new))
        pending = Pending(initiatives=tuple(initiatives))
        return [self._commits.begin(Batch(tuple(changes), tuple(records)), pending, now.monotonic)]


def _short(initiative: Initiative) -> str:
    """Say "DRQ" and the like."""
    return {BandwidthRequest: "BRQ", DisengageRequest: "DRQ", InfoRequest: "IRQ"}.get(initiative.kind, "URQ")
